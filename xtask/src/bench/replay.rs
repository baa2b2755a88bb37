//! How fast captures are replayed, beside a program that only copies them and one that knows everything.

mod record;
mod timed;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::spread::Spread;
use crate::tools;
use record::Recorded;
use timed::Time;

/// The speed of replay, beside tcpdump and tshark
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How often each run is repeated; the programs alternate
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many small exchanges are recorded
    #[arg(long, default_value_t = 500_000)]
    exchanges: usize,
    /// How many bodies of 1 MiB are recorded
    #[arg(long, default_value_t = 1000)]
    bodies: usize,
    /// How many small exchanges tshark gets, which is slow
    #[arg(long, default_value_t = 10_000)]
    tshark: usize,
}

/// Records captures, replays them several times and prints the medians.
pub(super) fn measure(root: &Path, program: &Path, args: &Args) -> Result<(), String> {
    if !tools::is_root() {
        return Err("recording on loopback needs root".to_owned());
    }
    tools::provide_bench()?;
    let target = root.join("target");
    let folder = TempDir::with_prefix_in("bench-", &target)
        .map_err(|error| format!("a folder in {}: {error}", target.display()))?;
    let small = record::small(folder.path(), args.exchanges.max(1))?;
    println!(
        "\nsmall exchanges: {} over 16 kept connections, tokens of 600 bytes, 5,000 of them distinct, \
         one in ten answered 401; {} MB",
        small.exchanges,
        small.bytes / 1_000_000
    );
    compare(program, folder.path(), &small, args.rounds.max(1))?;
    tshark(folder.path(), &small, args.tshark.max(1))?;
    let large = record::large(folder.path(), args.bodies.max(1))?;
    println!(
        "\nbodies of 1 MiB: {}; {} MB",
        large.exchanges,
        large.bytes / 1_000_000
    );
    compare(program, folder.path(), &large, args.rounds.max(1))
}

/// Each program in turn, again and again.
fn compare(
    program: &Path,
    folder: &Path,
    recorded: &Recorded,
    rounds: usize,
) -> Result<(), String> {
    let events = folder.join("events");
    let replay = |threads: &str, more: &[&Path]| {
        let mut command = Command::new(program);
        command
            .args(["replay", "--threads", threads])
            .args(more)
            .arg(&recorded.file);
        command
    };
    let copy = || {
        let mut command = Command::new("tcpdump");
        command
            .arg("-r")
            .arg(&recorded.file)
            .args(["-w", "/dev/null"]);
        command
    };
    let written: [&Path; 2] = [Path::new("--events"), &events];
    let runs: [(&str, &dyn Fn() -> Command); 4] = [
        ("tcpdump -w /dev/null", &copy),
        ("replay, 1 thread", &|| replay("1", &[])),
        ("replay, 2 threads", &|| replay("2", &[])),
        ("replay, 1 thread, events", &|| replay("1", &written)),
    ];
    let mut times: Vec<Vec<Time>> = runs.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, command), times) in runs.iter().zip(&mut times) {
            times.push(timed::run(&mut command())?);
        }
    }
    print_table(recorded, &runs.map(|(name, _)| name), &times);
    let most = timed::anonymous(&mut replay("1", &[]))?;
    println!("anonymous memory of replay with 1 thread, most: {most:.1} MiB");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn print_table(recorded: &Recorded, names: &[&str], times: &[Vec<Time>]) {
    println!(
        "{:<26} {:>9} {:>7} {:>13} {:>8} {:>16}",
        "median", "CPU in s", "wall", "exchanges/s", "MB/s", "CPU to tcpdump's"
    );
    let middle =
        |times: &[Time], of: fn(&Time) -> f64| Spread::of(times.iter().map(of).collect()).middle;
    let copied = times
        .first()
        .map_or(f64::NAN, |times| middle(times, |time| time.processor));
    for (name, times) in names.iter().zip(times) {
        let (processor, wall) = (
            middle(times, |time| time.processor),
            middle(times, |time| time.wall),
        );
        println!(
            "{name:<26} {processor:>9.3} {wall:>7.3} {:>13.0} {:>8.0} {:>16.2}",
            recorded.exchanges as f64 / processor,
            recorded.bytes as f64 / 1e6 / processor,
            processor / copied
        );
    }
}

/// tshark on the start of a capture, once: it takes minutes for all of it.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn tshark(folder: &Path, recorded: &Recorded, exchanges: usize) -> Result<(), String> {
    let start: PathBuf = folder.join("start.pcap");
    // Two packets each at the least.
    let packets = (2 * exchanges).to_string();
    let mut cut = Command::new("tcpdump");
    cut.args(["-Z", "root", "-c", &packets, "-r"])
        .arg(&recorded.file)
        .arg("-w")
        .arg(&start);
    timed::run(&mut cut)?;
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(&start)
        .args(["-n", "-Y", "http.response", "-T", "fields"])
        .args(["-e", "http.response.code", "-e", "http.request.uri"]);
    let (time, lines) = timed::counted(&mut command)?;
    println!(
        "tshark -Y http.response on the first {lines}: {:.0} exchanges/s",
        lines as f64 / time.processor
    );
    Ok(())
}
