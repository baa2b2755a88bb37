//! Until when the run before this one watched: the file of `--state`.
//!
//! The agent keeps nothing else of itself. The file has the id of the host's start, a time since then,
//! and whether the run ended in order; nothing of the traffic. Times are of CLOCK_BOOTTIME, so that a
//! clock that is set does not matter. It is written in place, a line of fixed length: a run that is
//! killed leaves a whole one, and a disk that has become full still takes it.

mod keeper;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::gap::{After, Gap};
use crate::time::Timestamp;

pub use keeper::Keeper;

/// The file, which is ours alone as long as this lives.
pub struct State {
    file: File,
    boot: String,
    before: Option<Line>,
}

/// What the file says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Line {
    schema: String,
    /// /proc/sys/kernel/random/boot_id.
    boot: String,
    /// Nanoseconds since the host was started.
    watched_until: u64,
    ended: bool,
}

/// The name of the file's format and its major version.
const SCHEMA: &str = "observer.state/1";
/// How long the line is, in bytes, blanks at its end included.
const LENGTH: usize = 192;
/// How much of a file is looked at, to tell whether it is one of ours.
const MAX_FILE: u64 = 4096;

impl State {
    /// Opens the file, or makes it and the folders that it is in, and reads what the run before left.
    ///
    /// # Errors
    /// It cannot be opened, another observer has it, or it is something else: that is not overwritten.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Failed {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StateError::InUse(path.to_owned()),
            TryLockError::Error(source) => failed(source),
        })?;
        let mut text = String::new();
        let foreign = || StateError::Foreign(path.to_owned());
        let read = (&file).take(MAX_FILE).read_to_string(&mut text);
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(foreign()),
            Err(error) => return Err(failed(error)),
        }
        let before = match text.lines().next() {
            None => None,
            Some(line) => {
                let line: Line = serde_json::from_str(line).map_err(|_| foreign())?;
                Some(line).filter(|line| line.schema == SCHEMA)
            }
        };
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").map_err(failed)?;
        let boot = boot.trim_end().to_owned();
        Ok(Self { file, boot, before })
    }

    /// How long nobody watched until now. `None`: there was no run before that is known.
    pub fn gap(&self) -> Option<Gap> {
        let now = since_boot();
        let before = self.before.as_ref()?;
        let (since, after) = match (before.boot == self.boot, before.ended) {
            (true, true) => (before.watched_until, After::End),
            (true, false) => (before.watched_until, After::Break),
            (false, _) => (0, After::Boot),
        };
        let duration = Duration::from_nanos(now.saturating_sub(since));
        Some(Gap::new(time_of_day(), duration, after))
    }

    /// Writes from now on, every second, until when was watched.
    ///
    /// # Errors
    /// The file cannot be written, or the system gives no thread.
    pub fn keep(self) -> io::Result<Keeper> {
        self.write(since_boot(), false)?;
        Keeper::start(self)
    }

    fn write(&self, watched_until: u64, ended: bool) -> io::Result<()> {
        let line = Line {
            schema: SCHEMA.to_owned(),
            boot: self.boot.clone(),
            watched_until,
            ended,
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.resize(LENGTH - 1, b' ');
        bytes.push(b'\n');
        self.file.write_all_at(&bytes, 0)
    }
}

fn since_boot() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::default().plus(since.unwrap_or_default())
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system refused.
    #[error("opening the state file {} failed: {source}; check --state", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another observer is running.
    #[error(
        "the state file {} is in use by another observer; end that one first, or name another file \
         with --state",
        .0.display()
    )]
    InUse(PathBuf),
    /// It is not ours.
    #[error(
        "{} is not a state file of observer and stays as it is; name another with --state",
        .0.display()
    )]
    Foreign(PathBuf),
}

#[cfg(test)]
mod tests;
