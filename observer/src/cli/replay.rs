//! `observer replay`: the same answers from captures.

use std::path::PathBuf;

use clap::Args;
use observer_common::window::Knobs;

use crate::event::Paths;
use crate::pipeline::Pipeline;
use crate::sink::Sink;
use crate::sink::prometheus::Prometheus;
use crate::sink::writer::WhenFull;
use crate::source::pcap::Captures;
use crate::stop::Stop;

use super::options::{EventOptions, Options};
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
    let settings = replay.options.settings(Paths::AsSent)?;
    let mut captures =
        Captures::open(&replay.files).map_err(|error| Error::Failed(error.to_string()))?;
    if replay.as_live {
        captures = captures.as_live(Knobs::default());
    }

    let when_full = WhenFull::WaitUnless(stop.clone());
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let events = Events::open(&replay.events, Existing::Replaced)?
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
    let report = outputs::report(&replay.events, when_full)?;
    let said = report.losses();
    sinks.push(Box::new(report));

    let done = Pipeline::new(settings, sinks).run(&mut captures, &stop);
    for ending in captures.report().endings {
        say(ending);
    }
    if let Some((file, page)) = metrics {
        file.write(&page)?;
    }
    done.map_err(|error| Error::Failed(error.to_string()))?;
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
