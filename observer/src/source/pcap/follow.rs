//! A file that something still writes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::error::PcapError;
use crate::stop::Stop;

/// How often is looked whether the file has grown.
const LOOK: Duration = Duration::from_millis(50);

/// Reads a file as it grows: at its end it waits for more, until it is told to stop.
pub struct Follow {
    file: File,
    stop: Stop,
}

impl Follow {
    /// Opens a file.
    ///
    /// # Errors
    /// [`PcapError::Open`].
    pub fn open(path: &Path, stop: Stop) -> Result<Self, PcapError> {
        let file = File::open(path).map_err(|source| PcapError::Open {
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self { file, stop })
    }
}

impl Read for Follow {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            // What was written before the end was asked for is still read.
            let stopped = self.stop.requested();
            let count = self.file.read(space)?;
            if count > 0 || stopped || space.is_empty() {
                return Ok(count);
            }
            thread::sleep(LOOK);
        }
    }
}
