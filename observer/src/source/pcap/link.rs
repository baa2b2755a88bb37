//! Link types: what an interface puts in front of packets.

use std::fmt;

use super::layer::{
    Layer, Packet, Skip, avs, frame_relay, hdlc_or_ppp, ppi, pppoe, prism, radiotap,
};

/// How the packets of an interface are framed: a number of the registry at
/// <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

/// How to get at what is behind a link layer.
enum Framing {
    /// So many bytes say nothing.
    Behind(usize, Layer),
    /// An EtherType stands at the first place, and what it announces begins at the second.
    Announced(usize, usize),
    /// It has to be looked into.
    By(for<'a> fn(&mut Packet<'a>) -> Result<Layer, Skip>),
}

impl LinkType {
    /// What nearly all captures have.
    pub(super) const ETHERNET: Self = Self(1);

    /// Whether observer takes such frames apart.
    pub fn is_read(self) -> bool {
        self.framing().is_some()
    }

    /// Takes the link layer off a frame.
    #[inline]
    pub(super) fn open(self, packet: &mut Packet<'_>) -> Result<Layer, Skip> {
        if self == Self::ETHERNET {
            return Ok(Layer::Ethernet);
        }
        match self.framing().ok_or(Skip::LinkType)? {
            Framing::Behind(len, layer) => packet.strip(len).map(|_| layer),
            Framing::Announced(at, len) => {
                let announced = packet.u16_at(at)?;
                packet.strip(len).map(|_| Layer::Announced(announced))
            }
            Framing::By(open) => open(packet),
        }
    }

    fn framing(self) -> Option<Framing> {
        use Framing::{Announced, Behind, By};
        Some(match self.0 {
            // Loopback of BSD and OpenBSD.
            0 | 108 => By(family),
            1 => Behind(0, Layer::Ethernet),
            6 => By(token_ring),
            // ARCNET as BSD and as Linux have it.
            7 => By(|packet| arcnet(packet, 2)),
            129 => By(|packet| arcnet(packet, 4)),
            // SLIP, with the header that capture tools make.
            8 => Behind(16, Layer::Ip),
            9 | 166 => Behind(0, Layer::Ppp),
            // FDDI.
            10 => Behind(13, Layer::Llc),
            // ATM: RFC 2684, and classical IP.
            11 | 19 | 100 | 106 => Behind(0, Layer::Llc),
            // Raw IP, as BSD and OpenBSD number it inside a file too.
            12 | 14 | 101 | 228 | 229 => Behind(0, Layer::Ip),
            50 => By(hdlc_or_ppp),
            51 => By(pppoe),
            // Cisco HDLC, also with the direction before it.
            104 => Announced(2, 4),
            205 => Announced(3, 5),
            105 => Behind(0, Layer::Wlan),
            107 => By(frame_relay),
            206 => By(|packet| packet.strip(1).and_then(|_| frame_relay(packet))),
            // IPsec of OpenBSD, taken off already.
            109 => Behind(12, Layer::Ip),
            113 => Announced(14, 16),
            117 => By(packet_filter_log),
            119 => By(prism),
            // Fibre Channel, RFC 2625.
            122 => Behind(16, Layer::Llc),
            123 => Behind(4, Layer::Llc),
            127 => By(radiotap),
            // IEEE 1394.
            138 => Announced(16, 18),
            163 => By(avs),
            192 => By(ppi),
            204 => Behind(1, Layer::Ppp),
            // Solaris.
            226 => Behind(24, Layer::Ip),
            239 => By(netfilter_log),
            // netANALYZER, also with a preamble.
            240 => Behind(4, Layer::Ethernet),
            241 => Behind(12, Layer::Ethernet),
            // InfiniBand.
            242 => Announced(40, 44),
            258 => By(pktap),
            // IEEE 802.3br, with a preamble.
            274 => Behind(8, Layer::Ethernet),
            276 => By(cooked2),
            // Tags of switch chips, between the addresses and the EtherType or before all.
            281 | 284 => Announced(16, 18),
            285 => Announced(20, 22),
            282 => Behind(4, Layer::Ethernet),
            _ => return None,
        })
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "loopback",
            1 => "Ethernet",
            6 => "token ring",
            7 | 129 => "ARCNET",
            8 => "SLIP",
            9 | 50 | 166 | 204 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 | 228 | 229 => "raw IP",
            51 => "PPPoE",
            104 | 205 => "Cisco HDLC",
            105 | 119 | 127 | 163 => "Wi-Fi",
            107 | 206 => "frame relay",
            108 => "OpenBSD loopback",
            113 => "Linux cooked",
            147..=162 => "private",
            187 | 201 => "Bluetooth",
            189 | 220 | 249 => "USB",
            192 => "PPI",
            195 | 215 | 230 | 283 => "IEEE 802.15.4",
            227 => "CAN",
            239 => "netfilter log",
            252 => "Wireshark upper PDU",
            253 => "netlink",
            258 => "PKTAP",
            276 => "Linux cooked v2",
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// Loopback: four bytes say the address family, by the numbers and in the byte order of the host
/// that captured.
fn family(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let family = packet.header()?;
    let is_ip = |family| matches!(family, 2 | 10 | 23 | 24 | 28 | 30);
    if is_ip(u32::from_be_bytes(family)) || is_ip(u32::from_le_bytes(family)) {
        return Ok(Layer::Ip);
    }
    Err(Skip::NotIp)
}

/// Linux cooked v2 says on which interface each packet was.
fn cooked2(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let [high, low, _, _, device @ ..]: [u8; 8] = packet.header()?;
    packet.strip(12)?;
    packet.place.device = u32::from_be_bytes(device);
    Ok(Layer::Announced(u16::from_be_bytes([high, low])))
}

/// ARCNET: the type stands at `at`. RFC 1201 has a flag and a number behind it, RFC 1051 has not.
fn arcnet(packet: &mut Packet<'_>, at: usize) -> Result<Layer, Skip> {
    const WHOLE: u8 = 0;
    match packet.byte_at(at)? {
        240 => packet.strip(at + 1).map(|_| Layer::Ip),
        212 | 196 if packet.byte_at(at + 1)? == WHOLE => packet.strip(at + 4).map(|_| Layer::Ip),
        _ => Err(Skip::NotIp),
    }
}

/// Token ring: where the first bit of the source address is set, the way through bridges follows.
fn token_ring(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const ROUTED: u8 = 0x80;
    const LENGTH: u8 = 0x1f;
    let header = packet.strip(14)?;
    if header.get(8).is_some_and(|byte| byte & ROUTED != 0) {
        let route = packet.byte_at(0)? & LENGTH;
        packet.strip(usize::from(route))?;
    }
    Ok(Layer::Llc)
}

/// The log of the packet filter of BSD: its length without the padding stands first.
fn packet_filter_log(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let len = usize::from(packet.byte_at(0)?).next_multiple_of(4);
    packet.strip(len).map(|_| Layer::Ip)
}

/// The log of netfilter: fields of length, type and value, of which one is the packet. Lengths and
/// types are in the byte order of the host that captured, mostly little-endian.
fn netfilter_log(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    const FIELD_HEADER: usize = 4;
    const PAYLOAD: u16 = 9;
    packet.strip(4)?;
    loop {
        let [a, b, c, d] = packet.header()?;
        let (mut len, mut kind) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        // The highest type is 26: a larger one is of the other order.
        if kind & 0xff == 0 && kind != 0 {
            (len, kind) = (len.swap_bytes(), kind.swap_bytes());
        }
        let value = usize::from(len)
            .checked_sub(FIELD_HEADER)
            .ok_or(Skip::Malformed)?;
        if kind == PAYLOAD {
            packet.limit(value);
            return Ok(Layer::Ip);
        }
        packet.strip(value.next_multiple_of(FIELD_HEADER))?;
    }
}

/// PKTAP of macOS: how long it is, and the link type of what follows.
fn pktap(packet: &mut Packet<'_>) -> Result<Layer, Skip> {
    let [a, b, c, d, _, _, _, _, link @ ..]: [u8; 12] = packet.header()?;
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    packet.strip(len.checked_sub(12).ok_or(Skip::Malformed)?)?;
    let link = u16::try_from(u32::from_le_bytes(link)).map_err(|_| Skip::NotIp)?;
    Ok(Layer::Link(LinkType(link)))
}
