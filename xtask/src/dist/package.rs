//! The Debian package. What is in it says `[package.metadata.deb]` of observer/Cargo.toml.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::failed;
use crate::built::cargo;
use crate::tools::{cargo_tools, go};

/// Builds it from what was laid out, and gives where it is.
pub(super) fn build(root: &Path, out: &Path, time: &str) -> Result<PathBuf, String> {
    let folder = out.join("deb");
    std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    go(cargo(root)
        .args(["deb", "--quiet", "--no-build", "--no-strip"])
        .args([
            "--package",
            "observer",
            "--compress-type",
            "gz",
            "--compress-system",
            "--fast",
            "--output",
        ])
        .arg(&folder)
        .env("PATH", cargo_tools(root)?)
        .env("SOURCE_DATE_EPOCH", time)
        // It says where it is now.
        .stdout(Stdio::null()))?;
    // Its name has the architecture as Debian calls it.
    let made = std::fs::read_dir(&folder)
        .map_err(|error| failed(&folder, &error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .ok_or_else(|| format!("cargo deb left no package in {}", folder.display()))?;
    let to = out.join(made.file_name().unwrap_or_default());
    std::fs::rename(&made, &to)
        .and_then(|()| std::fs::remove_dir(&folder))
        .map_err(|error| failed(&to, &error))?;
    Ok(to)
}
