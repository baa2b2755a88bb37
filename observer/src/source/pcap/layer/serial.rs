//! Serial lines: PPP, Cisco HDLC and frame relay.

use super::{Layer, Packet, Skip};

/// PPP (RFC 1661), with or without the address and control bytes of RFC 1662.
pub(super) fn ppp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    if packet.bytes.starts_with(&[0xff, 0x03]) {
        packet.strip(2)?;
    }
    // A compressed protocol has one byte, which is odd.
    let protocol = match packet.byte_at(0)? {
        odd if odd & 1 == 1 => {
            packet.strip(1)?;
            u16::from(odd)
        }
        _ => u16::from_be_bytes(packet.header()?),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Layer::Ip),
        0x0281 | 0x0283 => Ok(Layer::Mpls),
        _ => Err(Skip::NotIp),
    }
}

/// What a link type calls PPP may be Cisco HDLC, told by its first byte.
pub(in crate::source::pcap) fn hdlc_or_ppp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    match packet.byte_at(0)? {
        0x0f | 0x8f => {
            let [_, _, next @ ..]: [u8; 4] = packet.header()?;
            Ok(Layer::Announced(u16::from_be_bytes(next)))
        }
        _ => Ok(Layer::Ppp),
    }
}

/// Frame relay (RFC 2427), or with an EtherType as Cisco has it.
pub(in crate::source::pcap) fn frame_relay(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    /// The last byte of an address.
    const LAST: u8 = 1;
    const MAX_ADDRESS: usize = 4;
    let address = packet.bytes.iter().take(MAX_ADDRESS);
    let Some(last) = address.clone().position(|byte| byte & LAST != 0) else {
        return Err(Skip::NotIp);
    };
    packet.strip(last + 1)?;
    if packet.byte_at(0)? != 0x03 {
        let [high, low] = packet.header()?;
        return Ok(Layer::Announced(u16::from_be_bytes([high, low])));
    }
    packet.strip(1)?;
    if packet.byte_at(0)? == 0 {
        packet.strip(1)?;
    }
    match packet.header()? {
        [0xcc] | [0x8e] => Ok(Layer::Ip),
        [0xcf] => Ok(Layer::Ppp),
        [0x80] => {
            let [a, b, c, high, low] = packet.header()?;
            match [a, b, c] {
                [0, 0, 0] => Ok(Layer::Announced(u16::from_be_bytes([high, low]))),
                _ => Err(Skip::NotIp),
            }
        }
        _ => Err(Skip::NotIp),
    }
}
