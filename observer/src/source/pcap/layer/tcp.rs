//! The TCP segment in a packet.

use std::net::SocketAddr;

use etherparse::{TcpHeaderSlice, err};

use super::super::as_live::{Offered, Wanted};
use super::{Carried, Packet, Place, Skip};
use crate::packet::{Batch, ConnectionKey, Direction, Flags, Segment, Tail};

/// A TCP segment where it lies in the packet.
pub(in crate::source::pcap) struct Tcp<'a> {
    pub(in crate::source::pcap) source: SocketAddr,
    pub(in crate::source::pcap) target: SocketAddr,
    seq: u32,
    ack: u32,
    flags: Flags,
    payload: &'a [u8],
    wire_len: u32,
    pub(in crate::source::pcap) place: Place,
}

/// What nearly all packets are, taken apart at once: Ethernet, a whole packet of IPv4 without options, and
/// TCP. `None`: anything else, or something is wrong with it.
#[inline]
pub(super) fn plain<'a>(packet: &Packet<'a>) -> Option<Tcp<'a>> {
    const ETHERNET: usize = 14;
    const BEFORE_TCP: usize = ETHERNET + 20;
    let header: &[u8; BEFORE_TCP + 20] = packet.bytes.first_chunk()?;
    let two = |at: usize| -> Option<u16> {
        let bytes = header.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    };
    let four = |at: usize| -> Option<[u8; 4]> { header.get(at..)?.first_chunk().copied() };
    // The EtherType, the version with the length of the header, fragments, the protocol.
    let is_plain = two(12)? == 0x0800
        && header.get(ETHERNET)? == &0x45
        && two(20)? & 0x3fff == 0
        && header.get(23)? == &6;
    let segment = packet
        .bytes
        .get(BEFORE_TCP..ETHERNET + usize::from(two(16)?))
        .filter(|_| is_plain)?;
    let header_len = usize::from(header.get(BEFORE_TCP + 12)? >> 4) * 4;
    let payload = segment.get(header_len..).filter(|_| header_len >= 20)?;
    let flags = header.get(BEFORE_TCP + 13)?;
    let address = |ip: usize, port: usize| -> Option<SocketAddr> {
        Some(SocketAddr::from((four(ip)?, two(port)?)))
    };
    Some(Tcp {
        source: address(26, BEFORE_TCP)?,
        target: address(30, BEFORE_TCP + 2)?,
        seq: u32::from_be_bytes(four(BEFORE_TCP + 4)?),
        ack: u32::from_be_bytes(four(BEFORE_TCP + 8)?),
        flags: Flags {
            syn: flags & 0x02 != 0,
            ack: flags & 0x10 != 0,
            fin: flags & 0x01 != 0,
            rst: flags & 0x04 != 0,
        },
        payload,
        wire_len: u32::try_from(payload.len()).ok()?,
        place: packet.place,
    })
}

/// Takes the header of a segment off.
#[inline]
pub(super) fn open<'a>(carried: &Carried, packet: &Packet<'a>) -> Result<Tcp<'a>, Skip> {
    let Packet {
        bytes,
        wire_len,
        place,
        ..
    } = *packet;
    let header = TcpHeaderSlice::from_slice(bytes).map_err(|error| match error {
        err::tcp::HeaderSliceError::Len(_) if bytes.len() < wire_len => Skip::HeadersCut,
        _ => Skip::Malformed,
    })?;
    let header_len = header.slice().len();
    Ok(Tcp {
        source: SocketAddr::new(carried.source, header.source_port()),
        target: SocketAddr::new(carried.target, header.destination_port()),
        seq: header.sequence_number(),
        ack: header.acknowledgment_number(),
        flags: Flags {
            syn: header.syn(),
            ack: header.ack(),
            fin: header.fin(),
            rst: header.rst(),
        },
        payload: bytes.get(header_len..).unwrap_or_default(),
        wire_len: u32::try_from(wire_len.saturating_sub(header_len)).unwrap_or(u32::MAX),
        place,
    })
}

impl Tcp<'_> {
    /// Whether it says nothing that reassembly could use.
    pub(in crate::source::pcap) fn is_bare(&self) -> bool {
        self.wire_len == 0 && !self.is_flagged()
    }

    pub(in crate::source::pcap) fn is_flagged(&self) -> bool {
        self.flags.syn || self.flags.fin || self.flags.rst
    }

    /// Whether it opens a connection.
    pub(in crate::source::pcap) fn opens(&self) -> bool {
        self.flags.syn && !self.flags.ack
    }

    /// The sequence number behind it.
    pub(in crate::source::pcap) fn end(&self) -> u32 {
        let flags = u32::from(self.flags.syn) + u32::from(self.flags.fin);
        self.seq.wrapping_add(self.wire_len).wrapping_add(flags)
    }

    /// The sequence number of the other direction up to which it has everything.
    pub(in crate::source::pcap) fn acknowledged(&self) -> Option<u32> {
        self.flags.ack.then_some(self.ack)
    }

    /// Which connection it belongs to, and which way it goes.
    #[inline]
    pub(in crate::source::pcap) fn connection(&self, link: u32) -> (Direction, ConnectionKey) {
        let (direction, low, high) = if self.source <= self.target {
            (Direction::Forward, self.source, self.target)
        } else {
            (Direction::Reverse, self.target, self.source)
        };
        (direction, ConnectionKey::Flow { low, high, link })
    }

    /// The sequence number of its first byte, if it has data: a SYN takes one of its own, before the
    /// data that it may carry (RFC 7413).
    fn first(&self) -> u32 {
        let behind_syn = self.flags.syn && self.wire_len > 0;
        self.seq.wrapping_add(u32::from(behind_syn))
    }

    pub(in crate::source::pcap) fn all(&self) -> Wanted {
        Wanted {
            offset: 0,
            len: self.wire_len,
            skipped: 0,
        }
    }

    pub(in crate::source::pcap) fn offered(&self, direction: Direction) -> Offered<'_> {
        Offered {
            direction,
            seq: self.first(),
            flags: self.flags,
            payload: self.payload,
            wire_len: self.wire_len,
        }
    }

    /// The wanted part of it, with its bytes in the batch.
    #[inline]
    pub(in crate::source::pcap) fn segment(
        &self,
        direction: Direction,
        wanted: &Wanted,
        batch: &mut Batch,
    ) -> Segment {
        let from = (wanted.offset as usize).min(self.payload.len());
        let to = from.saturating_add(wanted.len as usize);
        let wire_len = self.wire_len.saturating_sub(wanted.offset);
        let tail = if to > self.payload.len() {
            Tail::Cut
        } else if wanted.len < wire_len {
            Tail::Unwanted
        } else {
            Tail::Whole
        };
        let bytes = self.payload.get(from..to.min(self.payload.len()));
        Segment {
            direction,
            source: self.source,
            target: self.target,
            seq: self.first().wrapping_add(wanted.offset),
            flags: self.flags,
            payload: batch.store(bytes.unwrap_or_default()),
            wire_len,
            tail,
            skipped: wanted.skipped,
            lost: 0,
            moved: None,
            listener: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, Opened, walk};
    use super::*;
    use crate::source::pcap::link::LinkType;

    /// Ethernet, IPv4, TCP with an option, five bytes, and two of padding.
    const FRAME: [u8; 65] = *b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\
        \x45\0\0\x31\0\0\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
        \x9c\x40\x1f\x90\0\0\0\x07\0\0\0\0\x60\x18\xff\xff\0\0\0\0\x01\x01\x01\x01hello\0\0";

    fn told(tcp: &Tcp<'_>) -> String {
        let Tcp {
            source,
            target,
            seq,
            ack,
            flags,
            payload,
            wire_len,
            place,
        } = tcp;
        format!("{source} {target} {seq} {ack} {flags:?} {payload:?} {wire_len} {place:?}")
    }

    #[test]
    fn what_is_taken_apart_at_once_is_what_layers_give() {
        let mut taken = 0;
        for at in 0..FRAME.len() {
            for byte in 0..=255 {
                for cut in [0, 1, 3, 12] {
                    let mut frame = FRAME;
                    frame[at] = byte;
                    let bytes = &frame[..frame.len() - cut];
                    let mut packet = Packet::new(bytes, frame.len(), Place::default());
                    let Some(tcp) = plain(&packet) else {
                        continue;
                    };
                    let layers = walk(Layer::Link(LinkType::ETHERNET), &mut packet);
                    let Ok(Opened::Segment(by_layers)) = layers else {
                        panic!("byte {at} is {byte}: the layers give no segment");
                    };
                    assert_eq!(told(&tcp), told(&by_layers), "byte {at} is {byte}");
                    taken += 1;
                }
            }
        }
        assert!(taken > FRAME.len() * 256, "{taken}");
    }
}
