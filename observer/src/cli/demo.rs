//! `observer demo`: a small real system on loopback, refused tokens of every kind, and what observer
//! sees of it.

use std::fmt::{self, Display};
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Subcommand;
use tokio::runtime::Runtime;

use super::Error;
use crate::credential::{ClaimAllowList, FingerprintKey, KeySets, Policy};
use crate::demo::folder::Folder;
use crate::demo::recorded::{self, Recorded};
use crate::demo::seen::Kept;
use crate::demo::system::System;
use crate::demo::{self, AUDIENCE, ISSUER, client, edge, issuer, legacy};
use crate::engine::Limits;
use crate::event::Paths;
use crate::filter::Filter;
use crate::pipeline::{Pipeline, Settings};
use crate::privileges;
use crate::service::Services;
use crate::sink::Sink;
use crate::sink::prometheus::Prometheus;
use crate::sink::prometheus::server::Server;
use crate::source::live::{Live, LiveOptions};
use crate::source::pcap::Captures;
use crate::stop::Stop;
use crate::verdict::{Expectation, Words};

/// Start a small system on loopback, send it good tokens and every kind of bad one, and show what
/// observer sees of it
///
/// Loads kernel programs, which needs root. Without, a capture of the same story is replayed.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    /// Serve the metrics here while it runs; port 0 is a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Go on until Ctrl-C, to send requests of your own and to look at the metrics
    #[arg(long)]
    stay: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

/// A part of the demo's system: what the demo starts as processes of their own.
#[derive(Debug, Subcommand)]
enum Role {
    /// Signs tokens and serves its key set
    #[command(hide = true)]
    Issuer,
    /// Forwards to the service
    #[command(hide = true)]
    Edge {
        /// The service
        #[arg(long)]
        upstream: SocketAddr,
    },
    /// Validates
    #[command(hide = true)]
    Legacy {
        /// Who has the keys
        #[arg(long)]
        issuer: SocketAddr,
    },
    /// Sends the requests
    #[command(hide = true)]
    Client {
        /// Who signs
        #[arg(long)]
        issuer: SocketAddr,
        /// Whom to ask
        #[arg(long)]
        edge: SocketAddr,
    },
}

pub(super) fn run(args: Args) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    if let Some(role) = args.role {
        return runtime.block_on(part(role)).map_err(|error| failed(&error));
    }
    let stop = Stop::on_signals().map_err(|error| failed(&error))?;
    match Live::attach(&LiveOptions::default()) {
        Ok(source) => {
            privileges::renounce(|| source.reads_counters()).map_err(|error| failed(&error))?;
            live(source, runtime, &args, &stop)
        }
        Err(error) => {
            say(format_args!(
                "{error}\n\nSo this is a capture of the same story, replayed:\n"
            ));
            replayed(&stop)
        }
    }
}

async fn part(role: Role) -> Result<(), demo::Error> {
    match role {
        Role::Issuer => issuer::run().await,
        Role::Edge { upstream } => edge::run(upstream).await,
        Role::Legacy { issuer } => legacy::run(issuer).await,
        Role::Client { issuer, edge } => client::run(issuer, edge).await,
    }
}

/// The story is played and told from a thread of its own, while this one takes it in.
fn live(mut source: Live, runtime: Runtime, args: &Args, stop: &Stop) -> Result<(), Error> {
    let server = Server::bind(args.listen).map_err(|error| failed(&error))?;
    let metrics = server.address();
    source.leave_out(&server).map_err(|error| failed(&error))?;
    let (system, keys) = runtime
        .block_on(async {
            let system = System::start().await?;
            let keys = issuer::key_set(&client::client(), system.issuer).await?;
            Ok::<_, demo::Error>((system, keys))
        })
        .map_err(|error| failed(&error))?;
    say(format_args!(
        "Started an issuer ({}), an edge ({}) and a service behind it ({}), and attached the probes.\n",
        system.issuer, system.edge, system.legacy
    ));
    let keys = serde_json::to_vec(&keys).map_err(|error| failed(&error))?;
    let names = [(system.edge, "edge"), (system.legacy, "legacy")];
    let names = names.map(|(address, name)| (address, name.to_owned()));
    let settings = settings(
        &Folder::new().map_err(|error| failed(&error))?,
        &keys,
        names.to_vec(),
    )?;

    let kept = Kept::default();
    let prometheus = Prometheus::new(Vec::new()).map_err(|error| failed(&error))?;
    server
        .serve(prometheus.page())
        .map_err(|error| failed(&error))?;
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(kept.clone()), Box::new(prometheus)];
    let (stay, ended) = (args.stay, stop.clone());
    let story = thread::spawn(move || {
        let ended = Ending(ended);
        let told = runtime.block_on(tell(&system, &kept, metrics, stay, &ended.0));
        drop(ended);
        runtime.block_on(system.stop());
        told
    });
    let done = Pipeline::new(settings, sinks).run(&mut source, stop);
    // Where the source failed, the story does not know yet.
    stop.request();
    match story.join() {
        Ok(told) => told.map_err(|error| failed(&error))?,
        Err(_) => {
            return Err(Error::Failed(
                "the demo: its client thread panicked".to_owned(),
            ));
        }
    }
    let totals = done.map_err(|error| failed(&error))?;
    let lost: u64 = totals.lost.values().sum();
    if lost > 0 {
        say(format_args!(
            "\nNot all was seen: {lost} records of the kernel programs were lost."
        ));
    }
    Ok(())
}

/// Ends the watching when the story ends, however that is.
struct Ending(Stop);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.request();
    }
}

async fn tell(
    system: &System,
    kept: &Kept,
    metrics: SocketAddr,
    stay: bool,
    stop: &Stop,
) -> Result<(), demo::Error> {
    tokio::select! {
        played = system.play() => played?,
        () = until(stop) => return Ok(()),
    }
    // A busy machine is behind. What is lost never comes, so this has an end.
    let read = async {
        while !kept.has_the_end() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await;
    // The reader wakes within 100 ms, and a context record may be 20 ms late.
    tokio::time::sleep(Duration::from_millis(400)).await;
    say(format_args!("{}\n", kept.table()));
    say(format_args!(
        "Metrics of this run: http://{metrics}/metrics"
    ));
    if stay {
        say(format_args!(
            "Ask the edge yourself: curl -i http://{}/orders/1",
            system.edge
        ));
        say(format_args!("Ctrl-C ends it."));
        until(stop).await;
        say(format_args!("\n{}\n", kept.table()));
    } else {
        say(format_args!(
            "It ends now; `demo --stay` keeps all of it running until Ctrl-C.\n"
        ));
    }
    next();
    Ok(())
}

async fn until(stop: &Stop) {
    while !stop.requested() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn replayed(stop: &Stop) -> Result<(), Error> {
    let recorded = Recorded::read().map_err(|error| failed(&error))?;
    let folder = Folder::new().map_err(|error| failed(&error))?;
    let keys = recorded.jwks.to_string();
    let settings = settings(
        &folder,
        keys.as_bytes(),
        recorded.services.into_iter().collect(),
    )?;
    let capture = Box::new(recorded::CAPTURE);
    let mut captures =
        Captures::over(capture, Path::new("the demo's")).map_err(|error| failed(&error))?;
    let kept = Kept::default();
    Pipeline::new(settings, vec![Box::new(kept.clone())])
        .run(&mut captures, stop)
        .map_err(|error| failed(&error))?;
    say(format_args!("{}\n", kept.table()));
    next();
    Ok(())
}

/// Names, keys and expectations, as `observer run` takes them with --name, --jwks and --expect.
fn settings(
    folder: &Folder,
    keys: &[u8],
    names: Vec<(SocketAddr, String)>,
) -> Result<Settings, Error> {
    let file = folder
        .file("jwks.json", keys)
        .map_err(|error| failed(&error))?;
    let mut sets = KeySets::default();
    sets.add(&format!("{ISSUER}={}", file.display()))
        .map_err(|error| failed(&error))?;
    let key = FingerprintKey::random().map_err(|error| failed(&error))?;
    let expectation = Expectation {
        issuer: vec![ISSUER.to_owned()],
        audience: vec![AUDIENCE.to_owned()],
    };
    Ok(Settings {
        limits: Limits::default(),
        policy: Arc::new(Policy::new(key, sets, ClaimAllowList::default())),
        threads: NonZeroUsize::MIN,
        expectations: names
            .iter()
            .map(|(_, name)| (name.clone(), expectation.clone()))
            .collect(),
        words: Words::default(),
        filter: Filter {
            ports: names.iter().map(|(address, _)| address.port()).collect(),
            ..Filter::default()
        },
        services: Services::new(names),
        paths: Paths::AsSent,
        keys: Default::default(),
    })
}

fn next() {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = Path::new(&program).display();
    say(format_args!("Next, on this host:"));
    for (command, what) in [
        ("doctor", "what this kernel and these privileges allow"),
        ("run", "say every rejected token as it happens; needs root"),
        (
            "run --listen 127.0.0.1:9464",
            "the same with metrics for Prometheus",
        ),
        ("replay FILE.pcap", "the same from a capture"),
        (
            "explain < TOKEN_FILE",
            "what a token says and what is wrong with it",
        ),
    ] {
        say(format_args!("  {program} {command:<30} {what}"));
    }
}

/// A line for the user. One who is gone is no reason to leave processes behind.
fn say(text: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn failed(error: &dyn Display) -> Error {
    Error::Failed(format!("the demo: {error}"))
}
