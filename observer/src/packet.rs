//! What a source gives: the one form that live records and capture files have in common.
//!
//! A source fills a [`Batch`] and hands it to the engine. Payloads lie together in the batch's arena,
//! so a packet costs no allocation. The arena holds raw bytes of other people's traffic and has no
//! `Debug`; the next batch overwrites it, what that leaves is wiped a batch later, and all of it when
//! it is dropped.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use crate::identity::Process;
use crate::time::{Step, Timestamp};
use crate::wiped::Wiped;

/// Which connection an item belongs to. Opaque to everything above the source.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ConnectionKey {
    /// A TCP flow seen on a wire. `low` is the smaller of the two addresses; `link` numbers the
    /// interface, VLAN and tunnel it was seen on, because addresses repeat across them.
    Flow {
        /// The smaller address.
        low: SocketAddr,
        /// The larger address.
        high: SocketAddr,
        /// The number of the interface, VLAN and tunnel stack, in order of first sight.
        link: u32,
    },
    /// One end of a connection of this host: the kernel's socket cookie.
    Socket(u64),
}

/// In few words: it is done for each item.
impl Hash for ConnectionKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Socket(cookie) => state.write_u64(*cookie),
            Self::Flow { low, high, link } => {
                for end in [low, high] {
                    match end.ip() {
                        IpAddr::V4(ip) => {
                            state.write_u64(u64::from(ip.to_bits()) << 16 | u64::from(end.port()));
                        }
                        IpAddr::V6(ip) => {
                            state.write_u128(ip.to_bits());
                            state.write_u16(end.port());
                        }
                    }
                }
                state.write_u32(*link);
            }
        }
    }
}

/// Which way bytes go. For a flow, `Forward` is from `low` to `high`; for a socket it is egress.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Direction {
    /// `low` to `high`, or out of the socket.
    Forward,
    /// `high` to `low`, or into the socket.
    Reverse,
}

impl Direction {
    /// The other way.
    pub const fn flip(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }

    /// 0 for `Forward`, 1 for `Reverse`: for arrays with one place per direction.
    pub const fn index(self) -> usize {
        match self {
            Self::Forward => 0,
            Self::Reverse => 1,
        }
    }
}

/// Which end of a connection a socket is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// It called connect.
    Client,
    /// It was accepted.
    Server,
}

/// One TCP segment, or the part of it that was captured.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Which way it went.
    pub direction: Direction,
    /// Who sent it: of the socket where there is one (before any NAT of this host), else of the packet.
    pub source: SocketAddr,
    /// Who it was for.
    pub target: SocketAddr,
    /// The sequence number of the first byte of `payload` (for a SYN without data: of the SYN).
    pub seq: u32,
    /// TCP flags.
    pub flags: Flags,
    /// Where the captured bytes lie in the batch's arena.
    pub payload: Range<usize>,
    /// How long the payload was on the wire, from `seq` on. Larger than `payload` when the tail was
    /// not copied: that hole is declared, and nothing waits for it.
    pub wire_len: u32,
    /// Why the tail is missing, when it is.
    pub tail: Tail,
    /// Bytes of this direction that were left out by rule before this segment, since the connection
    /// was first seen. Always 0 where the source copies everything.
    pub skipped: u64,
    /// Bytes of this direction that were wanted and lost before this segment, likewise.
    pub lost: u64,
    /// When a thread moved what came before on the other way of the socket, if it is the one that
    /// [`ItemKind::Handled`] told last for that way.
    pub moved: Option<Timestamp>,
    /// It came in under the cookie of a listening socket (TCP_DEFER_ACCEPT, Fast Open): it belongs to
    /// the connection with the same addresses whose cookie is not known yet.
    pub listener: bool,
}

/// The TCP flags that reassembly needs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Flags {
    /// Opens a direction.
    pub syn: bool,
    /// Acknowledges: a SYN with it is the answer to one.
    pub ack: bool,
    /// Ends a direction.
    pub fin: bool,
    /// Ends a connection at once.
    pub rst: bool,
}

/// Why the end of a segment was not copied.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tail {
    /// Nothing is missing.
    #[default]
    Whole,
    /// The capture's snap length cut it, or the file ended there.
    Cut,
    /// The window rule did not want it.
    Unwanted,
}

/// A thread that took up or answered a head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Handling {
    /// The process id, in the agent's pid namespace.
    pub pid: u32,
    /// The thread id.
    pub tid: u32,
    /// The name of the process (`comm` of its first thread), at most 15 bytes, as the kernel has it.
    /// Empty when it is not known.
    pub name: String,
    /// What else is known of the process.
    pub process: Option<Arc<Process>>,
    /// The id of the cgroup of the thread, on cgroup v2.
    pub cgroup: u64,
    /// Who knew it.
    pub known_by: KnownBy,
}

/// Which source of the context plane knew who handled a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KnownBy {
    /// The tracepoints of socket calls: exact for this message.
    Tracepoint,
    /// Trampolines at the kernel's socket functions: exact for this message.
    Trampoline,
    /// inet_diag and /proc: the owner of the socket, found from user space.
    SocketTable,
}

/// The two ends of a unix socket.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnixEnds {
    /// What the server's end is bound to: a path, or an abstract name after `@`. `None`: it has no name
    /// (socketpair), or it was not told.
    pub path: Option<String>,
    /// The process at the other end: the one that connected, or that listened.
    pub peer: Option<u32>,
}

/// What an item says.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// Bytes, or a flag.
    Segment(Segment),
    /// The socket is established.
    Opened {
        /// Which end it is.
        role: Role,
        /// The socket's own address.
        local: SocketAddr,
        /// Its peer.
        remote: SocketAddr,
    },
    /// The socket is of the unix family; comes before its first segment. The addresses of its segments
    /// say nothing.
    Unix(Arc<UnixEnds>),
    /// The socket is closed.
    Closed,
    /// A thread read from the socket (`Reverse`) or wrote to it (`Forward`). While it stays the same one,
    /// [`Segment::moved`] may stand for it.
    Handled(Direction, Handling),
}

/// One thing that a source saw.
#[derive(Clone, Debug)]
pub struct Item {
    /// Which connection it belongs to.
    pub connection: ConnectionKey,
    /// When it was seen.
    pub time: Timestamp,
    /// What was seen.
    pub kind: ItemKind,
}

/// How much a batch takes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// It is full with so many items,
    pub items: usize,
    /// and with so many payload bytes; the last packet may go beyond it.
    pub bytes: usize,
}

impl Size {
    /// For batches that go from thread to thread. Few: to wake the thread that is next may take a
    /// millisecond on a virtual machine, and of 4,096 items much more comes.
    pub const LARGE: Self = Self {
        items: 4096,
        bytes: 1024 * 1024,
    };
    /// For one thread that does everything: what it makes of a batch lies in the cache of the processor
    /// still when it is judged.
    pub const SMALL: Self = Self {
        items: 1024,
        bytes: 256 * 1024,
    };
}

impl Default for Size {
    fn default() -> Self {
        Self::LARGE
    }
}

/// Items in the order in which the source saw them, with their bytes.
#[derive(Default)]
pub struct Batch {
    size: Size,
    items: Vec<Item>,
    /// All that was ever stored, as far as nothing else was stored there since.
    arena: Wiped,
    /// How much of the arena is of this batch.
    stored: usize,
    /// How much of it may still be of those before.
    used: usize,
    clock: Timestamp,
    step: Step,
}

impl Batch {
    /// An empty batch that takes much.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch that takes so much.
    pub fn of(size: Size) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Puts bytes into the arena and says where they lie, for [`Segment::payload`].
    #[inline]
    pub fn store(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.stored;
        self.stored += bytes.len();
        match self.arena.get_mut(start..self.stored) {
            Some(room) => room.copy_from_slice(bytes),
            None => {
                self.arena.truncate(start);
                self.arena.extend_from_slice(bytes);
            }
        }
        start..self.stored
    }

    /// Adds an item and moves the batch's clock to its time, if that is later.
    #[inline]
    pub fn push(&mut self, item: Item) {
        self.clock = self.clock.max(item.time);
        self.items.push(item);
    }

    /// Moves the clock without an item: how a quiet host makes time pass.
    pub fn advance(&mut self, clock: Timestamp) {
        self.clock = self.clock.max(clock);
    }

    /// The latest time that the source has seen.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Says how far the time of day is from the clock of the batch by now.
    pub fn set_step(&mut self, step: Step) {
        self.step = step;
    }

    /// How far the time of day was set since the source began. Nowhere, for captures.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The items, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The captured bytes of a segment of this batch. Empty when the range is not of this batch.
    pub fn bytes(&self, payload: &Range<usize>) -> &[u8] {
        let stored = self.arena.get(..self.stored).unwrap_or_default();
        stored.get(payload.clone()).unwrap_or_default()
    }

    /// The captured bytes of an item of this batch; empty where it carries none.
    pub fn bytes_of(&self, item: &Item) -> &[u8] {
        match &item.kind {
            ItemKind::Segment(segment) => self.bytes(&segment.payload),
            _ => &[],
        }
    }

    /// How many bytes the arena holds.
    pub fn stored(&self) -> usize {
        self.stored
    }

    /// Whether it holds as much as it takes. Whoever fills it is to look.
    pub fn is_full(&self) -> bool {
        self.items.len() >= self.size.items || self.stored >= self.size.bytes
    }

    /// Whether there is no item in it.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets the items. Their bytes are overwritten by those of the next batch, and what it leaves of
    /// them is wiped by the `clear` after it. The clock, the step and the memory stay.
    pub fn clear(&mut self) {
        self.items.clear();
        if let Some(rest) = self.arena.get_mut(self.stored..self.used.max(self.stored)) {
            rest.fill(0);
        }
        self.used = self.stored;
        self.stored = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_another_batch_gives_no_bytes() {
        let mut batch = Batch::new();
        let range = batch.store(b"abc");
        assert_eq!(batch.bytes(&range), b"abc");
        batch.clear();
        assert_eq!(batch.bytes(&range), b"");
    }

    #[test]
    fn bytes_are_gone_when_the_next_batch_is() {
        let mut batch = Batch::new();
        batch.store(b"a secret");
        batch.clear();
        batch.store(b"ab");
        batch.clear();
        assert!(!batch.arena.windows(2).any(|two| two == b"se"));
        assert_eq!(batch.store(b"a much longer one"), 0..17);
        assert_eq!(batch.bytes(&(0..17)), b"a much longer one");
    }
}
