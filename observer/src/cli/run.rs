//! `observer run`: watch this host.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;

use crate::engine::Limits;
use crate::event::Paths;
use crate::pipeline::Pipeline;
use crate::privileges::{self, Part};
use crate::sink::Sink;
use crate::sink::prometheus::Prometheus;
use crate::sink::prometheus::server::Server;
use crate::sink::writer::WhenFull;
use crate::source::live::{self, Context, Live, LiveOptions};
use crate::state::State;
use crate::stop::Stop;
use crate::units;

use super::options::{EventOptions, Options};
use super::outputs::{self, Events, Existing};
use super::reload::Hangups;
use super::{Error, say, unix};

/// Watch this host: say which service rejects tokens, and why, until Ctrl-C.
///
/// Needs root, or the capabilities that `observer doctor` names. A line per rejection goes to standard
/// output, and a summary at the end; nothing is changed, held up or sent anywhere.
#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    events: EventOptions,
    /// Serve /metrics, /healthz and /keys at this address, for example 127.0.0.1:9464
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// End after this time: 30s, 5m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    duration: Option<Duration>,
    /// Write paths as they were sent, not as templates. Segments that look like tokens stay out
    #[arg(long)]
    raw_paths: bool,
    /// Write here until when was watched, and say at the next start how long nobody did
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Where the process of an exchange comes from [default: the best that works here]
    #[arg(long, value_name = "SOURCE")]
    context: Option<ContextSource>,
    /// How much memory the kernel may use to hand over what it saw: 4MiB, 32MiB, ... A power of two
    /// [default: 32MiB]
    #[arg(long, value_name = "SIZE", value_parser = units::ring)]
    ring_size: Option<u32>,
}

/// Where the process of an exchange comes from.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ContextSource {
    /// Tracepoints of socket calls, Linux 6.3 and later
    Tracepoint,
    /// Trampolines at the kernel's functions of TCP, where it allows them
    Trampoline,
    /// The kernel's table of sockets and /proc
    SocketTable,
}

impl From<ContextSource> for Context {
    fn from(source: ContextSource) -> Self {
        match source {
            ContextSource::Tracepoint => Self::Tracepoint,
            ContextSource::Trampoline => Self::Trampoline,
            ContextSource::SocketTable => Self::SocketTable,
        }
    }
}

pub(super) fn run(run: Run) -> Result<(), Error> {
    let stop = Stop::on_signals()
        .map_err(|error| Error::Failed(format!("preparing for signals: {error}")))?;
    let paths = if run.raw_paths {
        Paths::AsSent
    } else {
        Paths::Templated
    };
    let files = run.options.files();
    let config = run.options.read()?;
    let started = config.fixed.clone();
    let usual = LiveOptions::default();
    let ring_size = run.ring_size.or(started.bounds.ring_size);
    let mut options = LiveOptions {
        ring_bytes: ring_size.unwrap_or(usual.ring_bytes),
        knobs: started.bounds.knobs(),
        context: run.context.map(Context::from),
        ..usual
    };
    let (mut settings, fetcher) = run.options.settings(config, Limits::default(), paths)?;
    let hangups = files.map(|files| Hangups::new(files, started));
    let hangups = hangups.transpose()?;
    settings.services = settings.services.of_this_host();
    let state = run.state.as_deref().map(State::open).transpose();
    let state = state.map_err(failed)?;
    let server = run.listen.map(Server::bind).transpose().map_err(failed)?;
    let there_before = run.events.is_there();
    let events = Events::open(&run.events, Existing::Kept, &stop)?;
    options.filter = settings.filter.rules.of_kernel();
    let mut live = attach(&options, server.as_ref()).inspect_err(|_| {
        if !there_before {
            run.events.remove();
        }
    })?;

    // Before the first thread is started: each has privileges of its own.
    give_up_privileges(&live)?;

    let changes = hangups.map(Hangups::follow).transpose()?;
    let events = events
        .map(|events| events.start(WhenFull::Drop(stop.clone())))
        .transpose()?;
    let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
    let losses = events.as_ref().map(|events| events.losses());
    if let Some(events) = events {
        sinks.push(Box::new(events));
    }
    if let Some(server) = server {
        let sink = Prometheus::new(losses.clone().into_iter().collect())
            .map_err(|error| Error::Failed(format!("preparing the metrics: {error}")))?;
        say(format_args!(
            "metrics at http://{}/metrics",
            server.address()
        ));
        let page = sink.page();
        page.show_keys(
            Arc::clone(settings.policy.fetched()),
            Arc::clone(&settings.keys),
        );
        server.serve(page).map_err(failed)?;
        sinks.push(Box::new(sink));
    }
    let report = outputs::report(&run.events, WhenFull::Drop(stop.clone()), None)?;
    sinks.push(Box::new(report.telling(losses)));
    if let Some(state) = state {
        keep(state, &mut sinks)?;
    }

    if let Some(fetcher) = fetcher {
        let started = fetcher.start();
        started.map_err(|error| Error::Failed(format!("starting to fetch keys: {error}")))?;
    }
    if let Some(duration) = run.duration {
        end_after(duration, stop.clone())?;
    }
    say("watching this host, Ctrl-C ends and sums up");
    let mut pipeline = Pipeline::new(settings, sinks);
    if let Some(changes) = changes {
        pipeline = pipeline.following(changes);
    }
    pipeline.run(&mut live, &stop).map_err(failed)?;
    Ok(())
}

/// Says how long nobody watched until now, and writes down from now on until when was watched.
fn keep(state: State, sinks: &mut Vec<Box<dyn Sink>>) -> Result<(), Error> {
    if let Some(gap) = state.gap() {
        say(&gap);
        for sink in sinks.iter_mut() {
            sink.gap(&gap);
        }
    }
    let keeper = state
        .keep()
        .map_err(|error| Error::Failed(format!("writing the state file: {error}")))?;
    sinks.push(Box::new(keeper));
    Ok(())
}

fn attach(options: &LiveOptions, server: Option<&Server>) -> Result<Live, Error> {
    let mut live = Live::attach(options).map_err(failed)?;
    if let Some(server) = server {
        live.leave_out(server).map_err(failed)?;
    }
    if let Some(why) = live.unix_refused() {
        say(format_args!(
            "goes on without unix sockets: requests over them are not seen{}. The reason: {why}",
            unix::now()
        ));
    }
    for (probe, why) in live.missing() {
        say(format_args!(
            "goes on without {probe}, so {}. The reason: {why}",
            probe.without()
        ));
    }
    Ok(live)
}

fn give_up_privileges(live: &Live) -> Result<(), Error> {
    if let Some(why) = live::no_processes() {
        say(why);
    }
    for need in privileges::lacking(Part::Processes) {
        say(format_args!(
            "goes on without {}, so {}",
            need.name, need.without
        ));
    }
    privileges::renounce(|| live.reads_counters()).map_err(failed)
}

fn end_after(duration: Duration, stop: Stop) -> Result<(), Error> {
    thread::Builder::new()
        .name("observer-duration".to_owned())
        .spawn(move || {
            thread::sleep(duration);
            stop.request();
        })
        .map(|_| ())
        .map_err(|error| Error::Failed(format!("starting the clock of --duration: {error}")))
}

fn failed(error: impl std::error::Error) -> Error {
    Error::Failed(error.to_string())
}
