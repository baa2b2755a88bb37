//! The lab: real validators, each sent requests whose truth is known from how they were made, observed
//! live and again from a capture. `cargo xtask lab` builds this, installs what it needs and runs it.

#![expect(
    unreachable_pub,
    reason = "nothing of a program is reachable; `pub` says what a module offers"
)]

mod answers;
mod catalogue;
mod judge;
mod keys;
mod observe;
mod page;
mod process;
mod requests;
mod run;
mod send;
mod stories;
mod versions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "lab PROGRAM [--stories] [--small] [--only VALIDATOR] [--page FILE]";

/// What is asked for.
pub struct Options {
    /// The observer under test.
    pub program: PathBuf,
    /// Not validators, but stories of many exchanges.
    pub stories: bool,
    /// The validators that install quickly, alone.
    pub small: bool,
    /// One validator alone.
    pub only: Option<String>,
    /// Where the page goes.
    pub page: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = options().and_then(|options| match options.stories {
        true => stories::run(&options.program, options.only.as_deref()),
        false => run::run(&options),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut arguments = std::env::args().skip(1);
    let mut options = Options {
        program: arguments.next().ok_or(USAGE)?.into(),
        stories: false,
        small: false,
        only: None,
        page: None,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--stories" => options.stories = true,
            "--small" => options.small = true,
            "--only" => options.only = Some(arguments.next().ok_or(USAGE)?),
            "--page" => options.page = Some(arguments.next().ok_or(USAGE)?.into()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

/// The root of the workspace.
pub fn root() -> Result<PathBuf, String> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_owned)
        .ok_or_else(|| "this package is not in a workspace".to_owned())
}
