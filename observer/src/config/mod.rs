//! The configuration file: what services are called and expect, what is reported, how answers are
//! understood, and what observer may use.
//!
//! docs/configuration.md describes every key. Unknown keys are refused, because one that is misspelt
//! would silently do nothing.

mod error;
mod file;
mod limits;
mod schema;
mod tokens;

use std::path::Path;

use crate::bounded;
use crate::filter::Rules;
use crate::service::Naming;
use crate::verdict::{Expectation, Words};

pub use error::ConfigError;
pub use limits::Bounds;
pub use schema::schema;
pub use tokens::Fixed;
pub(crate) use tokens::expect;

/// What a configuration file says. Without one: nothing, which names and leaves out nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Config {
    /// What services are called, the first that fits.
    pub services: Vec<Naming>,
    /// What is reported.
    pub rules: Rules,
    /// What servers say, besides what observer knows.
    pub words: Words,
    /// What services expect of tokens, by the name of the service.
    pub expectations: Vec<(String, Expectation)>,
    /// What counts from the start of a run to its end.
    pub fixed: Fixed,
}

impl Config {
    /// Reads a file. Nothing of it counts when something in it is wrong.
    ///
    /// # Errors
    /// It cannot be read, is larger than [`MAX_FILE`], or is no configuration: the message names the
    /// line and the key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = bounded::text(path, MAX_FILE).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let file = parse(&text).map_err(|fault| ConfigError::Wrong {
            path: path.to_owned(),
            fault,
        })?;
        // What is not absolute lies where the configuration does.
        let folder = path.parent().unwrap_or(path);
        let words = match &file.rules {
            Some(rules) => Words::read(&folder.join(rules))?,
            None => Words::default(),
        };
        Ok(Self {
            words,
            ..file.config(folder)
        })
    }
}

/// The largest configuration file, in bytes.
pub const MAX_FILE: u64 = 256 * 1024;

fn parse(text: &str) -> Result<file::File, error::Fault> {
    toml::from_str(text).map_err(|error| error::Fault::of(text, &error))
}

#[cfg(test)]
mod tests;
