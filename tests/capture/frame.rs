//! A segment as the bytes of a frame. Written by hand, not with the library that observer reads
//! frames with: a mistake there must not hide itself.

use std::net::IpAddr;

use super::conversation::{End, Packet, SYN};

/// How frames are framed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// Ethernet.
    Ethernet,
    /// Ethernet with one 802.1Q tag.
    Vlan(u16),
    /// Ethernet with an 802.1ad tag (first) around an 802.1Q one.
    QinQ(u16, u16),
    /// `tcpdump -i any`, older.
    Cooked,
    /// `tcpdump -i any`, newer, seen on the interface of this number.
    Cooked2(u32),
    /// No link layer.
    RawIp,
    /// BSD loopback.
    Loopback,
}

impl Framing {
    /// Its number in a capture file.
    pub fn link_type(self) -> u16 {
        match self {
            Self::Loopback => 0,
            Self::Ethernet | Self::Vlan(_) | Self::QinQ(..) => 1,
            Self::RawIp => 101,
            Self::Cooked => 113,
            Self::Cooked2(_) => 276,
        }
    }
}

pub(super) fn frame(packet: &Packet, framing: Framing) -> Vec<u8> {
    let (ethertype, family) = match packet.source {
        std::net::SocketAddr::V4(_) => ([0x08, 0x00], 2_u8),
        std::net::SocketAddr::V6(_) => ([0x86, 0xdd], 30),
    };
    let addresses: &[u8] = match packet.from {
        End::Client => &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1],
        End::Server => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2],
    };
    let header = match framing {
        Framing::RawIp => Vec::new(),
        Framing::Loopback => vec![family, 0, 0, 0],
        Framing::Ethernet => [addresses, &ethertype].concat(),
        Framing::Vlan(id) => [addresses, &[0x81, 0x00], &id.to_be_bytes(), &ethertype].concat(),
        Framing::QinQ(outer, inner) => [
            addresses,
            &[0x88, 0xa8],
            &outer.to_be_bytes(),
            &[0x81, 0x00],
            &inner.to_be_bytes(),
            &ethertype,
        ]
        .concat(),
        Framing::Cooked => [&[0, 0, 3, 4, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0][..], &ethertype].concat(),
        Framing::Cooked2(interface) => [
            &ethertype[..],
            &[0, 0],
            &interface.to_be_bytes(),
            &[3, 4, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0],
        ]
        .concat(),
    };
    let mut frame = [header, ip(packet)].concat();
    if matches!(
        framing,
        Framing::Ethernet | Framing::Vlan(_) | Framing::QinQ(..)
    ) {
        // The shortest frame, as cards pad it; without the frame check sequence.
        frame.resize(frame.len().max(60), 0);
    }
    frame
}

fn ip(packet: &Packet) -> Vec<u8> {
    let tcp = tcp(packet);
    match (packet.source.ip(), packet.target.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + tcp.len() as u16).to_be_bytes());
            // Do not fragment; 64 hops; TCP; no checksum yet.
            header.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
            header.extend(source.octets());
            header.extend(target.octets());
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum);
            [header, tcp].concat()
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend((tcp.len() as u16).to_be_bytes());
            header.extend([6, 64]);
            header.extend(source.octets());
            header.extend(target.octets());
            [header, tcp].concat()
        }
        _ => panic!("both ends of a connection speak the same IP version"),
    }
}

fn tcp(packet: &Packet) -> Vec<u8> {
    // A SYN offers a segment size; all others carry the padding that timestamps usually have.
    let options: &[u8] = if packet.flags & SYN == 0 {
        &[1; 12]
    } else {
        &[2, 4, 5, 0xb4]
    };
    let mut segment = Vec::new();
    segment.extend(packet.source.port().to_be_bytes());
    segment.extend(packet.target.port().to_be_bytes());
    segment.extend(packet.seq.to_be_bytes());
    segment.extend(packet.ack.to_be_bytes());
    segment.push((5 + options.len() as u8 / 4) << 4);
    segment.push(packet.flags);
    segment.extend([0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(&packet.payload);
    let mut summed = match (packet.source.ip(), packet.target.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => [source.octets(), target.octets()].concat(),
        (IpAddr::V6(source), IpAddr::V6(target)) => [source.octets(), target.octets()].concat(),
        _ => Vec::new(),
    };
    summed.extend([0, 6]);
    summed.extend((segment.len() as u16).to_be_bytes());
    summed.extend(&segment);
    let sum = checksum(&summed);
    segment[16..18].copy_from_slice(&sum);
    segment
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
