//! Packages of Debian that are fetched and unpacked, not installed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tools;

/// Why there is no package.
pub(crate) enum NotFetched {
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

/// Fetches into an empty folder the package that `choose` names, and unpacks it there. Gives the folder
/// with its files. `choose` gives nothing where apt does not know the package; it is asked again when apt
/// knows more.
pub(crate) fn unpack(
    folder: &Path,
    choose: impl Fn() -> Result<Option<String>, String>,
) -> Result<PathBuf, NotFetched> {
    let failed = |error: String| NotFetched::Failed(error);
    let _ = std::fs::remove_dir_all(folder);
    let known = choose().map_err(failed)?;
    let come = known.is_some_and(|package| fetch(folder, &package).is_ok());
    if !come {
        // The lists may be absent, as in most images of containers, or what they name may be gone.
        apt(folder, &["update"])?;
        let package = choose().map_err(failed)?;
        let package = package.ok_or_else(|| failed("apt knows no such package".to_owned()))?;
        fetch(folder, &package)?;
    }
    let package = std::fs::read_dir(folder)
        .map_err(|error| failed(format!("cannot read {}: {error}", folder.display())))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or_else(|| failed("apt-get download brought no package".to_owned()))?;
    let place = folder.join("unpacked");
    tools::go(Command::new("dpkg").arg("-x").arg(&package).arg(&place)).map_err(failed)?;
    Ok(place)
}

fn fetch(folder: &Path, package: &str) -> Result<(), NotFetched> {
    println!("fetching {package}");
    apt(folder, &["download", package])
}

/// Runs apt-get in a folder, which is made.
fn apt(folder: &Path, arguments: &[&str]) -> Result<(), NotFetched> {
    std::fs::create_dir_all(folder).map_err(|error| {
        NotFetched::Failed(format!("cannot make {}: {error}", folder.display()))
    })?;
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
