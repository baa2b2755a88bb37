//! The commands of the binary: one file each.

mod config;
mod demo;
mod doctor;
mod explain;
mod keys;
mod logging;
mod options;
mod outputs;
mod pages;
mod reload;
mod replay;
mod run;
mod unix;
mod variables;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{hardening, redact};

/// Says why a token was rejected, from the kernel, without touching a service.
#[derive(Debug, Parser)]
#[command(name = "observer", version, max_term_width = 100)]
pub struct Cli {
    /// What to log on standard error: off, error, warn, info, debug or trace, or a filter such as
    /// `observer::engine=debug`. Without it the variable RUST_LOG counts, else `warn`.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Completions(pages::Completions),
    Config(config::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Explain(explain::Args),
    Keys(Box<keys::Keys>),
    Man(pages::Man),
    Replay(Box<replay::Replay>),
    Run(Box<run::Run>),
}

impl Cli {
    /// Reads the command line, and the environment for what it leaves out.
    ///
    /// # Errors
    /// The help was asked for, or something that cannot be.
    pub fn read() -> Result<Self, clap::Error> {
        let mut described = Self::described();
        let matches = described.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut described))
    }

    /// Every command and option, with the variables that options have.
    fn described() -> clap::Command {
        variables::of(Self::command())
    }

    /// Does what the arguments ask. Gives 0 when it is done, 1 when it failed, 2 when it was asked
    /// for something that cannot be.
    pub fn run(self) -> ExitCode {
        let done = hardening::harden()
            .map_err(|error| Error::Failed(error.to_string()))
            .and_then(|()| logging::start(self.log.as_deref()))
            .and_then(|()| match self.command {
                Command::Completions(args) => pages::complete(&args),
                Command::Config(args) => config::run(&args),
                Command::Demo(args) => demo::run(args),
                Command::Doctor(args) => doctor::run(&args),
                Command::Explain(args) => explain::run(args),
                Command::Keys(keys) => keys::run(*keys),
                Command::Man(args) => pages::man(&args),
                Command::Replay(replay) => replay::run(*replay),
                Command::Run(run) => run::run(*run),
            });
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Whoever takes a token for a file name must not find it in a log.
                say(redact::label(&error.to_string(), 4096));
                error.exit_code()
            }
        }
    }
}

/// Why a command did not do what it was asked. The text says what was being done, what happened, and
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was attempted and did not succeed: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// What was asked cannot be: exit code 2.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

/// Says something on standard error. A full disk or a reader that left is no reason to end in the
/// middle of the work.
fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "observer: {text}");
}

/// Prints what is wrong with the arguments, or the help that was asked for. An argument that looks
/// like a token is not printed again: who gives one as an argument did so by mistake.
pub fn say_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nothing can be done for a reader that is gone.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    for line in error.render().to_string().lines() {
        // As in `say`.
        let _ = writeln!(io::stderr(), "{}", redact::text(line, 1024));
    }
    ExitCode::from(2)
}
