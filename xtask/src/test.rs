//! `cargo xtask test`: every layer of the tests, and a list of what came of them.
//!
//! A layer that this machine can run and that did not run is a failure; one that it cannot run is
//! named with the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::layers::{Layers, Outcome};
use crate::tools;

/// Run all tests: format, lints, unit and doc tests, captures, live tests, the kernel object.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<(), String> {
    let root = root()?;
    let mut layers = Layers::default();
    layers.run("format", cargo(&root).args(["fmt", "--all", "--check"]));
    layers.run(
        "lints",
        cargo(&root)
            .args(["clippy", "--quiet", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    );
    match built_tests(&root) {
        Ok(tests) => {
            for test in tests {
                layer(&root, &mut layers, &test);
            }
        }
        Err(error) => layers.add("build of the tests", Outcome::Failed(error)),
    }
    layers.run(
        "doc tests",
        cargo(&root).args(["test", "--quiet", "--workspace", "--doc"]),
    );
    // Through cargo: the build of the tests may have put another file in the place of this program.
    layers.run(
        "kernel object",
        cargo(&root).args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "build-ebpf",
            "--check",
        ]),
    );
    layers.close();
    if layers.failed() {
        Err("not all layers passed".to_owned())
    } else {
        Ok(())
    }
}

/// A test executable: the package and target it was built from.
struct Built {
    package: String,
    target: String,
    is_library: bool,
    program: PathBuf,
    folder: PathBuf,
}

/// Runs what one test executable has. Those with demands on the machine are named by their target.
fn layer(root: &Path, layers: &mut Layers, test: &Built) {
    let name = match test.package.as_str() {
        "observer-tests" if !test.is_library => test.target.clone(),
        _ if test.is_library => format!("unit {}", test.package),
        _ => format!("unit {} ({})", test.package, test.target),
    };
    let unable = match name.as_str() {
        "corpora" => no_corpora(root),
        "live_source" => no_kernel(),
        "live" => match no_kernel() {
            None => match tools::provide(root) {
                Ok(()) => None,
                Err(error) if tools::is_root() => {
                    return layers.add(&name, Outcome::Failed(error));
                }
                Err(error) => Some(error),
            },
            unable => unable,
        },
        _ => None,
    };
    match unable {
        Some(why) => layers.add(&name, Outcome::CannotRun(why)),
        None => layers.run(
            &name,
            Command::new(&test.program)
                .current_dir(&test.folder)
                .env("CARGO_MANIFEST_DIR", &test.folder),
        ),
    }
}

fn no_kernel() -> Option<String> {
    if !tools::is_root() {
        return Some("needs root: sudo -E env PATH=$PATH cargo xtask test".to_owned());
    }
    let has_bpf = Path::new("/proc/sys/kernel/unprivileged_bpf_disabled").exists();
    (!has_bpf).then(|| "this kernel has no eBPF".to_owned())
}

fn no_corpora(root: &Path) -> Option<String> {
    let folder = std::env::var_os("OBSERVER_CORPORA")
        .map_or_else(|| root.join("../shared/corpora"), PathBuf::from);
    (!folder.is_dir())
        .then(|| "no third-party captures here: set OBSERVER_CORPORA to their folder".to_owned())
}

/// Builds every test once and says where the executables are, libraries first and `live` last.
fn built_tests(root: &Path) -> Result<Vec<Built>, String> {
    println!("\n== build");
    // As the live tests ask for it, so that it is built once.
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
    if !built.success() {
        return Err(format!("cargo build ended with {built}"));
    }
    let output = cargo(root)
        .args(["test", "--workspace", "--no-run"])
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

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).stdin(Stdio::null());
    cargo
}

/// The root of the workspace: where this package's folder is.
pub(crate) fn root() -> Result<PathBuf, String> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .ok_or_else(|| "xtask is not in a workspace".to_owned())
}
