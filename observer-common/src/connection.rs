//! What the kernel keeps of a connection, in the storage of its socket: it goes when the socket goes,
//! and nothing evicts it before.

use crate::window::Side;

/// The state of one end of a connection. Every word has one writer: the ingress program, the egress
/// program, or the thread that holds the socket.
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
    /// Nothing yet.
    pub reserved: [u8; 6],
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
    assert!(CONNECTION_SIZE == 2 * 80 + 4 * 4 + 8);
    assert!(OWN_OFFSET == 2 * 80 + 4 * 4 + 1);
    assert!(align_of::<Connection>() == 8);
};
