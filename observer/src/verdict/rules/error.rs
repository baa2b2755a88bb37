//! Why a table of words is not taken.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::MAX_FILE;

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

/// The text of a file of at most [`MAX_FILE`] bytes.
pub(super) fn text(path: &Path) -> Result<String, WordsError> {
    let read = || {
        let mut text = String::new();
        File::open(path)?
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            let why = format!("it is larger than {MAX_FILE} bytes: split it or leave rows out");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        Ok(text)
    };
    read().map_err(|source| WordsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
