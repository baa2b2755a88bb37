//! The configuration file: what services are called, what is reported, and how answers are understood.
//!
//! docs/configuration.md describes every key. Unknown keys are refused, because one that is misspelt
//! would silently do nothing.

mod error;
mod file;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::filter::Rules;
use crate::service::Naming;
use crate::verdict::Words;

pub use error::ConfigError;

/// What a configuration file says. Without one: nothing, which names and leaves out nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Config {
    /// What services are called, the first that fits.
    pub services: Vec<Naming>,
    /// What is reported.
    pub rules: Rules,
    /// What servers say, besides what observer knows.
    pub words: Words,
}

impl Config {
    /// Reads a file. Nothing of it counts when something in it is wrong.
    ///
    /// # Errors
    /// It cannot be read, is larger than [`MAX_FILE`], or is no configuration: the message names the
    /// line and the key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let file = parse(&text).map_err(|fault| ConfigError::Wrong {
            path: path.to_owned(),
            fault,
        })?;
        let words = match &file.rules {
            // What is not absolute lies where the configuration does.
            Some(rules) => Words::read(&path.parent().unwrap_or(path).join(rules))?,
            None => Words::default(),
        };
        Ok(Self {
            words,
            ..file.into()
        })
    }
}

/// The largest configuration file, in bytes.
pub const MAX_FILE: u64 = 256 * 1024;

fn parse(text: &str) -> Result<file::File, error::Fault> {
    toml::from_str(text).map_err(|error| error::Fault::of(text, &error))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        let why = format!("it is larger than {MAX_FILE} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
