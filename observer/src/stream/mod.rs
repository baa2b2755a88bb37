//! TCP reassembly: segments in any order go in, ordered bytes and exact gaps come out.
//!
//! There is one reassembler for live records and for captures. It knows two kinds of holes. A
//! *declared* hole is one that the source counted (bytes that its window rule did not want, bytes it
//! lost, a tail that the snap length cut): nothing waits for it. An *undeclared* hole is waited for,
//! because the bytes may be on their way; it is given up by the clock of the data, sooner when the
//! other direction shows that they arrived unseen, or when too much is held behind it.
//!
//! Overlaps: of two copies of the same byte the one that was seen first wins. It is what the
//! application most likely got, and bytes that went through cannot be taken back.

mod assembler;
mod store;

pub use assembler::{Assembler, Incoming};

use crate::time::Timestamp;

/// What comes out of the reassembly of one direction, in order, without overlap.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// Bytes of one segment, or of a part of it.
    Bytes {
        /// Where the first of them lies in the direction: see [`Assembler`].
        position: u64,
        /// When the segment was captured.
        time: Timestamp,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes that will not come.
    Gap(Gap),
    /// The direction was closed with FIN, and everything before that has been given.
    End,
}

/// A run of bytes that will not come, and why.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Gap {
    /// Where it begins.
    pub position: u64,
    /// Bytes that were left out by rule, or that nobody asked for.
    pub skipped: u64,
    /// Bytes that the snap length or the end of the file cut.
    pub cut: u64,
    /// Bytes that were wanted and lost.
    pub lost: u64,
}

impl Gap {
    /// How many bytes are missing.
    pub fn len(&self) -> u64 {
        self.skipped + self.cut + self.lost
    }

    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
