//! The compilers that can build for BPF, and the linker.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::succeed;
use crate::tools;

/// A compiler with the sources of `core`.
pub(super) struct Toolchain {
    kind: Kind,
    rustc: PathBuf,
    name: String,
    /// The version of its LLVM: the linker must read what it writes.
    llvm: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Debian's rustc-web.
    Debian,
    /// A nightly of rustup.
    Nightly,
}

/// The release that builds the committed object.
const REFERENCE: &str = "rustc 1.96.0 ";
/// The release of the linker.
const LINKER: &str = "0.13.0";

impl Toolchain {
    /// The reference toolchain, else a nightly.
    pub(super) fn find() -> Result<Self, String> {
        if let Some(reference) = Self::reference()? {
            return Ok(reference);
        }
        Self::nightly()?.ok_or_else(|| {
            format!(
                "no compiler here builds for BPF; install {}, or: rustup toolchain install nightly \
                 --component rust-src",
                super::REFERENCE
            )
        })
    }

    /// Debian's rustc-web with its sources. `None`: it is not installed, or not in this release.
    pub(super) fn reference() -> Result<Option<Self>, String> {
        let rustc = Path::new("/usr/bin/rustc");
        if !rustc.is_file() {
            return Ok(None);
        }
        let found = Self::look(Kind::Debian, rustc.to_owned())?;
        Ok(found.filter(|found| found.name.starts_with(REFERENCE)))
    }

    fn nightly() -> Result<Option<Self>, String> {
        let asked = Command::new("rustup")
            .args(["which", "--toolchain", "nightly", "rustc"])
            .output();
        let Ok(output) = asked else {
            return Ok(None);
        };
        let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || path.is_empty() {
            return Ok(None);
        }
        Self::look(Kind::Nightly, path.into())
    }

    /// `None`: the compiler lacks the sources of `core`.
    fn look(kind: Kind, rustc: PathBuf) -> Result<Option<Self>, String> {
        let version = output(Command::new(&rustc).arg("-vV"))?;
        let name = version.lines().next().unwrap_or_default().to_owned();
        let llvm = version
            .lines()
            .find_map(|line| line.strip_prefix("LLVM version: "))
            .and_then(|version| version.split('.').next())
            .unwrap_or_default()
            .to_owned();
        let found = Self {
            kind,
            rustc,
            name,
            llvm,
        };
        Ok(found.has_sources()?.then_some(found))
    }

    fn has_sources(&self) -> Result<bool, String> {
        Ok(self
            .sysroot()?
            .join("lib/rustlib/src/rust/library/core")
            .is_dir())
    }

    fn sysroot(&self) -> Result<PathBuf, String> {
        output(Command::new(&self.rustc).args(["--print", "sysroot"]))
            .map(|sysroot| PathBuf::from(sysroot.trim()))
    }

    /// What it calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it makes the bytes that are committed.
    pub(super) fn is_reference(&self) -> bool {
        self.kind == Kind::Debian
    }

    /// A cargo that uses it.
    pub(super) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.env("RUSTC", &self.rustc);
        // Building `core` needs unstable features, which a stable compiler allows when told so.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.env_remove("RUSTUP_TOOLCHAIN");
        cargo
    }

    /// Where the sources of `core` lie: the path that is written and the one that it leads to.
    pub(super) fn library(&self) -> Result<Vec<PathBuf>, String> {
        let written = self.sysroot()?.join("lib/rustlib/src/rust");
        let real = written
            .canonicalize()
            .map_err(|error| format!("cannot follow {}: {error}", written.display()))?;
        Ok(vec![written, real])
    }

    /// The linker for its LLVM; installed into the workspace's target folder if it is missing.
    pub(super) fn linker(&self) -> Result<PathBuf, String> {
        let place = crate::test::root()?.join(format!("target/bpf-linker-llvm-{}", self.llvm));
        let installed = place.join("bin/bpf-linker");
        let home = std::env::var_os("HOME")
            .map(PathBuf::from)
            .unwrap_or_default();
        let known = [
            tools::find("bpf-linker"),
            Some(home.join(".cargo/bin/bpf-linker")),
            Some(installed.clone()),
        ];
        for linker in known.into_iter().flatten() {
            if linker.is_file() && output(Command::new(&linker).arg("--version"))?.contains(LINKER)
            {
                return Ok(linker);
            }
        }
        self.install_linker(&place)?;
        Ok(installed)
    }

    fn install_linker(&self, place: &Path) -> Result<(), String> {
        let prefix = PathBuf::from(format!("/usr/lib/llvm-{}", self.llvm));
        if !prefix.join("bin/llvm-config").exists() {
            return Err(format!(
                "bpf-linker {LINKER} is missing, and LLVM {0} to build it with: apt install \
                 llvm-{0}-dev",
                self.llvm
            ));
        }
        println!("installing bpf-linker {LINKER} for LLVM {}", self.llvm);
        succeed(
            Command::new("cargo")
                .args(["install", "bpf-linker", "--version", LINKER, "--locked"])
                .args(["--no-default-features", "--features"])
                .arg(format!("llvm-{}", self.llvm))
                .arg("--root")
                .arg(place)
                .env("LLVM_PREFIX", prefix),
        )
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
