//! What a run knows of itself: how much it saw, and what it did not.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Counts by a stable name.
pub type Counts = BTreeMap<&'static str, u64>;

/// What a run knows of itself, since its start.
///
/// `seen` equals what was delivered to the engine plus all of `lost`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Segments that were wanted.
    pub seen: u64,
    /// Segments that were wanted and did not arrive, by reason.
    pub lost: Counts,
    /// What was read of captures: how many of them, packets, bytes, and what became of the packets. Empty
    /// for a live source.
    pub read: Counts,
    /// How many bytes of files were read, as they are on the disk.
    pub position: u64,
    /// What the source had and could not take apart, by reason.
    pub unread: Counts,
    /// Connections by protocol.
    pub connections: Counts,
    /// What the engine gave up, by reason: connections evicted, holes in streams, heads cut.
    pub given_up: Counts,
    /// Bytes of streams that were wanted and did not come.
    pub missing_bytes: u64,
    /// Connections that the engine knows now.
    pub open_connections: u64,
    /// Bytes that the engine holds now: behind holes, and of heads that are not complete.
    pub held_bytes: u64,
    /// Bytes of TCP sockets that went past the packet probes (sockmap).
    pub bypassed_bytes: u64,
    /// Records of who handled what that were due.
    pub context_seen: u64,
    /// Those of them that did not arrive.
    pub context_lost: u64,
    /// What was said over unix sockets that are not seen. `None`: they are, or it is not counted.
    pub unix_unseen: Option<UnixUnseen>,
    /// What the kernel says of the clock of this host. `None`: it is not asked, or does not tell.
    pub host_clock: Option<HostClock>,
}

/// Whether the clock of this host is synchronised, and how good it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HostClock {
    /// Something keeps it synchronised.
    pub synchronised: bool,
    /// By how many microseconds it may be off at the most.
    pub max_error_us: u64,
    /// By how many it is off, as whatever keeps it estimates.
    pub estimated_error_us: u64,
}

/// How much was said over unix sockets, and by whom to whom, where nobody can see what.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnixUnseen {
    /// By whom to whom. Not more than a few hundred.
    pub talks: Vec<UnixTalk>,
    /// What others said.
    pub other: Said,
}

/// How much was said.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Said {
    /// In bytes.
    pub bytes: u64,
    /// In how many calls.
    pub calls: u64,
}

impl Said {
    /// With more.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(more.bytes),
            calls: self.calls.saturating_add(more.calls),
        }
    }

    /// Without a part.
    #[must_use]
    pub const fn less(self, part: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(part.bytes),
            calls: self.calls.saturating_sub(part.calls),
        }
    }
}

/// What processes of one name wrote to those of another over a socket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnixTalk {
    /// Who wrote: the name of a process.
    pub from: Arc<str>,
    /// Who made the other end, likewise; empty where that is not known.
    pub to: Arc<str>,
    /// The path that the server is bound to, an abstract name after `@`.
    pub path: Arc<str>,
    /// How much.
    pub said: Said,
}

impl Totals {
    /// Whether everything that was wanted arrived and was read.
    pub fn is_whole(&self) -> bool {
        [&self.lost, &self.unread, &self.given_up]
            .into_iter()
            .flat_map(BTreeMap::values)
            .all(|count| *count == 0)
            && self.bypassed_bytes == 0
            && self.context_lost == 0
    }
}
