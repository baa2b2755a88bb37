//! One packet of a capture, before it is taken apart, whatever the file's format.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::error::{EndReason, PcapError, Stop};
use super::input::{self, Window};
use super::link::LinkType;
use super::{classic, ng};
use crate::time::Timestamp;

/// The largest packet that is believed. The largest that Linux makes (BIG TCP) has 512 KiB; libpcap
/// and Wireshark stop at 256 KiB.
pub(super) const MAX_PACKET: usize = 1024 * 1024;

/// A packet as it was captured.
#[derive(Debug)]
pub(super) struct Frame {
    /// When it was captured; that of the packet before when the format does not say (`timed`).
    pub(super) time: Timestamp,
    /// Whether the capture says when it was captured.
    pub(super) timed: bool,
    /// How it is framed.
    pub(super) link: LinkType,
    /// The number of the interface in the capture.
    pub(super) interface: u32,
    /// How long it was on the wire, in bytes.
    pub(super) wire_len: u32,
    /// Where its captured bytes lie in the window.
    pub(super) data: Range<usize>,
}

/// A capture that is being read.
pub(super) struct Reader {
    window: Window,
    format: Format,
    /// Why there is no further frame after the one that was given last.
    stop: Option<Stop>,
    /// It is a file: all its bytes are there.
    never_waits: bool,
}

enum Format {
    Classic(classic::Header),
    Ng(ng::Section),
}

impl Reader {
    /// Opens a capture and reads its header. What is read of the file is added to `position`.
    ///
    /// # Errors
    /// [`PcapError::Open`], [`PcapError::Empty`], [`PcapError::NotACapture`], [`PcapError::LinkType`].
    pub(super) fn open(path: &Path, position: &Arc<AtomicU64>) -> Result<Self, PcapError> {
        let input = input::open(path, position).map_err(|source| cannot_open(path, source))?;
        let mut reader = Self::over(input, path)?;
        reader.never_waits = path.is_file();
        Ok(reader)
    }

    /// Reads a capture that is open already.
    pub(super) fn over(input: Box<dyn Read + Send>, path: &Path) -> Result<Self, PcapError> {
        let mut window = Window::over(input).map_err(|source| cannot_open(path, source))?;
        let have = window.fill(4);
        let start: Vec<u8> = window.bytes().iter().take(4).copied().collect();
        let format = match <[u8; 4]>::try_from(start.as_slice()) {
            Ok(magic) if ng::is_start(magic) => Some(Format::Ng(ng::Section::default())),
            Ok(magic) => classic::Header::announced_by(magic).map(Format::Classic),
            Err(_) => None,
        };
        let Some(format) = format else {
            if let Some(Stop::Io(source)) = window.failure() {
                return Err(PcapError::Read {
                    path: path.to_path_buf(),
                    offset: 0,
                    source,
                });
            }
            return Err(match have {
                0 => PcapError::Empty {
                    path: path.to_path_buf(),
                },
                _ => PcapError::NotACapture {
                    path: path.to_path_buf(),
                    start: hexadecimal(&start),
                },
            });
        };
        let mut reader = Self {
            window,
            format,
            stop: None,
            never_waits: false,
        };
        if let Format::Classic(header) = &mut reader.format {
            match header.read(&mut reader.window) {
                Err(stop) => reader.stop = Some(stop),
                Ok(()) if !header.link().is_read() => {
                    return Err(PcapError::LinkType {
                        path: path.to_path_buf(),
                        link: header.link(),
                    });
                }
                Ok(()) => {}
            }
        }
        Ok(reader)
    }

    /// The next packet; `None` at the end. The bytes of the one before are gone.
    ///
    /// A packet that the end of the file cuts is given with what there is of it; the call after that
    /// says that the file is truncated.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Stop> {
        if let Some(stop) = self.stop.take() {
            return Err(stop);
        }
        let next = match &mut self.format {
            Format::Classic(header) => header.next(&mut self.window)?,
            Format::Ng(section) => section.next(&mut self.window)?,
        };
        match next {
            Next::End => Ok(None),
            Next::Whole(frame) => Ok(Some(frame)),
            Next::Cut(frame) => {
                self.stop = Some(cut(&mut self.window));
                Ok(Some(frame))
            }
        }
    }

    /// The captured bytes of the packet that was given last.
    #[inline]
    pub(super) fn bytes(&self, frame: &Frame) -> &[u8] {
        self.window.at(frame.data.clone())
    }

    /// Whether the next packet may have to be waited for.
    pub(super) fn may_wait(&self) -> bool {
        if self.never_waits || self.window.is_ended() {
            return false;
        }
        let bytes = self.window.bytes();
        !match &self.format {
            Format::Classic(header) => header.is_next_in(bytes),
            Format::Ng(section) => section.is_next_in(bytes),
        }
    }

    /// How many bytes of the capture were read.
    pub(super) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// How many packets of pcapng were left out unread.
    pub(super) fn unreadable(&self) -> u64 {
        match &self.format {
            Format::Classic(_) => 0,
            Format::Ng(section) => section.unreadable(),
        }
    }
}

/// What a format gives next.
pub(super) enum Next {
    /// A packet.
    Whole(Frame),
    /// The start of a packet, which the end of the file cuts.
    Cut(Frame),
    /// Nothing.
    End,
}

/// Why a capture ends in the middle of something.
pub(super) fn cut(window: &mut Window) -> Stop {
    window
        .failure()
        .unwrap_or(Stop::Ended(EndReason::Truncated))
}

/// Four bytes of a header.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(if big {
        u32::from_be_bytes(*four)
    } else {
        u32::from_le_bytes(*four)
    })
}

/// Two bytes of a header.
#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk::<2>()?;
    Some(if big {
        u16::from_be_bytes(*two)
    } else {
        u16::from_le_bytes(*two)
    })
}

fn cannot_open(path: &Path, source: io::Error) -> PcapError {
    PcapError::Open {
        path: path.to_path_buf(),
        source,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}
