//! From the link layer of a packet to the TCP segment in it, through whatever lies in between.
//!
//! Each layer takes its header off the packet and says what follows. Nothing is copied; only fragments
//! have to be put together first.

mod datagram;
mod ethernet;
mod internet;
mod label;
mod serial;
mod tcp;
mod tunnel;
mod wireless;

pub(super) use internet::{Fragment, FragmentKey};
pub(super) use tcp::Tcp;

use std::net::IpAddr;

use etherparse::IpNumber;

use super::link::LinkType;

/// What the bytes of a packet begin with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer {
    /// What an interface gives.
    Link(LinkType),
    /// A destination and a source address, and an EtherType or a length.
    Ethernet,
    /// What an EtherType announces.
    Announced(u16),
    /// IEEE 802.2 logical link control.
    Llc,
    /// PPP, RFC 1661.
    Ppp,
    /// An MPLS label, RFC 3032.
    Mpls,
    /// A frame of IEEE 802.11.
    Wlan,
    /// IP of either version.
    Ip,
    /// What an IP packet carries.
    Carried(Carried),
}

/// What an IP packet carries, and from where to where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried {
    pub(super) number: IpNumber,
    pub(super) source: IpAddr,
    pub(super) target: IpAddr,
}

/// What is left of a packet, and what its outer layers said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) bytes: &'a [u8],
    /// How long `bytes` were on the wire; at least as long as they are.
    pub(super) wire_len: usize,
    pub(super) place: Place,
    /// It was carried by another IP packet.
    inside: bool,
    /// A port number alone said that this is a tunnel.
    guessed: bool,
}

/// Where a packet was seen, besides the interface.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Place {
    /// The VLAN identifiers, 12 bits each, the innermost lowest; 0 without any.
    pub(super) vlans: u64,
    /// The interface number that Linux cooked v2 has for each packet; 0 elsewhere.
    pub(super) device: u32,
    /// The network inside a tunnel (VXLAN, Geneve, NVGRE), counted from 1; 0 where it has no number.
    pub(super) tunnel: u32,
}

/// What was found.
pub(super) enum Opened<'a> {
    /// A TCP segment.
    Segment(Tcp<'a>),
    /// A part of an IP packet.
    Fragment(Fragment<'a>),
}

/// Why there is nothing to find in a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Skip {
    /// Its framing is not read.
    LinkType,
    /// It is something else than IP.
    NotIp,
    /// It is IP and carries something else.
    NotTcp,
    /// It is a part of an IP packet that cannot be put together.
    Fragment,
    /// The capture cut it before the end of its headers.
    HeadersCut,
    /// Its headers contradict themselves.
    Malformed,
}

/// More headers than anyone stacks, each VLAN tag and each MPLS label being one.
const MAX_LAYERS: usize = 32;

/// Finds what a packet is about.
#[inline]
pub(super) fn open<'a>(layer: Layer, mut packet: Packet<'a>) -> Result<Opened<'a>, Skip> {
    if let Layer::Link(LinkType::ETHERNET) = layer
        && let Some(tcp) = tcp::plain(&packet)
    {
        return Ok(Opened::Segment(tcp));
    }
    walk(layer, &mut packet).map_err(|skip| match skip {
        Skip::NotIp if packet.inside => Skip::NotTcp,
        Skip::Malformed if packet.guessed => Skip::NotTcp,
        skip => skip,
    })
}

#[inline]
fn walk<'a>(mut layer: Layer, packet: &mut Packet<'a>) -> Result<Opened<'a>, Skip> {
    for _ in 0..MAX_LAYERS {
        layer = match layer {
            Layer::Link(link) => link.open(packet)?,
            Layer::Ethernet => ethernet::open(packet)?,
            Layer::Announced(ethertype) => ethernet::announced(ethertype, packet)?,
            Layer::Llc => ethernet::llc(packet)?,
            Layer::Ppp => serial::ppp(packet)?,
            Layer::Mpls => label::mpls(packet)?,
            Layer::Wlan => wireless::wlan(packet)?,
            Layer::Ip => match internet::open(packet)? {
                internet::Internet::Whole(carried) => Layer::Carried(carried),
                internet::Internet::Fragment(fragment) => return Ok(Opened::Fragment(fragment)),
            },
            Layer::Carried(carried) if carried.number == IpNumber::TCP => {
                return tcp::open(&carried, packet).map(Opened::Segment);
            }
            Layer::Carried(carried) => tunnel::open(carried.number, packet)?,
        };
    }
    Err(Skip::Malformed)
}

pub(super) use ethernet::pppoe;
pub(super) use serial::{frame_relay, hdlc_or_ppp};
pub(super) use wireless::{avs, ppi, prism, radiotap};

impl<'a> Packet<'a> {
    /// A packet of which nothing was taken off yet.
    #[inline]
    pub(super) fn new(bytes: &'a [u8], wire_len: usize, place: Place) -> Self {
        Self {
            bytes,
            wire_len: wire_len.max(bytes.len()),
            place,
            inside: false,
            guessed: false,
        }
    }

    /// Takes `len` bytes off.
    #[inline]
    pub(super) fn strip(&mut self, len: usize) -> Result<&'a [u8], Skip> {
        let (header, rest) = self
            .bytes
            .split_at_checked(len)
            .ok_or_else(|| self.too_short(len))?;
        self.bytes = rest;
        self.wire_len -= len;
        Ok(header)
    }

    /// Takes a header of `N` bytes off.
    #[inline]
    pub(super) fn header<const N: usize>(&mut self) -> Result<[u8; N], Skip> {
        let header = self.strip(N)?;
        header.try_into().map_err(|_| Skip::Malformed)
    }

    /// The two bytes at `at`, in the order of the network.
    #[inline]
    pub(super) fn u16_at(&self, at: usize) -> Result<u16, Skip> {
        let two = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        Ok(u16::from_be_bytes(
            *two.ok_or_else(|| self.too_short(at + 2))?,
        ))
    }

    /// The byte at `at`.
    pub(super) fn byte_at(&self, at: usize) -> Result<u8, Skip> {
        let byte = self.bytes.get(at).copied();
        byte.ok_or_else(|| self.too_short(at + 1))
    }

    /// Leaves at most `len` bytes: what is behind them is padding.
    pub(super) fn limit(&mut self, len: usize) {
        self.bytes = self.bytes.get(..len).unwrap_or(self.bytes);
        self.wire_len = self.wire_len.min(len).max(self.bytes.len());
    }

    /// Goes into a tunnel: what was seen around it says nothing of the network inside.
    fn enter(&mut self, network: Option<u32>) {
        self.inside = true;
        self.place.vlans = 0;
        self.place.tunnel = network.map_or(0, |number| number.saturating_add(1));
    }

    fn too_short(&self, len: usize) -> Skip {
        if self.wire_len >= len && self.wire_len > self.bytes.len() {
            Skip::HeadersCut
        } else {
            Skip::Malformed
        }
    }
}
