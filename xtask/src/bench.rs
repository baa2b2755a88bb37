//! `cargo xtask bench`: what observer costs a server, and how fast it replays, compared in one run.
//!
//! Absolute numbers belong to the machine; the differences and ratios of alternating runs are what is
//! worth reading.

mod live;
mod process;
mod replay;
mod spread;
mod token;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test;

/// Measure: what observer costs servers, or the speed of replay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Live(live::Args),
    Replay(replay::Args),
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let program = build(&root)?;
    machine();
    match &args.what {
        What::Live(args) => live::measure(&program, args),
        What::Replay(args) => replay::measure(&root, &program, args),
    }
}

/// The program as users have it.
fn build(root: &Path) -> Result<PathBuf, String> {
    let built = Command::new("cargo")
        .args(["build", "--release", "--package", "observer"])
        .current_dir(root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if built.success() {
        Ok(root.join("target/release/observer"))
    } else {
        Err(format!("cargo build ended with {built}"))
    }
}

fn machine() {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names: Vec<_> = processors
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches(['\t', ' ', ':']))
        .collect();
    println!(
        "\nLinux {}, {} x {}",
        kernel.trim(),
        names.len(),
        names.first().unwrap_or(&"unknown processor")
    );
}
