//! Reading the configuration again, on SIGHUP.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use signal_hook::consts::SIGHUP;
use signal_hook::iterator::Signals;

use crate::config::{Config, Fixed};
use crate::redact;

use super::options::Files;
use super::{Error, say};

/// SIGHUP, which asks to read a configuration again.
pub(super) struct Hangups {
    files: Files,
    /// What the run was started with, of what a file that is read again does not change.
    started: Fixed,
    signals: Signals,
}

impl Hangups {
    /// From now on it does not end the process.
    pub(super) fn new(files: Files, started: Fixed) -> Result<Self, Error> {
        let signals = Signals::new([SIGHUP]).map_err(failed)?;
        Ok(Self {
            files,
            started,
            signals,
        })
    }

    /// Starts the thread that reads. Gives what was read; one that is wrong is said and left out.
    pub(super) fn follow(self) -> Result<Receiver<Config>, Error> {
        let Self {
            files,
            started,
            mut signals,
        } = self;
        let (read, changes) = sync_channel(WAITING);
        thread::Builder::new()
            .name("observer-config".to_owned())
            .spawn(move || {
                for _ in &mut signals {
                    if !again(&files, &started, &read) {
                        return;
                    }
                }
            })
            .map_err(failed)?;
        Ok(changes)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::Failed(format!(
        "preparing to read the configuration again: {error}"
    ))
}

/// So many configurations may wait to be put into effect, which takes a tenth of a second.
const WAITING: usize = 2;

/// Says whether anybody still wants to know.
fn again(files: &Files, started: &Fixed, to: &SyncSender<Config>) -> bool {
    match files.read() {
        Ok(config) => {
            let later = started.differences(&config.fixed);
            let later = match later.is_empty() {
                true => String::new(),
                false => format!(
                    "; what it says of {} counts after a restart",
                    later.join(", ")
                ),
            };
            say(format_args!("{} was read again{later}", files.names()));
            to.send(config).is_ok()
        }
        Err(error) => {
            // Whoever writes a token into the file must not find it in a log.
            let error = redact::label(&error.to_string(), 4096);
            say(format_args!("{error}. What was read before stays in force"));
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_not_passed_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let rules = tempfile::NamedTempFile::new().unwrap();
        let files = Files::of(file.path(), rules.path());
        let (read, changes) = sync_channel(WAITING);
        std::fs::write(file.path(), "[filter.include]\nports = [80]\n").unwrap();
        assert!(again(&files, &Fixed::default(), &read));
        let before = changes.try_recv().unwrap();
        assert_eq!(before.rules.include.places.ports, [80]);
        std::fs::write(file.path(), "[filter.include]\nport = [80]\n").unwrap();
        assert!(again(&files, &Fixed::default(), &read));
        assert!(changes.try_recv().is_err());
        std::fs::write(file.path(), "").unwrap();
        std::fs::write(rules.path(), "ledger\tbody\thas\tE17\ttoken_revoked\n").unwrap();
        assert!(again(&files, &Fixed::default(), &read));
        assert_ne!(changes.try_recv().unwrap().words, before.words);
        std::fs::write(rules.path(), "ledger\tbody\thas\tE17\n").unwrap();
        assert!(again(&files, &Fixed::default(), &read));
        assert!(changes.try_recv().is_err());
        std::fs::write(rules.path(), "").unwrap();
        drop(changes);
        assert!(!again(&files, &Fixed::default(), &read));
    }
}
