//! The binary: one file that needs no library of the system, so that it runs in an empty container and on
//! any distribution.

use std::path::{Path, PathBuf};

use object::elf::PT_INTERP;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Endianness, ReadRef};

use crate::built::cargo;

/// Builds it, and gives where it is.
pub(super) fn build(root: &Path, debug: bool) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    // Only the last step differs from a build as always, so all that comes before is shared with it;
    // what comes of it is put elsewhere.
    let shared = format!("build.build-dir={:?}", target.display().to_string());
    let folder = target.join("static");
    let status = cargo(root)
        .args([
            "rustc",
            "--quiet",
            "--package",
            "observer",
            "--bin",
            "observer",
        ])
        .args(["--profile", if debug { "dev" } else { "dist" }])
        .args(["--config", &shared, "--target-dir"])
        .arg(&folder)
        .args(["--", "-C", "target-feature=+crt-static"])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err(format!(
            "cargo rustc ended with {status}; a static binary needs the C library as an archive \
             (Debian: libc6-dev)"
        ));
    }
    let binary = folder
        .join(if debug { "debug" } else { "dist" })
        .join("observer");
    let bytes = std::fs::read(&binary)
        .map_err(|error| format!("cannot read {}: {error}", binary.display()))?;
    if is_static(bytes.as_slice())? {
        Ok(binary)
    } else {
        Err(format!(
            "{} asks for a loader, so it is not static",
            binary.display()
        ))
    }
}

/// Whether the kernel alone can start it: no loader is asked for, so no library is.
fn is_static<'data>(bytes: impl ReadRef<'data>) -> Result<bool, String> {
    let file = ElfFile64::<Endianness, _>::parse(bytes)
        .map_err(|error| format!("the binary is no ELF file: {error}"))?;
    let endian = file.endian();
    Ok(!file
        .elf_program_headers()
        .iter()
        .any(|header| header.p_type(endian) == PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_asks_for_a_loader_is_not_static() {
        // This test is built the usual way.
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(is_static(this.as_slice()), Ok(false));
    }
}
