//! MPLS: labels do not say what they are in front of.

use super::{Layer, Packet, Skip};

/// One label (RFC 3032). Behind the last one stands IP, told by its version; a control word, whose
/// first half byte is 0 (RFC 4385), and a frame of Ethernet; or such a frame without a control word.
pub(super) fn mpls(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const BOTTOM: u8 = 1;
    let [_, _, bottom, _] = packet.header()?;
    if bottom & BOTTOM == 0 {
        return Ok(Layer::Mpls);
    }
    match packet.byte_at(0)? >> 4 {
        4 | 6 => Ok(Layer::Ip),
        0 => packet.strip(4).map(|_| Layer::Ethernet),
        _ => Ok(Layer::Ethernet),
    }
}
