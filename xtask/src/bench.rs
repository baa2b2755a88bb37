//! `cargo xtask bench`: what observer costs a server, and how fast it replays, compared in one run.
//!
//! Absolute numbers belong to the machine; the ratios of alternating runs are what is worth reading.

mod capture;
mod replay;
mod served;

use std::process::Command;

use crate::{test, tools};

/// Measure: nginx under wrk without and with observer, and the speed of replay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each run is repeated; without and with observer alternate.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each run of wrk takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// How large the capture for replay is, in MB.
    #[arg(long, default_value_t = 256)]
    capture: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let built = Command::new("cargo")
        .args(["build", "--release", "--package", "observer"])
        .current_dir(&root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !built.success() {
        return Err(format!("cargo build ended with {built}"));
    }
    let program = root.join("target/release/observer");
    machine();
    if tools::is_root() {
        served::measure(&root, &program, args.rounds.max(1), args.seconds.max(1))?;
    } else {
        println!("\nnginx with observer: not measured, it needs root");
    }
    replay::measure(&root, &program, args.rounds.max(1), args.capture.max(1))
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

/// The lowest and the middle of some numbers.
struct Spread {
    least: f64,
    middle: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Self {
            least: at(0),
            middle: at(values.len() / 2),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_has_the_ends_and_the_middle() {
        let spread = Spread::of(vec![3.0, 1.0, 2.0]);
        assert_eq!((spread.least, spread.middle, spread.most), (1.0, 2.0, 3.0));
    }
}
