//! The `observer` binary.

use std::process::ExitCode;

use clap::Parser;
use observer::cli::Cli;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => observer::cli::say_usage(&error),
    }
}
