//! Kernels as Debian packs them: fetched and unpacked, not installed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::kernels::{Kernel, PACKAGE_END};
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

/// Why there is no kernel.
pub(super) enum NotFetched {
    /// The archive cannot be reached from here.
    NoNetwork(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NoNetwork(why) | Self::Failed(why)) = self;
        f.write_str(why)
    }
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
    let failed = |error: String| NotFetched::Failed(error);
    let package = match newest(kernel).map_err(failed)? {
        Some(package) => package,
        None => {
            // The lists may be absent, as in most images of containers.
            apt(folder, &["update"])?;
            newest(kernel).map_err(failed)?.ok_or_else(|| {
                NotFetched::Failed(format!(
                    "apt knows no package {}…{PACKAGE_END}; it is in Debian 12 and its updates",
                    kernel.package
                ))
            })?
        }
    };
    println!("fetching {package}");
    let come = folder.join("come");
    let _ = std::fs::remove_dir_all(&come);
    make(&come)?;
    if apt(&come, &["download", &package]).is_err() {
        // What the lists name may have left the archive.
        apt(&come, &["update"])?;
        let again = newest(kernel).map_err(failed)?.unwrap_or(package);
        apt(&come, &["download", &again])?;
    }
    unpack(&come).map_err(failed)?;
    let place = folder.join(UNPACKED);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::rename(come.join(UNPACKED), &place)
        .and_then(|()| std::fs::remove_dir_all(&come))
        .map_err(|error| NotFetched::Failed(format!("cannot fill {}: {error}", place.display())))
}

fn make(folder: &Path) -> Result<(), NotFetched> {
    std::fs::create_dir_all(folder)
        .map_err(|error| NotFetched::Failed(format!("cannot make {}: {error}", folder.display())))
}

/// Unpacks the package that came, and lists what its modules need.
fn unpack(come: &Path) -> Result<(), String> {
    let package = std::fs::read_dir(come)
        .map_err(|error| format!("cannot read {}: {error}", come.display()))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or("apt-get download brought no package")?;
    let place = come.join(UNPACKED);
    tools::go(Command::new("dpkg").arg("-x").arg(&package).arg(&place))?;
    let found = std::fs::read_dir(place.join("lib/modules"))
        .map_err(|error| format!("the package has no modules: {error}"))?
        .filter_map(Result::ok)
        .find_map(|entry| entry.file_name().into_string().ok())
        .ok_or("the package has no modules")?;
    let depmod = tools::find("depmod").ok_or("depmod is not there")?;
    tools::go(Command::new(depmod).arg("-b").arg(&place).arg(found))
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

fn apt(folder: &Path, arguments: &[&str]) -> Result<(), NotFetched> {
    make(folder)?;
    let output = Command::new("apt-get")
        .arg("-qq")
        // It would drop root for the download, and then not be allowed to write here.
        .args(["-o", "APT::Sandbox::User=root"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| NotFetched::Failed(format!("cannot start apt-get: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let why = format!("apt-get {}: {said}", arguments.join(" "));
    let unreachable = [
        "Temporary failure resolving",
        "Could not resolve",
        "Could not connect",
        "Network is unreachable",
    ];
    if unreachable.iter().any(|words| said.contains(words)) {
        Err(NotFetched::NoNetwork(why))
    } else {
        Err(NotFetched::Failed(why))
    }
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
