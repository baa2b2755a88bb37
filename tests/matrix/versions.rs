//! The versions of the validators, from where they are pinned or from the package manager.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::catalogue::{By, COMPOSER, Validator};

/// `package version` of each package of a validator.
///
/// # Errors
/// When one is not to be found.
pub fn of(root: &Path, validator: &Validator) -> Result<String, String> {
    let all: Result<Vec<_>, _> = validator
        .packages
        .iter()
        .map(|package| {
            let version = version(root, validator, package);
            let version = version.ok_or_else(|| format!("no version of {package}"))?;
            Ok::<_, String>(format!("{package} {version}"))
        })
        .collect();
    Ok(all?.join(", "))
}

fn version(root: &Path, validator: &Validator, package: &str) -> Option<String> {
    let file = |path: &str| fs::read_to_string(root.join("tests/lab").join(path)).ok();
    match validator.by {
        By::Apache | By::Go | By::Haproxy | By::Nginx | By::Perl | By::Ruby => debian(package),
        By::Node => {
            let list: Value = serde_json::from_str(&file("node/package.json")?).ok()?;
            let version = list.get("dependencies")?.get(package)?.as_str()?;
            Some(version.to_owned())
        }
        By::Php => composed(root, package).or_else(|| debian(package)),
        By::Python => {
            let text = file("python/requirements.txt")?;
            let mut lines = text.lines().filter_map(|line| line.split_once("=="));
            let (_, version) = lines.find(|(name, _)| *name == package)?;
            Some(version.to_owned())
        }
        By::Rust => {
            let text = file("rust/Cargo.lock")?;
            let (_, rest) = text.split_once(&format!("name = \"{package}\"\nversion = \""))?;
            rest.split_once('"').map(|(version, _)| version.to_owned())
        }
    }
}

/// The version of a library that composer put there.
fn composed(root: &Path, package: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(COMPOSER).join("composer/installed.json")).ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    let all = list.get("packages")?.as_array()?;
    let found = all
        .iter()
        .find(|one| one.get("name").is_some_and(|name| name == package))?;
    let version = found.get("version")?.as_str()?;
    Some(version.trim_start_matches('v').to_owned())
}

fn debian(package: &str) -> Option<String> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${Version}", package])
        .output()
        .ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !version.is_empty()).then_some(version)
}
