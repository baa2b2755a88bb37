//! What the kernel keeps of a connection, in the storage of its socket: it goes when the socket goes,
//! and nothing evicts it before.

use crate::window::Side;

/// The state of one end of a connection. Each word is written on one way alone: by the ingress program,
/// the egress program, or threads that call the socket. The kernel may run one program for a socket on
/// two processors at once, though hardly ever; then a window may open late, and what it lacks is a hole
/// that the agent sees.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Connection {
    /// The direction into the socket. Written on ingress.
    pub ingress: Side,
    /// The direction out of the socket. Written on egress.
    pub egress: Side,
    /// How many segments were handed over on ingress.
    pub ingress_shipped: u32,
    /// How many segments were handed over on egress.
    pub egress_shipped: u32,
    /// `ingress_shipped` when a thread last read from the socket.
    pub taken_up: u32,
    /// `egress_shipped` when a thread last wrote to the socket.
    pub answered: u32,
    /// Which end this is: a [`Role`]. Written once, when the connection is established.
    pub role: u8,
    /// Not 0: one of observer's own. Written by the agent, and inherited from a listening socket.
    pub own: u8,
    /// How many calls moved bytes while no packet with data was seen; stops at 255.
    pub unseen_calls: u8,
    /// Nothing yet.
    pub reserved: u8,
    /// What the operator's filter said of it. Written on ingress.
    pub ingress_wanted: Wanted,
    /// Likewise. Written on egress.
    pub egress_wanted: Wanted,
    /// How many bytes those calls moved that are not counted yet.
    pub unseen_bytes: u32,
    /// Of a unix socket, where the kernel keeps its client's end: both ends know that.
    pub pair: u64,
}

/// What a filter said: the number of the filter, twice, and one more when it leaves the connection
/// out.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Wanted(u32);

impl Wanted {
    /// What the filter of this number said.
    #[inline(always)]
    pub const fn by(generation: u32, left_out: bool) -> Self {
        Self(generation << 1 | left_out as u32)
    }

    /// Whether the filter of this number said it.
    #[inline(always)]
    pub const fn is_of(self, generation: u32) -> bool {
        self.0 >> 1 == generation & (u32::MAX >> 1)
    }

    /// Whether the connection is left out.
    #[inline(always)]
    pub const fn is_left_out(self) -> bool {
        self.0 & 1 != 0
    }
}

/// Which end of its connection a socket is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Role {
    /// The connection was open before the programs were attached.
    #[default]
    Unknown = 0,
    /// It called connect.
    Client = 1,
    /// It was accepted.
    Server = 2,
}

/// How many bytes [`Connection`] takes.
pub const CONNECTION_SIZE: usize = size_of::<Connection>();
/// Where [`Connection::own`] lies.
pub const OWN_OFFSET: usize = core::mem::offset_of!(Connection, own);

const _: () = {
    assert!(size_of::<Side>() == 80);
    assert!(CONNECTION_SIZE == 2 * 80 + 4 * 4 + 24);
    assert!(OWN_OFFSET == 2 * 80 + 4 * 4 + 1);
    assert!(align_of::<Connection>() == 8);
};
