//! Where this kernel keeps what is said over unix sockets.

use observer_common::unix::{Layout, NONE};

use super::btf::Types;

/// The types that are looked up.
pub(super) const TYPES: [&str; 10] = [
    "iov_iter",
    "iter_type",
    "msghdr",
    "pid",
    "sock",
    "sockaddr_un",
    "socket",
    "unix_address",
    "unix_sock",
    "upid",
];

/// Looks it up. The error names what the kernel's description of its types lacks.
pub(super) fn layout(types: &Types) -> Result<Layout, String> {
    let offset = |structure: &str, member: &str| {
        types
            .offset(structure, member)
            .ok_or_else(|| format!("this kernel describes no {structure}.{member}"))
    };
    let value = |name: &str| types.value("iter_type", name);
    // Linux 5.14 gave the kind a byte of its own; before, its lowest bit was the direction.
    let (iter_kind, kind_mask) = match types.offset("iov_iter", "iter_type") {
        Some(place) => (place, 0xff),
        None => (offset("iov_iter", "type")?, 0xfe),
    };
    // Linux 6.4 renamed it.
    let iter_vectors = offset("iov_iter", "__iov").or_else(|_| offset("iov_iter", "iov"))?;
    // Linux 6.0 brought it, at the same place.
    let piece = types
        .offset("iov_iter", "ubuf")
        .filter(|place| *place == iter_vectors)
        .and_then(|_| value("ITER_UBUF"));
    Ok(Layout {
        socket_sk: offset("socket", "sk")?,
        message_iter: offset("msghdr", "msg_iter")?,
        iter_kind,
        iter_offset: offset("iov_iter", "iov_offset")?,
        iter_vectors,
        kind_mask,
        kind_vectors: value("ITER_IOVEC").ok_or("this kernel describes no ITER_IOVEC")?,
        kind_piece: piece.unwrap_or(NONE),
        unix_address: offset("unix_sock", "addr")?,
        unix_peer: offset("unix_sock", "peer")?,
        address_len: offset("unix_address", "len")?,
        address_path: offset("unix_address", "name")? + offset("sockaddr_un", "sun_path")?,
        sock_peer_pid: offset("sock", "sk_peer_pid")?,
        pid_number: offset("pid", "numbers")? + offset("upid", "nr")?,
        sock_family: offset("sock", "__sk_common.skc_family")?,
        sock_type: offset("sock", "sk_type")?,
    })
}

#[cfg(test)]
mod tests;
