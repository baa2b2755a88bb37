//! The agent and the test executables, as cargo builds them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A test executable: the package and target it was built from.
pub(crate) struct Built {
    pub(crate) package: String,
    pub(crate) target: String,
    pub(crate) is_library: bool,
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
}

/// Builds the tests that `select` selects, once, and the agent that they start. Libraries come first
/// and `live` last.
pub(crate) fn tests(root: &Path, select: &[&str]) -> Result<Vec<Built>, String> {
    println!("\n== build");
    observer(root)?;
    let output = cargo(root)
        .args(["test", "--no-run"])
        .args(select)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo test --no-run ended with {}", output.status));
    }
    let mut tests: Vec<_> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .filter_map(|message: Value| artifact(&message))
        .collect();
    tests.sort_by_key(|test| {
        let place = ["replay", "corpora", "live_source", "live"]
            .iter()
            .position(|name| test.target == *name);
        (place, test.package.clone(), test.target.clone())
    });
    Ok(tests)
}

/// Builds the agent as the live tests ask for it, so that it is built once.
pub(crate) fn observer(root: &Path) -> Result<(), String> {
    let built = cargo(root)
        .args([
            "build",
            "--quiet",
            "--package",
            "observer",
            "--bin",
            "observer",
        ])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if built.success() {
        Ok(())
    } else {
        Err(format!("cargo build ended with {built}"))
    }
}

/// cargo, in the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).stdin(Stdio::null());
    cargo
}

fn artifact(message: &Value) -> Option<Built> {
    let program = message.get("executable")?.as_str()?;
    message.pointer("/profile/test")?.as_bool()?.then_some(())?;
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    let folder = manifest.parent()?;
    let kind = message.pointer("/target/kind/0")?.as_str()?;
    // The name of a package is not in the message apart from its id; its folder tells as well.
    let package = match folder.file_name()?.to_str()? {
        "tests" => "observer-tests",
        name => name,
    };
    Some(Built {
        package: package.to_owned(),
        target: message.pointer("/target/name")?.as_str()?.to_owned(),
        is_library: kind == "lib",
        program: program.into(),
        folder: folder.to_owned(),
    })
}
