//! Ethernet and what an EtherType announces: tags, PPPoE, and IP.

use super::{Layer, Packet, Skip};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// The largest number at the place of an EtherType that is a length.
const MAX_LENGTH: u16 = 1500;

/// A frame of Ethernet II or IEEE 802.3.
#[inline]
pub(super) fn open(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let announced = packet.u16_at(12)?;
    packet.strip(14)?;
    if announced <= MAX_LENGTH {
        packet.limit(usize::from(announced));
        return Ok(Layer::Llc);
    }
    Ok(Layer::Announced(announced))
}

/// What an EtherType announces.
#[inline]
pub(super) fn announced(ethertype: u16, packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    match ethertype {
        IPV4 | IPV6 => Ok(Layer::Ip),
        // 802.1Q, 802.1ad, and what came before 802.1ad.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => vlan(packet),
        0x8847 | 0x8848 => Ok(Layer::Mpls),
        0x8864 => pppoe(packet),
        0x880b => Ok(Layer::Ppp),
        // Transparent Ethernet bridging.
        0x6558 => Ok(Layer::Ethernet),
        // Linux cooked captures say 802.2 so.
        0x0004 => Ok(Layer::Llc),
        0x88e5 => macsec(packet),
        0x894f => network_service_header(packet),
        // 802.1ah: the service identifier, and the frame of the customer.
        0x88e7 => packet.strip(4).map(|_| Layer::Ethernet),
        // 802.1BR, VN-Tag and Cisco metadata: an EtherType stands behind them.
        0x893f | 0x8909 => next(packet, 6),
        0x8926 => next(packet, 4),
        _ => Err(Skip::NotIp),
    }
}

/// PPPoE, RFC 2516: a session packet.
pub(in crate::source::pcap) fn pppoe(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let [version, code, _, _, high, low] = packet.header()?;
    if version != 0x11 || code != 0 {
        return Err(Skip::NotIp);
    }
    packet.limit(usize::from(u16::from_be_bytes([high, low])));
    Ok(Layer::Ppp)
}

/// 802.2, with SNAP (RFC 1042) or with the number of IP alone.
pub(super) fn llc(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    match packet.header()? {
        [0xaa, 0xaa, 0x03] => {
            let [a, b, c, high, low] = packet.header()?;
            match [a, b, c] {
                [0, 0, 0] | [0, 0, 0xf8] => Ok(Layer::Announced(u16::from_be_bytes([high, low]))),
                _ => Err(Skip::NotIp),
            }
        }
        [0x06, 0x06, 0x03] => Ok(Layer::Ip),
        _ => Err(Skip::NotIp),
    }
}

fn vlan(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let [high, low, next @ ..]: [u8; 4] = packet.header()?;
    // Identifier 0 is a priority without a VLAN.
    match u16::from_be_bytes([high, low]) & 0x0fff {
        0 => {}
        vlan => packet.place.vlans = (packet.place.vlans << 12) | u64::from(vlan),
    }
    let next = u16::from_be_bytes(next);
    Ok(if next <= MAX_LENGTH {
        Layer::Llc
    } else {
        Layer::Announced(next)
    })
}

/// An EtherType behind `len` bytes.
fn next(packet: &mut Packet<'_>, len: usize) -> Result<Layer, Skip> {
    let ethertype = packet.u16_at(len)?;
    packet.strip(len + 2)?;
    Ok(Layer::Announced(ethertype))
}

/// MACsec (802.1AE), where it only authenticates.
fn macsec(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    const HAS_CHANNEL: u8 = 0x20;
    let control = packet.byte_at(0)?;
    if control & ENCRYPTED_OR_CHANGED != 0 {
        return Err(Skip::NotIp);
    }
    next(packet, if control & HAS_CHANNEL != 0 { 14 } else { 6 })
}

/// NSH, RFC 8300.
fn network_service_header(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let words = packet.byte_at(1)? & 0x3f;
    let next = packet.byte_at(3)?;
    packet.strip(4 * usize::from(words.max(1)))?;
    match next {
        1 | 2 => Ok(Layer::Ip),
        3 => Ok(Layer::Ethernet),
        5 => Ok(Layer::Mpls),
        _ => Err(Skip::NotIp),
    }
}
