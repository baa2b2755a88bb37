//! The `observer` binary.

use std::process::ExitCode;

use observer::cli::Cli;

fn main() -> ExitCode {
    match Cli::read() {
        Ok(cli) => cli.run(),
        Err(error) => observer::cli::say_usage(&error),
    }
}
