//! Kernels as Debian packs them: fetched and unpacked, not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::kernels::{Kernel, PACKAGE_END};
use crate::debian::{self, NotFetched};
use crate::tools;

/// A kernel of which the files are here.
pub(super) struct Unpacked {
    /// As `uname -r` says it.
    pub(super) release: String,
    /// What starts.
    pub(super) image: PathBuf,
    /// The folder above `lib/modules`.
    pub(super) folder: PathBuf,
}

/// The kernel as it was fetched before, or the newest of its series. With `anew`, always the newest.
pub(super) fn kernel(folder: &Path, kernel: &Kernel, anew: bool) -> Result<Unpacked, NotFetched> {
    let folder = folder.join(kernel.series);
    if !anew && let Some(found) = unpacked(&folder) {
        return Ok(found);
    }
    fetch(&folder, kernel)?;
    unpacked(&folder)
        .ok_or_else(|| NotFetched::Failed(format!("no kernel in what came for {}", kernel.series)))
}

fn unpacked(folder: &Path) -> Option<Unpacked> {
    let boot = std::fs::read_dir(folder.join(UNPACKED).join("boot")).ok()?;
    boot.filter_map(Result::ok).find_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(Unpacked {
            release: name.strip_prefix("vmlinuz-")?.to_owned(),
            image: entry.path(),
            folder: folder.join(UNPACKED),
        })
    })
}

const UNPACKED: &str = "unpacked";

fn fetch(folder: &Path, kernel: &Kernel) -> Result<(), NotFetched> {
    let come = folder.join("come");
    let unpacked = debian::unpack(&come, || newest(kernel))?;
    list_modules(&unpacked).map_err(NotFetched::Failed)?;
    let place = folder.join(UNPACKED);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::rename(unpacked, &place)
        .and_then(|()| std::fs::remove_dir_all(&come))
        .map_err(|error| NotFetched::Failed(format!("cannot fill {}: {error}", place.display())))
}

/// Lists what the modules of a kernel need.
fn list_modules(kernel: &Path) -> Result<(), String> {
    let found = std::fs::read_dir(kernel.join("lib/modules"))
        .map_err(|error| format!("the package has no modules: {error}"))?
        .filter_map(Result::ok)
        .find_map(|entry| entry.file_name().into_string().ok())
        .ok_or("the package has no modules")?;
    let depmod = tools::find("depmod").ok_or("depmod is not there")?;
    tools::go(Command::new(depmod).arg("-b").arg(kernel).arg(found))
}

/// The newest package of a series that apt knows.
fn newest(kernel: &Kernel) -> Result<Option<String>, String> {
    let output = Command::new("apt-cache")
        .args(["--names-only", "search"])
        .arg(format!(
            "^{}.*{PACKAGE_END}$",
            kernel.package.replace('.', "\\.")
        ))
        .output()
        .map_err(|error| format!("cannot start apt-cache: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(newest_of(&said, kernel.package).map(str::to_owned))
}

/// Of lines that start with the names of packages.
fn newest_of<'a>(said: &'a str, start: &str) -> Option<&'a str> {
    said.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| name.ends_with(PACKAGE_END))
        .filter_map(|name| Some((numbers(name.strip_prefix(start)?), name)))
        .max()
        .map(|(_, name)| name)
}

/// The numbers in a text, in their order.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|digit: char| !digit.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_series_is_found_by_its_numbers() {
        let said = "linux-image-6.12.99+deb12-cloud-amd64 - Linux\n\
                    linux-image-6.12.117+deb12-cloud-amd64 - Linux\n\
                    linux-image-6.12.117+deb12-cloud-amd64-dbg - symbols\n\
                    linux-image-6.12-cloud-amd64 - meta\n";
        assert_eq!(
            newest_of(said, "linux-image-6.12."),
            Some("linux-image-6.12.117+deb12-cloud-amd64")
        );
        assert_eq!(newest_of(said, "linux-image-6.1.0-"), None);
    }
}
