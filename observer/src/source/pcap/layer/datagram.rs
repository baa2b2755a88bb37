//! Tunnels through UDP, told by their port.
//!
//! The ports are those that IANA assigned, and others in use. A port is a guess: what does not look
//! like the tunnel, or has nothing readable in it, is something else.

use etherparse::UdpHeaderSlice;

use super::tunnel::gre;
use super::{Layer, Packet, Skip};

/// Goes into a UDP datagram, if it is a tunnel.
pub(super) fn udp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let header = UdpHeaderSlice::from_slice(packet.bytes).map_err(|_| packet.too_short(8))?;
    let way = match (header.source_port(), header.destination_port()) {
        (_, 4789 | 8472 | 4790) => vxlan,
        (_, 6081) => geneve,
        (_, 4754) => gre,
        (_, 6635) => mpls,
        (_, 37008) => tzsp,
        (2152, _) | (_, 2152) => gtp,
        (5072, _) | (_, 5072) => ayiya,
        (3544, _) | (_, 3544) => teredo,
        (1701, _) | (_, 1701) => l2tp,
        (5247, _) | (_, 5247) => capwap,
        _ => return Err(Skip::NotTcp),
    };
    packet.strip(8)?;
    packet.guessed = true;
    packet.enter(None);
    way(packet)
}

/// VXLAN (RFC 7348), and its extension that says what follows.
fn vxlan(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const HAS_NETWORK: u8 = 0x08;
    const HAS_PROTOCOL: u8 = 0x04;
    let [flags, _, _, protocol, a, b, c, zero] = packet.header()?;
    if flags & HAS_NETWORK == 0 || zero != 0 {
        return Err(Skip::NotTcp);
    }
    packet.enter(Some(u32::from_be_bytes([0, a, b, c])));
    match protocol {
        _ if flags & HAS_PROTOCOL == 0 => Ok(Layer::Ethernet),
        1 | 2 => Ok(Layer::Ip),
        3 => Ok(Layer::Ethernet),
        4 => Ok(Layer::Announced(0x894f)),
        5 => Ok(Layer::Mpls),
        _ => Err(Skip::NotTcp),
    }
}

/// Geneve, RFC 8926.
fn geneve(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const CONTROL: u8 = 0x80;
    let [version, flags, high, low, a, b, c, _] = packet.header()?;
    if version >> 6 != 0 || flags & CONTROL != 0 {
        return Err(Skip::NotTcp);
    }
    packet.strip(4 * usize::from(version & 0x3f))?;
    packet.enter(Some(u32::from_be_bytes([0, a, b, c])));
    Ok(Layer::Announced(u16::from_be_bytes([high, low])))
}

/// MPLS in UDP, RFC 7510.
fn mpls(_: &mut Packet<'_>) -> Result<Layer, Skip> {
    Ok(Layer::Mpls)
}

/// The user plane of GTP, 3GPP TS 29.281. Both directions have tunnel numbers of their own, so these
/// do not tell networks apart.
fn gtp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const USER_DATA: u8 = 0xff;
    const MORE: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let [flags, kind, _, _, _, _, _, _] = packet.header()?;
    // Version 1, and not the charging protocol.
    if flags >> 4 != 3 || kind != USER_DATA {
        return Err(Skip::NotTcp);
    }
    if flags & MORE != 0 {
        let [_, _, _, mut next] = packet.header()?;
        while flags & EXTENSION != 0 && next != 0 {
            let len = 4 * usize::from(packet.byte_at(0)?);
            let extension = packet.strip(len)?;
            next = *extension.last().ok_or(Skip::Malformed)?;
        }
    }
    Ok(Layer::Ip)
}

/// AYIYA: IPv6 to hosts behind NAT (draft-massar-v6ops-ayiya).
fn ayiya(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const FORWARD: u8 = 1;
    const IPV6: u8 = 41;
    let [identity, signature, operation, next, _, _, _, _] = packet.header()?;
    if operation & 0x0f != FORWARD || next != IPV6 {
        return Err(Skip::NotTcp);
    }
    packet.strip((1 << (identity >> 4)) + 4 * usize::from(signature >> 4))?;
    Ok(Layer::Ip)
}

/// Teredo, RFC 4380.
fn teredo(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    if let [0, 1, identifier, value, ..] = *packet.bytes {
        packet.strip(4 + usize::from(identifier) + usize::from(value) + 9)?;
    }
    if packet.bytes.starts_with(&[0, 0]) {
        packet.strip(8)?;
    }
    match packet.byte_at(0)? >> 4 {
        6 => Ok(Layer::Ip),
        _ => Err(Skip::NotTcp),
    }
}

/// Data of L2TP version 2, RFC 2661.
fn l2tp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const CONTROL: u8 = 0x80;
    const LENGTH: u8 = 0x40;
    const SEQUENCE: u8 = 0x08;
    const OFFSET: u8 = 0x02;
    let [flags, version] = packet.header()?;
    if flags & CONTROL != 0 || version & 0x0f != 2 {
        return Err(Skip::NotTcp);
    }
    let has = |flag, len| if flags & flag != 0 { len } else { 0 };
    packet.strip(has(LENGTH, 2) + 4 + has(SEQUENCE, 4))?;
    if flags & OFFSET != 0 {
        let offset = usize::from(u16::from_be_bytes(packet.header()?));
        packet.strip(offset)?;
    }
    Ok(Layer::Ppp)
}

/// TZSP: what sniffers send to whoever looks at it.
fn tzsp(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let [version, kind, high, low] = packet.header()?;
    if version != 1 || kind > 1 {
        return Err(Skip::NotTcp);
    }
    loop {
        match packet.header()? {
            [END] => break,
            [PADDING] => {}
            [_] => {
                let [len] = packet.header()?;
                packet.strip(usize::from(len))?;
            }
        }
    }
    match u16::from_be_bytes([high, low]) {
        1 => Ok(Layer::Ethernet),
        18 => Ok(Layer::Wlan),
        _ => Err(Skip::NotTcp),
    }
}

/// Data of CAPWAP, RFC 5415.
fn capwap(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const NATIVE: u8 = 0x01;
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    let [preamble, len, native, flags] = packet.header()?;
    let words = usize::from(len >> 3);
    if preamble != 0 || words < 2 || flags & (FRAGMENT | KEEP_ALIVE) != 0 {
        return Err(Skip::NotTcp);
    }
    packet.strip(4 * (words - 1))?;
    Ok(if native & NATIVE != 0 {
        Layer::Wlan
    } else {
        Layer::Ethernet
    })
}
