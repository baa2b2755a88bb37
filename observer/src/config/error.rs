//! What is wrong with a configuration, so that it can be mended.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::verdict::WordsError;

/// Why a configuration does not count.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not there, or not for us.
    #[error("reading the configuration {} failed: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It says something that is not understood.
    #[error("the configuration {} is wrong: {fault}; docs/configuration.md has every key", path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// What, and where.
        fault: Fault,
    },
    /// The words that it names.
    #[error(transparent)]
    Words(#[from] WordsError),
}

/// One fault of a file.
#[derive(Debug, Eq, PartialEq)]
pub struct Fault {
    /// The line, from 1, where that is known.
    line: Option<usize>,
    what: String,
}

impl Fault {
    pub(super) fn of(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span();
        let line = span.as_ref().and_then(|span| {
            let before = text.get(..span.start)?;
            Some(before.matches('\n').count() + 1)
        });
        let what = unknown_key(error.message()).unwrap_or_else(|| {
            // A message of the parser may have lines of its own.
            error.message().lines().collect::<Vec<_>>().join(", ")
        });
        Self { line, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// What to say about a key that nobody knows, from what serde says: "unknown field `x`, expected one
/// of `a`, `b`", or "…, expected `a`".
fn unknown_key(message: &str) -> Option<String> {
    let mut quoted = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let key = quoted.next()?;
    let known: Vec<_> = quoted.collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(key, known), *known))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .filter(|(likeness, _)| *likeness > ALIKE);
    Some(match nearest {
        Some((_, nearest)) => format!("there is no key {key:?} here; did you mean {nearest:?}?"),
        None => format!(
            "there is no key {key:?} here; there are {}",
            known.join(", ")
        ),
    })
}

/// Keys that are as much alike may be meant for each other.
const ALIKE: f64 = 0.75;
