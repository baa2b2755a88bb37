//! `observer keys`: which keys issuers had, and who fetched them when.

mod text;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use clap::Args;
use serde_json::Value;

use crate::engine::Limits;
use crate::event::Paths;
use crate::keys::fetch::Client;
use crate::pipeline::Pipeline;
use crate::source::pcap::{Captures, Terms};
use crate::stop::Stop;

use super::options::{self, Options};
use super::{Error, say};

/// Say which key ids of issuers were seen since when, and who fetched their key sets.
///
/// From captures: every key set and discovery document that goes by in the clear, and the kids of all
/// tokens. A set that was not captured whole is said to be cut. From an `observer run` that watches: the
/// same, as it has seen it until now.
///
/// The exit code is 0 when everything that could be read was told, 1 when something could not be read,
/// and 2 when the arguments are wrong.
#[derive(Debug, Args)]
pub(super) struct Keys {
    /// Captures: pcap or pcapng, plain or compressed with gzip or zstd; - for standard input
    #[arg(required_unless_present = "from", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ask an `observer run --listen` what it knows, for example http://127.0.0.1:9464
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    from: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Look only at packets with these hosts and ports, as tcpdump's filters say it: see docs/captures.md
    #[arg(long, value_name = "TERMS")]
    filter: Option<Terms>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(keys: Keys) -> Result<(), Error> {
    let failed = |error: &dyn std::error::Error| Error::Failed(error.to_string());
    if let Some(from) = &keys.from {
        // What is asked for was named by who asks, and holds no secret.
        let url = format!("{}/keys", from.trim_end_matches('/'));
        let (body, _) = Client::new(true)
            .get(&url)
            .map_err(|error| failed(&error))?;
        let value = serde_json::from_slice(&body).map_err(|error| {
            Error::Failed(format!("{url} is no answer of `observer run`: {error}"))
        })?;
        return print(&value, keys.json);
    }
    let stop = Stop::on_signals()
        .map_err(|error| Error::Failed(format!("preparing for signals: {error}")))?;
    let config = keys.options.read()?;
    let (settings, fetcher) =
        keys.options
            .settings(config, Limits::of_captures(), Paths::Templated)?;
    options::fetch(fetcher)?;
    let known = Arc::clone(&settings.keys);
    let mut captures = Captures::open(&keys.files).map_err(|error| failed(&error))?;
    if let Some(terms) = keys.filter {
        captures = captures.only(terms);
    }
    let done = Pipeline::new(settings, Vec::new()).run(&mut captures, &stop);
    for ending in captures.report().endings {
        say(ending);
    }
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let value = serde_json::to_value(known.timeline()).map_err(|error| failed(&error))?;
    print(&value, keys.json)?;
    done.map(|_| ()).map_err(|error| failed(&error))
}

fn print(timeline: &Value, json: bool) -> Result<(), Error> {
    let out = match json {
        true => format!("{timeline:#}\n"),
        false => text::of(timeline),
    };
    let wrote = io::stdout().lock().write_all(out.as_bytes());
    match wrote {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Failed(format!("writing the output: {error}")))
        }
        _ => Ok(()),
    }
}
