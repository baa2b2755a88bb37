//! What the kernel programs count, on each CPU apart.
//!
//! The unit of the packet plane is the segment of which the rule wanted something:
//! `SegmentsWanted == SegmentsSubmitted + Σ lost`. The unit of the context plane is the record.

#[cfg(any(test, feature = "user"))]
mod user;

#[cfg(any(test, feature = "user"))]
pub use user::{LOST, name};

/// A place in the array of counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub enum Counter {
    /// Segments of which something was wanted.
    SegmentsWanted,
    /// Segments handed over.
    SegmentsSubmitted,
    /// Segments lost because the ring buffer was full.
    LostRingFull,
    /// Segments lost because their bytes could not be read.
    LostUnreadable,
    /// Segments lost because there was no memory for the state of their connection.
    LostNoState,
    /// Bytes cut off segments of which more was wanted than a record holds.
    BytesCut,
    /// TCP segments whose headers could not be taken apart.
    Unparsed,
    /// Records of the context plane that were due.
    ContextWanted,
    /// Records of the context plane handed over.
    ContextSubmitted,
    /// Records of the context plane lost because the ring buffer was full.
    ContextLost,
    /// Bytes read from or written to TCP sockets of which no packet was ever seen: they went past
    /// the packet plane (sockmap, SMC).
    BypassBytes,
    /// Calls that moved those bytes.
    BypassCalls,
    /// Directions that turned out to carry TLS.
    Tls,
    /// Directions that turned out to carry HTTP/2.
    Http2,
    /// Directions that carry something else since a 101 answer.
    Upgraded,
    /// Directions given up because no head came.
    Foreign,
    /// Bytes written to unix sockets of streams, where nobody can see what.
    UnixUnseenBytes,
    /// Calls that wrote them.
    UnixUnseenCalls,
}

/// How many counts there are.
pub const COUNTERS: usize = Counter::UnixUnseenCalls as usize + 1;
