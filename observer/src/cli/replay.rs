//! `observer replay`: the same answers from captures.

use std::path::PathBuf;

use clap::Args;

use crate::engine::Limits;
use crate::event::Paths;
use crate::pipeline::Pipeline;
use crate::sink::Sink;
use crate::sink::progress::Progress;
use crate::sink::prometheus::Prometheus;
use crate::sink::writer::WhenFull;
use crate::source::pcap::{Captures, Follow, PcapError, Terms};
use crate::stop::Stop;

use super::options::{self, EventOptions, Options, is_standard_stream};
use super::outputs::{self, Events, Existing, MetricsFile};
use super::{Error, say};

/// Read captures and say the same as if they had been seen live.
///
/// The exit code is 0 when everything that could be read was reported, whatever was rejected in it
/// (also when a capture ends early, which is said), 1 when something could not be read or written,
/// and 2 when the arguments are wrong.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Captures: pcap or pcapng, plain or compressed with gzip or zstd; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    events: EventOptions,
    /// Look only at packets with these hosts and ports, as tcpdump's filters say it: "host 10.0.0.1 and
    /// port 443", see docs/captures.md
    #[arg(long, value_name = "TERMS")]
    filter: Option<Terms>,
    /// Wait for more at the end of the file, which something still writes, until Ctrl-C
    #[arg(long)]
    follow: bool,
    /// See of the captures only what the kernel programs would have shipped
    #[arg(long)]
    as_live: bool,
    /// Write the metrics to a file at the end
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

pub(super) fn run(replay: Replay) -> Result<(), Error> {
    let stop = Stop::on_signals()
        .map_err(|error| Error::Failed(format!("preparing for signals: {error}")))?;
    let config = replay.options.read()?;
    let knobs = config.fixed.bounds.knobs();
    let (settings, fetcher) =
        replay
            .options
            .settings(config, Limits::of_captures(), Paths::AsSent)?;
    options::fetch(fetcher)?;
    let mut captures = match replay.follow {
        true => follow(&replay.files, &stop)?,
        false => Captures::open(&replay.files).map_err(failed)?,
    };
    if let Some(terms) = replay.filter {
        captures = captures.only(terms);
    }
    if replay.as_live {
        captures = captures.as_live(knobs);
    }

    let when_full = WhenFull::WaitUnless(stop.clone());
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let events = Events::open(&replay.events, Existing::Replaced, &stop)?
        .map(|events| events.start(when_full.clone()))
        .transpose()?;
    let losses = events.as_ref().map(|events| events.losses());
    if let Some(events) = events {
        sinks.push(Box::new(events));
    }
    let metrics = match replay.metrics {
        Some(path) => {
            let file = MetricsFile::create(path)?;
            let sink = Prometheus::new(losses.clone().into_iter().collect())
                .map_err(|error| Error::Failed(format!("preparing the metrics: {error}")))?;
            let page = sink.page();
            sinks.push(Box::new(sink));
            Some((file, page))
        }
        None => None,
    };
    let progress = match replay.follow {
        true => None,
        false => Progress::on_terminal(size(&replay.files)),
    };
    let bar = progress.as_ref().map(Progress::bar);
    let report = outputs::report(&replay.events, when_full, bar.as_ref())?;
    let said = report.losses();
    // Before the report: its bar is gone when the summary comes.
    if let Some(progress) = progress {
        sinks.push(Box::new(progress));
    }
    sinks.push(Box::new(report));

    let done = Pipeline::new(settings, sinks).run(&mut captures, &stop);
    for ending in captures.report().endings {
        say(ending);
    }
    if let Some((file, page)) = metrics {
        file.write(&page)?;
    }
    done.map_err(failed)?;
    let missing = [losses, Some(said)]
        .into_iter()
        .flatten()
        .find(|losses| losses.write_failed() > 0 && !losses.reader_gone());
    match missing {
        Some(losses) => Err(Error::Failed(format!(
            "writing the output: {} ({} lines are missing). Make space and replay again",
            losses.last_error().unwrap_or_default(),
            losses.write_failed()
        ))),
        None => Ok(()),
    }
}

/// How many bytes there are to read. `None`: something among them has no size.
fn size(files: &[PathBuf]) -> Option<u64> {
    let sizes = files.iter().map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.is_file().then_some(metadata.len())
    });
    sizes.sum()
}

/// Captures from a file that grows. Several of them have no common end.
fn follow(files: &[PathBuf], stop: &Stop) -> Result<Captures, Error> {
    let [path] = files else {
        return Err(Error::Usage(
            "--follow takes one file: which of several to wait for cannot be known".to_owned(),
        ));
    };
    if is_standard_stream(path) {
        return Err(Error::Usage(
            "standard input is read to its end without --follow".to_owned(),
        ));
    }
    let file = Follow::open(path, stop.clone()).map_err(failed)?;
    Captures::over(Box::new(file), path).map_err(failed)
}

fn failed(error: PcapError) -> Error {
    Error::Failed(error.to_string())
}
