//! `observer completions` and `observer man`: what shells and man(1) want to know of the commands.

use std::io::{self, Write};
use std::path::PathBuf;

use clap_complete::Shell;

use super::{Cli, Error};

/// Print what lets a shell complete commands and options.
///
/// For example: observer completions bash > /etc/bash_completion.d/observer
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// For which shell
    shell: Shell,
}

/// Print the manual page, or write those of all commands to a folder.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// Write a page for each command here, such as observer-run.1
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(super) fn complete(args: &Completions) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::described(), "observer", &mut script);
    print(&script)
}

pub(super) fn man(args: &Man) -> Result<(), Error> {
    match &args.folder {
        Some(folder) => clap_mangen::generate_to(Cli::described(), folder).map_err(|error| {
            Error::Failed(format!("cannot write to {}: {error}", folder.display()))
        }),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::described())
                .render(&mut page)
                .map_err(|error| Error::Failed(error.to_string()))?;
            print(&page)
        }
    }
}

fn print(text: &[u8]) -> Result<(), Error> {
    io::stdout()
        .write_all(text)
        .map_err(|error| Error::Failed(format!("cannot write to standard output: {error}")))
}
