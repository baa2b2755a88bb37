//! The addresses of a connection's two ends.

use aya_ebpf::bindings::{__sk_buff, bpf_sock};

use crate::headers;

/// The two ends of a connection, as a record has them.
#[derive(Default)]
pub(crate) struct Addresses {
    pub(crate) local: [u8; 16],
    pub(crate) remote: [u8; 16],
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
}

const AF_INET6: u32 = 10;

/// The addresses as the application knows them, before any NAT of this host.
///
/// All fields are read whatever the family: of two branches that end in a read the compiler makes one
/// read at a place that varies, which the kernel refuses.
#[inline(always)]
pub(crate) fn socket_addresses(socket: *mut bpf_sock) -> Addresses {
    // SAFETY: fields of a full socket that the verifier knows. Volatile, each by itself: the kernel
    // rewrites every access, and takes no wider ones.
    unsafe {
        let (local, remote) = (&raw const (*socket).src_ip6, &raw const (*socket).dst_ip6);
        let local_v6 = [
            (&raw const (*local)[0]).read_volatile(),
            (&raw const (*local)[1]).read_volatile(),
            (&raw const (*local)[2]).read_volatile(),
            (&raw const (*local)[3]).read_volatile(),
        ];
        let remote_v6 = [
            (&raw const (*remote)[0]).read_volatile(),
            (&raw const (*remote)[1]).read_volatile(),
            (&raw const (*remote)[2]).read_volatile(),
            (&raw const (*remote)[3]).read_volatile(),
        ];
        let local_v4 = (&raw const (*socket).src_ip4).read_volatile();
        let remote_v4 = (&raw const (*socket).dst_ip4).read_volatile();
        // The socket's own port is in the machine's byte order, its peer's in the network's.
        let local_port = (&raw const (*socket).src_port).read_volatile() as u16;
        let remote_port = u16::from_be((&raw const (*socket).dst_port).read_volatile());
        let (local, remote) = if (&raw const (*socket).family).read_volatile() == AF_INET6 {
            (v6(local_v6), v6(remote_v6))
        } else {
            (mapped(local_v4), mapped(remote_v4))
        };
        Addresses {
            local,
            remote,
            local_port,
            remote_port,
        }
    }
}

/// The addresses of an incoming packet: a listening socket has no peer.
#[inline(always)]
pub(crate) fn packet_addresses(skb: *mut __sk_buff) -> Addresses {
    let Some(header) = headers::find(skb) else {
        return Addresses::default();
    };
    let (remote, local) = if header.v6 {
        (
            headers::load(skb, 8).unwrap_or_default(),
            headers::load(skb, 24).unwrap_or_default(),
        )
    } else {
        (
            mapped(u32::from_ne_bytes(
                headers::load(skb, 12).unwrap_or_default(),
            )),
            mapped(u32::from_ne_bytes(
                headers::load(skb, 16).unwrap_or_default(),
            )),
        )
    };
    let ports: [u8; 4] = headers::load(skb, header.offset).unwrap_or_default();
    Addresses {
        local,
        remote,
        local_port: u16::from_be_bytes([ports[2], ports[3]]),
        remote_port: u16::from_be_bytes([ports[0], ports[1]]),
    }
}

/// `::ffff:a.b.c.d`. The argument is in the byte order of the network.
#[inline(always)]
fn mapped(address: u32) -> [u8; 16] {
    v6([0, 0, 0xffffu32.to_be(), address])
}

#[inline(always)]
fn v6(words: [u32; 4]) -> [u8; 16] {
    // SAFETY: sixteen bytes either way.
    unsafe { core::mem::transmute(words) }
}
