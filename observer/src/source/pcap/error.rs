//! What can go wrong with a capture, and how it is said.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::link::LinkType;

/// Why captures cannot be read. A capture that ends early or is damaged inside is no error: what
/// came before is read, and [`super::Report::endings`] says so.
#[derive(Debug, thiserror::Error)]
pub enum PcapError {
    /// There is no such file, or it may not be read.
    #[error(
        "cannot open {}: {source}. Check the path and its permissions",
        Name(path)
    )]
    Open {
        /// Which capture.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system failed in the middle of it.
    #[error(
        "cannot read {} after byte {offset}: {source}. Copy the file to a sound disk and try again",
        Name(path)
    )]
    Read {
        /// Which capture.
        path: PathBuf,
        /// How many bytes of the capture, after decompression, were read before.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// There is not one byte in it.
    #[error(
        "{} is empty, so it is not a capture. If something still writes it, wait until it has \
         flushed (tcpdump -U flushes after every packet)",
        Name(path)
    )]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// It is something else.
    #[error(
        "{} is not a capture: it starts with {start}, which is neither pcap nor pcapng. Record with \
         tcpdump -w FILE, or convert another capture format with editcap -F pcapng",
        Name(path)
    )]
    NotACapture {
        /// Which file.
        path: PathBuf,
        /// Its first bytes, in hexadecimal; at most four.
        start: String,
    },
    /// Its packets have a framing that observer does not take apart.
    #[error(
        "cannot read the packets of {}: its link type is {link}, and observer reads Ethernet, raw IP, \
         loopback and Linux cooked captures. Record on another interface, for example with \
         tcpdump -i any",
        Name(path)
    )]
    LinkType {
        /// Which capture.
        path: PathBuf,
        /// Its link type.
        link: LinkType,
    },
    /// Too many captures cover the same moment.
    #[error(
        "more than {limit} captures cover the same moment ({} was one too many). Merge them first, \
         with mergecap -w ALL.pcapng FILE...",
        Name(path)
    )]
    TooManyAtOnce {
        /// The capture that was one too many.
        path: PathBuf,
        /// How many may be open together.
        limit: usize,
    },
}

/// How a capture ended before its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// Which capture.
    pub path: PathBuf,
    /// The byte of the capture, after decompression, from which on nothing was read.
    pub offset: u64,
    /// Why.
    pub reason: EndReason,
}

/// Why nothing more was read of a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EndReason {
    /// It ends in the middle of a packet or block: the recorder was killed, or the copy is not whole.
    Truncated,
    /// What stands there cannot be part of a capture.
    Damaged(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Name(&self.path);
        match &self.reason {
            EndReason::Truncated => write!(
                f,
                "{name} is cut off in the middle of a packet, near byte {}: everything before was read",
                self.offset
            ),
            EndReason::Damaged(what) => write!(
                f,
                "{name} is damaged at byte {}: {what}. Everything before was read, nothing after",
                self.offset
            ),
        }
    }
}

/// Why the next packet of a capture cannot be had.
pub(super) enum Stop {
    /// Nothing more can be read of this capture.
    Ended(EndReason),
    /// The system failed.
    Io(io::Error),
}

/// A path as a person knows it.
struct Name<'a>(&'a Path);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if super::is_standard_input(self.0) {
            f.write_str("standard input")
        } else {
            write!(f, "{}", self.0.display())
        }
    }
}
