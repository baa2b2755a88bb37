//! `cargo xtask test`: every layer of the tests, and a list of what came of them.
//!
//! A layer that this machine can run and that did not run is a failure; one that it cannot run is
//! named with the reason.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::built::{self, Built, cargo};
use crate::layers::{Layers, Outcome};
use crate::{tools, vm};

/// Run all tests: format, lints, unit and doc tests, captures, live tests here and on other kernels,
/// the kernel object.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests on other kernels, in virtual machines.
    #[arg(long)]
    no_vm: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = root()?;
    let mut layers = Layers::default();
    layers.run("format", cargo(&root).args(["fmt", "--all", "--check"]));
    layers.run(
        "lints",
        cargo(&root)
            .args(["clippy", "--quiet", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    );
    // The live tests run it in containers.
    layers.run(
        "static binary",
        cargo(&root).args(["xtask", "dist", "--debug", "--binary"]),
    );
    match built::tests(&root, &["--workspace"]) {
        Ok(tests) => {
            for test in &tests {
                layer(&root, &mut layers, test);
            }
            if args.no_vm {
                let left = "other kernels were left out: --no-vm";
                layers.add("vm", Outcome::LeftOut(left.to_owned()));
            } else {
                vm::layers(&root, &mut layers, &tests);
            }
        }
        Err(error) => layers.add("build of the tests", Outcome::Failed(error)),
    }
    match no_kernel() {
        Some(why) => {
            layers.add("lab", Outcome::CannotRun(why.clone()));
            layers.add("stories", Outcome::CannotRun(why));
        }
        // Through cargo, as below.
        None => {
            layers.run("lab", xtask(&root).args(["lab", "--small"]));
            layers.run("stories", xtask(&root).args(["lab", "--stories"]));
        }
    }
    layers.run(
        "doc tests",
        cargo(&root).args(["test", "--quiet", "--workspace", "--doc"]),
    );
    // Through cargo: the build of the tests may have put another file in the place of this program.
    layers.run(
        "kernel object",
        xtask(&root).args(["build-ebpf", "--check"]),
    );
    layers.close();
    if layers.failed() {
        Err("not all layers passed".to_owned())
    } else {
        Ok(())
    }
}

/// This program, as it is now.
fn xtask(root: &Path) -> Command {
    let mut xtask = cargo(root);
    xtask.args(["run", "--quiet", "--package", "xtask", "--"]);
    xtask
}

/// Runs what one test executable has. Those with demands on the machine are named by their target.
fn layer(root: &Path, layers: &mut Layers, test: &Built) {
    let name = match test.package.as_str() {
        "observer-tests" if !test.is_library && test.target != "lab" => test.target.clone(),
        _ if test.is_library => format!("unit {}", test.package),
        _ => format!("unit {} ({})", test.package, test.target),
    };
    let provided = match name.as_str() {
        "live" if no_kernel().is_none() => tools::provide(root),
        "deploy" => tools::provide_deploy(root),
        "deployed" if no_kernel().is_none() => tools::provide_deployed(),
        _ => Ok(()),
    };
    let unable = match (name.as_str(), provided) {
        (_, Err(error)) if tools::is_root() => return layers.add(&name, Outcome::Failed(error)),
        (_, Err(error)) => Some(error),
        ("corpora", _) => no_corpora(root),
        ("deployed" | "live" | "live_source", _) => no_kernel(),
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

/// The root of the workspace: where this package's folder is.
pub(crate) fn root() -> Result<PathBuf, String> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .ok_or_else(|| "xtask is not in a workspace".to_owned())
}
