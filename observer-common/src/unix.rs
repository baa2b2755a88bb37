//! Where the kernel keeps what is said over a unix socket. It differs between kernels: the agent looks it
//! up in the kernel's description of its types, and tells the programs before they are loaded.

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
