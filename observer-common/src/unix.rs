//! Where the kernel keeps what is said over a unix socket, and what is counted where nobody can read it.
//! Places differ between kernels: the agent looks them up in the kernel's description of its types, and
//! tells the programs before they are loaded.

use crate::record::UNIX_NAME;

/// Offsets in bytes, and numbers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Layout {
    /// `socket.sk`.
    pub socket_sk: u32,
    /// `msghdr.msg_iter`.
    pub message_iter: u32,
    /// The kind of an `iov_iter`, a byte.
    pub iter_kind: u32,
    /// `iov_iter.iov_offset`.
    pub iter_offset: u32,
    /// The pointer to the vectors in `iov_iter`.
    pub iter_vectors: u32,
    /// What counts of the kind: before Linux 5.14 it says the direction too.
    pub kind_mask: u32,
    /// The kind of an iterator over vectors of user memory.
    pub kind_vectors: u32,
    /// The kind of an iterator over one piece of user memory; [`NONE`] before Linux 6.0.
    pub kind_piece: u32,
    /// `unix_sock.addr`.
    pub unix_address: u32,
    /// `unix_sock.peer`.
    pub unix_peer: u32,
    /// `unix_address.len`.
    pub address_len: u32,
    /// `unix_address.name`, and `sun_path` in it.
    pub address_path: u32,
    /// `sock.sk_peer_pid`.
    pub sock_peer_pid: u32,
    /// `pid.numbers[0].nr`.
    pub pid_number: u32,
    /// `sock.__sk_common.skc_family`. 0: none of all this is known.
    pub sock_family: u32,
    /// `sock.sk_type`.
    pub sock_type: u32,
}

/// A kind that this kernel does not have.
pub const NONE: u32 = u32::MAX;

/// The sequence number at which a connection begins, from where the kernel keeps its client's end. (A
/// cookie would do as well, but the server may read before the client has one.) Both ends have the same,
/// which is how two ends of an exchange are known to be one; it leaves neither the agent nor says where.
#[inline(always)]
pub const fn beginning(pair: u64) -> u32 {
    ((pair >> 6) as u32).wrapping_mul(0x9e37_79b1)
}

/// Who says something to whom over unix sockets, where nobody can see what: the key of a map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Pair {
    /// Where the kernel keeps the name of the server's socket. It leaves the agent nowhere.
    pub place: u64,
    /// The process that writes, in the agent's pid namespace; 0 when it has no number there.
    pub pid: u32,
    /// The process that made the other end, in the first pid namespace; 0 when it is not known.
    pub peer: u32,
}

/// What a [`Pair`] said.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unseen {
    /// How many bytes.
    pub bytes: u64,
    /// In how many calls.
    pub calls: u64,
    /// The name of the thread that wrote first, ended by a zero.
    pub comm: [u8; 16],
    /// How many bytes of `path` count.
    pub path_len: u64,
    /// The name of the server's socket, as in a [`crate::record::Unix`].
    pub path: [u8; UNIX_NAME],
}

/// How many bytes [`Unseen`] takes.
pub const UNSEEN_SIZE: usize = size_of::<Unseen>();

/// How many pairs are told apart at a time. What others say is in the sum alone.
pub const PAIRS: u32 = 4096;

const _: () = {
    assert!(size_of::<Pair>() == 16);
    assert!(UNSEEN_SIZE == 16 + 16 + 8 + UNIX_NAME);
};
