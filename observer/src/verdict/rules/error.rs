//! Why a table of words is not taken.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a table of words is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WordsError {
    /// It cannot be read.
    #[error("cannot read the rules {path}: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("the rules {path} cannot be used: line {line}: {fault}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong, and what to write.
        fault: String,
    },
    /// There are too many lines, or they are too complex together.
    #[error("the rules {path} cannot be used: {fault}", path = path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// What is too much.
        fault: String,
    },
}
