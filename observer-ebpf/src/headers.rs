//! Takes the headers of a packet apart.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_skb_load_bytes};

/// A TCP segment, as its headers have it.
pub(crate) struct Tcp {
    /// Where its data starts in the packet.
    pub(crate) offset: u32,
    /// How many bytes of data it carries.
    pub(crate) len: u32,
    /// The sequence number of the first byte of data.
    pub(crate) seq: u32,
    /// TCP's flags.
    pub(crate) flags: u8,
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 1 << 1;
pub(crate) const RST: u8 = 1 << 2;

const TCP: u8 = 6;
/// How many extension headers of IPv6 are passed over.
const EXTENSIONS: u32 = 4;

/// Takes apart what the socket's layer has already accepted, or is about to send, as TCP. The length
/// of the data comes from the packet's own length: the one in the IP header is 0 for the largest.
#[inline(always)]
pub(crate) fn parse(skb: *mut __sk_buff) -> Option<Tcp> {
    let packed = observer_headers(skb);
    if packed == 0 {
        return None;
    }
    let flags = (packed >> 16) as u8;
    let mut seq = (packed >> 32) as u32;
    if flags & SYN != 0 {
        // The SYN takes a number of its own; with Fast Open data comes after it.
        seq = seq.wrapping_add(1);
    }
    let offset = packed as u32 & 0xffff;
    // SAFETY: a field of the context.
    let total = unsafe { (&raw const (*skb).len).read_volatile() };
    Some(Tcp {
        offset,
        len: total.checked_sub(offset)?,
        seq,
        flags,
    })
}

/// The sequence number, TCP's flags and the offset of the data, in 32, 16 and 16 bits; 0 when this is
/// not TCP. A function of its own, because the verifier looks at it by itself: the ways through the
/// headers must not multiply with those through the window rule.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn observer_headers(skb: *mut __sk_buff) -> u64 {
    match usual(skb).or_else(|| find(skb).and_then(|header| pack(skb, header))) {
        Some(packed) => packed,
        None => 0,
    }
}

/// IPv4 without options: both headers with one call.
#[inline(always)]
fn usual(skb: *mut __sk_buff) -> Option<u64> {
    const IPV4_OF_20_BYTES: u8 = 0x45;
    let start: [u8; 34] = load(skb, 0)?;
    if start[0] != IPV4_OF_20_BYTES || start[9] != TCP {
        return None;
    }
    Some(packed(start.last_chunk()?, 20))
}

/// Where the TCP header starts, and whether the packet is IPv6.
#[inline(always)]
pub(crate) fn find(skb: *mut __sk_buff) -> Option<Header> {
    let start: [u8; 10] = load(skb, 0)?;
    if start[0] >> 4 == 4 {
        let offset = u32::from(start[0] & 15) * 4;
        return (start[9] == TCP).then_some(Header { offset, v6: false });
    }
    let offset = pass_extensions(skb, start[6])?;
    Some(Header { offset, v6: true })
}

/// Where the TCP header is.
pub(crate) struct Header {
    pub(crate) offset: u32,
    pub(crate) v6: bool,
}

#[inline(always)]
fn pack(skb: *mut __sk_buff, header: Header) -> Option<u64> {
    Some(packed(&load(skb, header.offset)?, header.offset))
}

/// The start of a TCP header that lies at `offset`, packed.
#[inline(always)]
fn packed(tcp: &[u8; 14], offset: u32) -> u64 {
    let data = offset + u32::from(tcp[12] >> 4) * 4;
    let seq = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
    u64::from(seq) << 32 | u64::from(tcp[13]) << 16 | u64::from(data)
}

/// Where the TCP header of an IPv6 packet starts (RFC 8200 section 4).
#[inline(always)]
fn pass_extensions(skb: *mut __sk_buff, first: u8) -> Option<u32> {
    let (mut next, mut offset) = (first, 40u32);
    for _ in 0..EXTENSIONS {
        if next == TCP {
            return Some(offset);
        }
        let start: [u8; 2] = load(skb, offset)?;
        let len = match next {
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => (u32::from(start[1]) + 1) * 8,
            // Fragment.
            44 => 8,
            // Authentication.
            51 => (u32::from(start[1]) + 2) * 4,
            _ => return None,
        };
        next = start[0];
        offset += len;
    }
    if next == TCP { Some(offset) } else { None }
}

/// Loads bytes of the packet, wherever they lie.
#[inline(always)]
pub(crate) fn load<const N: usize>(skb: *mut __sk_buff, offset: u32) -> Option<[u8; N]> {
    let mut bytes = MaybeUninit::<[u8; N]>::uninit();
    // SAFETY: the destination is `N` bytes long.
    let result =
        unsafe { bpf_skb_load_bytes(skb.cast(), offset, bytes.as_mut_ptr().cast(), N as u32) };
    if result != 0 {
        return None;
    }
    // SAFETY: the helper wrote all of it.
    Some(unsafe { bytes.assume_init() })
}
