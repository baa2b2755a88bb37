//! What goes through the ring buffer.
//!
//! A record is a [`Header`], what its kind adds, and for a segment its copied bytes. There is no
//! implicit padding: every byte is written. Numbers are in the byte order of the machine, addresses
//! in that of the network, IPv4 as `::ffff:a.b.c.d`.

#[cfg(any(test, feature = "user"))]
mod user;

#[cfg(any(test, feature = "user"))]
pub use user::{Record, decode};

/// What every record starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// The socket's cookie; 0 where there is no socket.
    pub cookie: u64,
    /// When it was seen: nanoseconds of CLOCK_MONOTONIC.
    pub time: u64,
    /// How many copied bytes follow the record.
    pub payload: u32,
    /// A [`Kind`].
    pub kind: u8,
    /// [`INGRESS`] or [`EGRESS`].
    pub direction: u8,
    /// A [`crate::connection::Role`].
    pub role: u8,
    /// [`FIRST`], [`LISTENER`], [`UNIX`].
    pub flags: u8,
}

/// Into the socket.
pub const INGRESS: u8 = 0;
/// Out of the socket.
pub const EGRESS: u8 = 1;

/// The first segment that is handed over of this socket.
pub const FIRST: u8 = 1;
/// The cookie is that of the listening socket, the addresses are those of the packet.
pub const LISTENER: u8 = 1 << 1;

/// The socket is of the unix family: its sequence numbers are counts of bytes, and it has no addresses.
pub const UNIX: u8 = 1 << 2;

/// What a record is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// A [`Segment`].
    Segment = 1,
    /// A [`Handled`].
    Handled = 2,
    /// The socket is closed: a [`Header`] alone.
    Closed = 3,
    /// An [`Executed`].
    Executed = 4,
    /// A [`Unix`].
    Unix = 5,
}

/// A TCP segment, or the part of it that was wanted.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Segment {
    /// What every record starts with.
    pub header: Header,
    /// Bytes of this direction left out by rule before the first copied byte.
    pub skipped: u64,
    /// Bytes of this direction wanted and lost before this segment.
    pub lost: u64,
    /// When a thread moved what came before on the other way: nanoseconds of CLOCK_MONOTONIC, if it is
    /// the thread of the latest [`Handled`] of that way, and moved all of it. Else 0.
    pub moved: u64,
    /// With [`FIRST`], the cgroup of the socket's creator (socket activation: of pid 1); else 0.
    pub cgroup: u64,
    /// The socket's own address.
    pub local: [u8; 16],
    /// Its peer's.
    pub remote: [u8; 16],
    /// The sequence number of the first copied byte.
    pub seq: u32,
    /// How long the segment is from `seq` on.
    pub wire_len: u32,
    /// The socket's own port.
    pub local_port: u16,
    /// Its peer's.
    pub remote_port: u16,
    /// TCP's flags, as in the packet.
    pub tcp_flags: u8,
    /// What was recognised: a [`crate::window::Mark`], or 0.
    pub mark: u8,
    /// Nothing yet.
    pub reserved: u16,
    /// For HTTP/2: where the next frame starts, how much of a block was copied.
    pub http2: [u64; 2],
}

/// A thread read from a socket of which a segment was handed over, or wrote to one. Not told again while
/// it is the same thread, but for once in a second or so: see [`Segment::moved`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Handled {
    /// What every record starts with.
    pub header: Header,
    /// The thread's cgroup.
    pub cgroup: u64,
    /// The process, in the agent's pid namespace; 0 when it has no number there.
    pub pid: u32,
    /// The thread, likewise.
    pub tid: u32,
    /// The thread's name, ended by a zero.
    pub comm: [u8; 16],
    /// How many bytes the call moved.
    pub bytes: u32,
    /// Nothing yet.
    pub reserved: u32,
}

/// A process started a program.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Executed {
    /// What every record starts with.
    pub header: Header,
    /// The process, in the agent's pid namespace; 0 when it has no number there.
    pub pid: u32,
    /// Nothing yet.
    pub reserved: u32,
    /// The thread's name, ended by a zero.
    pub comm: [u8; 16],
}

/// The two ends of a connection over a unix socket, before its first segment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unix {
    /// What every record starts with.
    pub header: Header,
    /// The process that made the other end, in the first pid namespace; 0 when it is not known.
    pub peer: u32,
    /// How many bytes of `local` count; 0: the socket has no name.
    pub local_len: u16,
    /// How many bytes of `remote` count.
    pub remote_len: u16,
    /// The name of this end, a path or, after a zero, an abstract name.
    pub local: [u8; UNIX_NAME],
    /// The name of the other end.
    pub remote: [u8; UNIX_NAME],
}

/// The longest name of a unix socket: `UNIX_PATH_MAX`, in units of eight bytes.
pub const UNIX_NAME: usize = 112;

/// How many copied bytes the records of each size class hold. Powers of two, because that is how the
/// verifier is shown that a length fits.
pub const CLASSES: [usize; 7] = [256, 512, 1024, 2048, 4096, 16 * 1024, MAX_PAYLOAD];
/// How many copied bytes a record holds at most.
pub const MAX_PAYLOAD: usize = 64 * 1024;

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<Header>() == 24);
    assert!(offset_of!(Header, payload) == 16);
    assert!(offset_of!(Header, flags) == 23);
    assert!(size_of::<Segment>() == 120);
    assert!(offset_of!(Segment, skipped) == 24);
    assert!(offset_of!(Segment, moved) == 40);
    assert!(offset_of!(Segment, local) == 56);
    assert!(offset_of!(Segment, seq) == 88);
    assert!(offset_of!(Segment, tcp_flags) == 100);
    assert!(offset_of!(Segment, http2) == 104);
    assert!(size_of::<Handled>() == 64);
    assert!(offset_of!(Handled, comm) == 40);
    assert!(offset_of!(Handled, bytes) == 56);
    assert!(size_of::<Executed>() == 48);
    assert!(offset_of!(Executed, comm) == 32);
    assert!(size_of::<Unix>() == 32 + 2 * UNIX_NAME);
    assert!(size_of::<Unix>().is_multiple_of(8));
    // Reserved in the ring in units of eight bytes.
    assert!(size_of::<Segment>().is_multiple_of(8));
    assert!(align_of::<Segment>() == 8 && align_of::<Handled>() == 8);
};
