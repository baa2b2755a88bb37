//! `observer config`: whether a configuration is one, and what may stand in it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{Error, options};
use crate::config::{Config, schema};
use crate::redact;

/// Say whether a configuration is one, and what may stand in it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say whether `observer run` would take this configuration, and every file that it names.
    ///
    /// The exit code is 0 when it would, and 1 when it would not: the message names the line, the key and
    /// what may be meant.
    Check {
        /// The configuration
        #[arg(value_name = "FILE", default_value = "/etc/observer/observer.toml")]
        file: PathBuf,
    },
    /// Print the JSON Schema of configurations, for editors and for programs that write them
    Schema,
}

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let text = match &args.what {
        What::Check { file } => check(file)?,
        What::Schema => schema(),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::Failed(format!("cannot write to standard output: {error}")))
}

fn check(file: &Path) -> Result<String, Error> {
    let config = Config::read(file).map_err(|error| Error::Failed(error.to_string()))?;
    let fixed = config.fixed;
    let parts = [
        (
            config.services.len(),
            "name of a service",
            "names of services",
        ),
        (config.expectations.len(), "expectation", "expectations"),
        (fixed.key_sets.len(), "key set", "key sets"),
        (fixed.secrets.len(), "secret", "secrets"),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }))
        .collect();
    // Reads the files with keys, which `run` does at its start. Nothing is fetched to see whether it can be.
    let (_, files) = options::remotes(fixed.key_sets, &[]);
    options::policy(&files, &fixed.secrets, fixed.fingerprint_key, fixed.claims)?;
    options::carriers(&fixed.carriers)?;
    let parts = match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join(", ")),
    };
    let file = redact::label(&file.display().to_string(), 1024);
    Ok(format!("{file} is a configuration{parts}\n"))
}
