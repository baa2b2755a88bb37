//! IEEE 802.11, and what capture tools put in front of it.

use super::super::link::LinkType;
use super::{Layer, Packet, Skip};

/// The link type of frames of 802.11 without anything in front.
const WLAN: u16 = 105;

/// A frame of IEEE 802.11: data that is not encrypted.
pub(super) fn wlan(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const TO_AND_FROM: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATE: u8 = 0x80;
    let (control, flags) = (packet.byte_at(0)?, packet.byte_at(1)?);
    let (kind, subtype) = ((control >> 2) & 0x03, control >> 4);
    let (has_data, has_quality) = (subtype & 0x04 == 0, subtype & 0x08 != 0);
    if kind != 2 || !has_data || flags & PROTECTED != 0 {
        return Err(Skip::NotIp);
    }
    let fourth_address = if flags & TO_AND_FROM == TO_AND_FROM {
        6
    } else {
        0
    };
    packet.strip(24 + fourth_address)?;
    if has_quality {
        let [quality, _] = packet.header()?;
        if flags & ORDER != 0 {
            packet.strip(4)?;
        }
        if quality & AGGREGATE != 0 {
            // The first of the frames that were put together: two addresses and a length.
            packet.strip(14)?;
        }
    }
    Ok(Layer::Llc)
}

/// Radiotap: how long it is, stands in it. It may say that the header of 802.11 is padded.
pub(in crate::source::pcap) fn radiotap(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const PADDED: u8 = 0x20;
    let len = little(packet, 2)?;
    let header = packet.strip(len.max(8))?;
    if radiotap_flags(header).is_some_and(|flags| flags & PADDED != 0) {
        return unpadded(packet);
    }
    Ok(Layer::Wlan)
}

/// The header of PPI says which link type follows it.
pub(in crate::source::pcap) fn ppi(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let (len, link) = (little(packet, 2)?, little(packet, 4)?);
    packet.strip(len.max(8))?;
    match u16::try_from(link) {
        Ok(WLAN) | Err(_) => Ok(Layer::Wlan),
        Ok(link) => Ok(Layer::Link(LinkType(link))),
    }
}

/// The header of the Prism driver, or that of AVS under its link type.
pub(in crate::source::pcap) fn prism(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    if packet.bytes.starts_with(&[0x80, 0x21, 0x10]) {
        return avs(packet);
    }
    packet.strip(144).map(|_| Layer::Wlan)
}

/// The header of AVS.
pub(in crate::source::pcap) fn avs(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let len = usize::from(packet.u16_at(6)?);
    packet.strip(len.max(8)).map(|_| Layer::Wlan)
}

/// The flags of radiotap: behind the words that say what is there, and behind the time, which is
/// aligned to eight bytes.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const HAS_TIME: u8 = 0x01;
    const HAS_FLAGS: u8 = 0x02;
    const HAS_MORE: u8 = 0x80;
    let mut at = 4;
    let first = *header.get(at)?;
    while header.get(at + 3)? & HAS_MORE != 0 {
        at += 4;
    }
    at += 4;
    if first & HAS_TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    (first & HAS_FLAGS != 0).then(|| header.get(at).copied())?
}

/// A header of 802.11 that is padded to four bytes.
fn unpadded(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let before = packet.bytes.len();
    let next = wlan(packet)?;
    let header = before - packet.bytes.len();
    packet.strip(header.next_multiple_of(4) - header)?;
    Ok(next)
}

/// Two bytes, the lower one first.
fn little(packet: &Packet<'_>, at: usize) -> Result<usize, Skip> {
    packet.u16_at(at).map(|word| usize::from(word.swap_bytes()))
}
