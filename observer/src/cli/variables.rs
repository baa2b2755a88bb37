//! Options from the environment: `OBSERVER_` and the name of the option, for what is the same at each start.

use clap::{Arg, Command};

/// The commands whose options have variables: those that watch, which others start.
const WATCHING: [&str; 2] = ["run", "replay"];

/// Lets every option of the commands that watch, and those of all commands, have its variable. What the
/// command line says comes first.
pub(super) fn of(command: Command) -> Command {
    command.mut_args(variable).mut_subcommands(|command| {
        if WATCHING.contains(&command.get_name()) {
            command.mut_args(variable).after_help(SAID)
        } else {
            command
        }
    })
}

const SAID: &str =
    "Each option may be given as a variable, too: --ring-size as OBSERVER_RING_SIZE.";

fn variable(option: Arg) -> Arg {
    match option.get_long().map(name) {
        // Once for all of them, at the end of the help.
        Some(name) => option.env(name).hide_env(true),
        None => option,
    }
}

/// What the variable of an option is called.
fn name(long: &str) -> String {
    format!("OBSERVER_{}", long.replace('-', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_option_has_a_variable_of_its_own() {
        let command = of(Cli::command());
        for watching in WATCHING {
            let watching = command.find_subcommand(watching).unwrap();
            let options: Vec<_> = watching
                .get_arguments()
                .filter(|option| option.get_long().is_some())
                .collect();
            assert!(options.len() > 10, "{}", options.len());
            for option in options {
                let wanted = name(option.get_long().unwrap());
                assert_eq!(option.get_env().unwrap(), &*wanted);
            }
        }
        assert_eq!(name("ring-size"), "OBSERVER_RING_SIZE");
    }

    #[test]
    fn what_asks_for_something_else_than_to_watch_has_none() {
        let command = of(Cli::command());
        let demo = command.find_subcommand("demo").unwrap();
        assert!(
            demo.get_arguments()
                .all(|option| option.get_env().is_none())
        );
    }
}
