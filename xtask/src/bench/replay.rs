//! How fast a capture is replayed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::capture;
use super::spread::Spread;

/// The speed of replay
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How often each run is repeated
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How large the capture is, in MB
    #[arg(long, default_value_t = 256)]
    capture: usize,
}

/// Replays a made-up capture several times and prints the speed.
pub(super) fn measure(root: &Path, program: &Path, args: &Args) -> Result<(), String> {
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join("made-up.pcap");
    let failed = |error: std::io::Error| format!("writing {}: {error}", file.display());
    let mut out = BufWriter::new(File::create(&file).map_err(failed)?);
    let written = capture::write(&mut out, args.capture.max(1) * 1_000_000).map_err(failed)?;
    out.flush().map_err(failed)?;
    drop(out);

    println!(
        "\nreplay of {} MB with {} exchanges, every one written as an event to /dev/null",
        written.bytes / 1_000_000,
        written.exchanges
    );
    let mut seconds = Vec::new();
    for _ in 0..args.rounds.max(1) {
        let start = Instant::now();
        let status = Command::new(program)
            .args(["replay", "--events", "/dev/null"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("cannot start observer: {error}"))?;
        if !status.success() {
            return Err(format!("observer replay ended with {status}"));
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let spread = Spread::of(seconds);
    for (name, seconds) in [("median", spread.middle), ("best", spread.least)] {
        #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
        let (megabytes, exchanges) = (written.bytes as f64 / 1e6, written.exchanges as f64);
        println!(
            "{name:<8} {:>8.0} MB/s {:>12.0} exchanges/s",
            megabytes / seconds,
            exchanges / seconds
        );
    }
    std::fs::remove_file(&file).map_err(|error| format!("removing {}: {error}", file.display()))
}
