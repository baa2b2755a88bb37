//! Packets inside packets: IP in IP, and GRE with ERSPAN.

use etherparse::IpNumber;

use super::{Layer, Packet, Skip, datagram};

/// MPLS in IP (RFC 4023) and Ethernet in IP (RFC 3378, RFC 8986).
const MPLS: IpNumber = IpNumber(137);
const ETHERIP: IpNumber = IpNumber(97);
const ETHERNET: IpNumber = IpNumber(143);

/// Goes into what an IP packet carries, if it is a tunnel.
pub(super) fn open(number: IpNumber, packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let next = match number {
        IpNumber::UDP => return datagram::udp(packet),
        IpNumber::GRE => return gre(packet),
        IpNumber::IPV4 | IpNumber::IPV6 => Layer::Ip,
        MPLS => Layer::Mpls,
        ETHERNET => Layer::Ethernet,
        ETHERIP => packet.strip(2).map(|_| Layer::Ethernet)?,
        _ => return Err(Skip::NotTcp),
    };
    packet.enter(None);
    Ok(next)
}

/// GRE (RFC 2784, RFC 2890) and its version 1 of PPTP (RFC 2637).
pub(super) fn gre(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    const ACKNOWLEDGEMENT: u8 = 0x80;
    let [flags, version, protocol @ ..]: [u8; 4] = packet.header()?;
    let protocol = u16::from_be_bytes(protocol);
    if flags & ROUTING != 0 || version & 0x07 > 1 {
        return Err(Skip::NotTcp);
    }
    if flags & CHECKSUM != 0 {
        packet.strip(4)?;
    }
    let key = match flags & KEY != 0 {
        true => Some(u32::from_be_bytes(packet.header()?)),
        false => None,
    };
    let has_sequence = flags & SEQUENCE != 0;
    if has_sequence {
        packet.strip(4)?;
    }
    if version & 0x07 == 1 {
        if version & ACKNOWLEDGEMENT != 0 {
            packet.strip(4)?;
        }
        packet.enter(None);
        return Ok(Layer::Ppp);
    }
    packet.enter(None);
    match protocol {
        // ERSPAN type I has no header of its own, and no sequence number in that of GRE.
        0x88be if has_sequence => packet.strip(8).map(|_| Layer::Ethernet),
        0x88be => Ok(Layer::Ethernet),
        0x22eb => erspan3(packet),
        // NVGRE (RFC 7637): the upper three bytes of the key are the network.
        0x6558 => {
            packet.enter(key.map(|key| key >> 8));
            Ok(Layer::Ethernet)
        }
        // WCCP has a header of its own in its second version, which is no version of IP.
        0x883e => {
            if packet.byte_at(0)? >> 4 != 4 {
                packet.strip(4)?;
            }
            Ok(Layer::Ip)
        }
        // Access points of Aruba: frames of 802.11, by the number of the virtual access point.
        0x8200..=0x83ff => Ok(Layer::Wlan),
        0x9000 => Ok(Layer::Ethernet),
        other => Ok(Layer::Announced(other)),
    }
}

/// ERSPAN type III: twelve bytes, and eight more if the last bit says so.
fn erspan3(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const MORE: u8 = 0x01;
    let header = packet.strip(12)?;
    if header.last().is_some_and(|last| last & MORE != 0) {
        packet.strip(8)?;
    }
    // The type of the frame: Ethernet or IP.
    match header.get(10).map(|byte| (byte >> 2) & 0x1f) {
        Some(2) => Ok(Layer::Ip),
        _ => Ok(Layer::Ethernet),
    }
}
