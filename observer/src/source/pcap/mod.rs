//! Capture files: pcap and pcapng in, batches out.
//!
//! Files are streamed through a bounded window, plain or compressed. Captures that cover different
//! times are read one after the other, whatever the order in which they were named; captures that
//! cover the same time are merged by it, so that the clock of the data does not jump.

mod as_live;
mod classic;
mod decode;
mod error;
mod follow;
mod fragments;
mod frame;
mod input;
mod layer;
mod link;
mod links;
mod ng;
mod report;
mod terms;
mod ways;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use observer_common::window::Knobs;

use crate::packet::{Batch, Size};
use crate::time::Timestamp;

use as_live::AsLive;
use decode::Decoder;
use error::Stop;
use frame::{Frame, Reader};

pub use error::{EndReason, Ending, PcapError};
pub use follow::Follow;
pub use link::LinkType;
pub use report::{Report, Skipped};
pub use terms::{Terms, TermsError};

/// The path that means standard input.
pub const STANDARD_INPUT: &str = "-";

/// How many packets are looked at for one batch at most: a capture full of something else must not
/// keep the reader from its other duties.
const BATCH_PACKETS: usize = 16 * Size::LARGE.items;
/// How many captures can be merged: each has a window of 256 KiB or more.
const MAX_OPEN: usize = 256;

/// Captures that are being read as one.
#[derive(Default)]
pub struct Captures {
    /// Each with the packet that it gives next.
    open: Vec<Open>,
    /// Those whose time has not come; the earliest last.
    waiting: Vec<Waiting>,
    /// The open one whose packet was taken and whose next may have to be waited for.
    taken: Option<usize>,
    decoder: Decoder,
    /// How many bytes of files were read.
    position: Arc<AtomicU64>,
}

struct Open {
    path: PathBuf,
    reader: Reader,
    frame: Frame,
}

struct Waiting {
    path: PathBuf,
    first: Timestamp,
}

/// What came of looking for the earliest packet.
enum Step {
    /// It was taken.
    Taken,
    /// It was taken, and to have the next one may take a while.
    MayWait,
    /// There is none.
    End,
}

impl Captures {
    /// Opens captures, `-` being standard input, and looks at the first packet of each.
    ///
    /// # Errors
    /// Any of them cannot be opened, is no capture, or has a link type that is not read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, PcapError> {
        let mut captures = Self::default();
        captures.decoder.report.captures = paths.len() as u64;
        for path in paths {
            let reader = Reader::open(path, &captures.position)?;
            let Some(opened) = captures.advance(path.clone(), reader)? else {
                continue;
            };
            // A pipe cannot be opened twice.
            if paths.len() > 1 && path.is_file() {
                captures.waiting.push(Waiting {
                    path: opened.path,
                    first: opened.frame.time,
                });
            } else {
                captures.keep(opened)?;
            }
        }
        if !captures.waiting.is_empty() {
            // They are opened again.
            captures.position.store(0, Ordering::Relaxed);
        }
        captures.waiting.reverse();
        captures
            .waiting
            .sort_by_key(|waiting| std::cmp::Reverse(waiting.first));
        Ok(captures)
    }

    /// Reads one capture from anything that gives bytes. `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`Captures::open`].
    pub fn over(input: Box<dyn Read + Send>, name: &Path) -> Result<Self, PcapError> {
        let mut captures = Self::default();
        captures.decoder.report.captures = 1;
        let reader = Reader::over(input, name)?;
        if let Some(opened) = captures.advance(name.to_path_buf(), reader)? {
            captures.keep(opened)?;
        }
        Ok(captures)
    }

    /// From now on gives only what the kernel programs would have shipped.
    pub fn as_live(mut self, knobs: Knobs) -> Self {
        self.decoder.as_live = Some(AsLive::new(knobs));
        self
    }

    /// From now on looks only at what a filter lets through.
    pub fn only(mut self, terms: Terms) -> Self {
        self.decoder.terms = Some(terms);
        self
    }

    /// Empties `batch` and fills it with what comes next, until it is full; less from a pipe that has no more at the moment. `false` when this was the last
    /// of it.
    ///
    /// # Errors
    /// The system failed to read, or a capture vanished since [`Captures::open`]; what was read before
    /// is in the batch, and the other captures can be read on.
    pub fn read(&mut self, batch: &mut Batch) -> Result<bool, PcapError> {
        batch.clear();
        for _ in 0..BATCH_PACKETS {
            if batch.is_full() {
                break;
            }
            match self.step(batch)? {
                Step::Taken => {}
                Step::MayWait if batch.is_empty() => {}
                Step::MayWait => return Ok(true),
                Step::End => return Ok(false),
            }
        }
        Ok(!(self.open.is_empty() && self.waiting.is_empty()))
    }

    /// How many bytes of files were read, as they are on the disk.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// What was read so far.
    pub fn report(&self) -> Report {
        self.decoder.report()
    }

    /// Takes the earliest packet.
    fn step(&mut self, batch: &mut Batch) -> Result<Step, PcapError> {
        if let Some(at) = self.taken.take() {
            self.next(at)?;
        }
        let earliest = match self.open.as_slice() {
            [_] => Some(0),
            several => {
                (0..several.len()).min_by_key(|at| several.get(*at).map(|one| one.frame.time))
            }
        };
        if let Some(waiting) = self.waiting.last() {
            let now = earliest.and_then(|at| self.open.get(at));
            if now.is_none_or(|now| waiting.first <= now.frame.time) {
                self.start_waiting()?;
                return Ok(Step::Taken);
            }
        }
        let Some((at, one)) = earliest.and_then(|at| Some((at, self.open.get(at)?))) else {
            return Ok(Step::End);
        };
        self.decoder
            .decode(&one.frame, one.reader.bytes(&one.frame), batch);
        if one.reader.may_wait() {
            self.taken = Some(at);
            return Ok(Step::MayWait);
        }
        self.next(at)?;
        Ok(Step::Taken)
    }

    /// Reads the next packet of an open capture.
    fn next(&mut self, at: usize) -> Result<(), PcapError> {
        let Some(one) = self.open.get_mut(at) else {
            return Ok(());
        };
        match one.reader.next() {
            Ok(Some(frame)) => one.frame = frame,
            ended => {
                let one = self.open.remove(at);
                self.ended(one.path, &one.reader, ended.err())?;
            }
        }
        Ok(())
    }

    fn start_waiting(&mut self) -> Result<(), PcapError> {
        let Some(waiting) = self.waiting.pop() else {
            return Ok(());
        };
        let reader = Reader::open(&waiting.path, &self.position)?;
        match self.advance(waiting.path, reader)? {
            Some(opened) => self.keep(opened),
            None => Ok(()),
        }
    }

    /// Reads the first packet; `None` when there is none.
    fn advance(&mut self, path: PathBuf, mut reader: Reader) -> Result<Option<Open>, PcapError> {
        match reader.next() {
            Ok(Some(frame)) => Ok(Some(Open {
                path,
                reader,
                frame,
            })),
            ended => {
                self.ended(path, &reader, ended.err())?;
                Ok(None)
            }
        }
    }

    fn keep(&mut self, opened: Open) -> Result<(), PcapError> {
        if self.open.len() == MAX_OPEN {
            return Err(PcapError::TooManyAtOnce {
                path: opened.path,
                limit: MAX_OPEN,
            });
        }
        self.open.push(opened);
        Ok(())
    }

    /// Writes down how a capture ended.
    fn ended(
        &mut self,
        path: PathBuf,
        reader: &Reader,
        stop: Option<Stop>,
    ) -> Result<(), PcapError> {
        let report = &mut self.decoder.report;
        report.packets += reader.unreadable();
        report.skipped.unreadable += reader.unreadable();
        let offset = reader.offset();
        match stop {
            None => Ok(()),
            Some(Stop::Ended(reason)) => {
                report.endings.push(Ending {
                    path,
                    offset,
                    reason,
                });
                Ok(())
            }
            Some(Stop::Io(source)) => Err(PcapError::Read {
                path,
                offset,
                source,
            }),
        }
    }
}

/// Whether a path means standard input.
fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

#[cfg(test)]
mod tests;
