//! Which packets of a capture are looked at: a part of the language of tcpdump's filters.
//!
//! `host`, `net`, `port` and `portrange` with `src` or `dst`, `ip`, `ip6`, `tcp` and `vlan`, joined with
//! `and`, `or`, `not` and parentheses, as pcap-filter(7) has them: `not` binds tightest, `and` and `or`
//! bind equally and to the left, and a value alone has the qualifiers of the one before. Addresses and
//! ports are numbers: nothing is looked up. Inside tunnels the innermost addresses count.

mod parse;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::layer::Tcp;

pub use parse::TermsError;

/// What a filter says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Terms(Term);

impl FromStr for Terms {
    type Err = TermsError;

    fn from_str(text: &str) -> Result<Self, TermsError> {
        parse::parse(text).map(Self)
    }
}

impl Terms {
    /// Whether a segment is to be looked at.
    pub(super) fn pass(&self, tcp: &Tcp<'_>) -> bool {
        self.0.holds(tcp)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Term {
    All,
    Version4,
    Version6,
    Vlan(Option<u16>),
    Net(Way, Net),
    Ports(Way, RangeInclusive<u16>),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Source,
    Target,
    Either,
    Both,
}

/// The addresses that begin with the first `len` bits of one. IPv4 is mapped into IPv6.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Net {
    bits: u128,
    len: u32,
}

impl Term {
    fn holds(&self, tcp: &Tcp<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Version4 => tcp.source.is_ipv4(),
            Self::Version6 => tcp.source.is_ipv6(),
            Self::Vlan(None) => tcp.place.vlans != 0,
            Self::Vlan(Some(vlan)) => vlans(tcp.place.vlans).any(|one| one == *vlan),
            Self::Net(way, net) => way.holds(net.has(tcp.source.ip()), || net.has(tcp.target.ip())),
            Self::Ports(way, ports) => way.holds(ports.contains(&tcp.source.port()), || {
                ports.contains(&tcp.target.port())
            }),
            Self::Not(term) => !term.holds(tcp),
            Self::And(a, b) => a.holds(tcp) && b.holds(tcp),
            Self::Or(a, b) => a.holds(tcp) || b.holds(tcp),
        }
    }
}

impl Way {
    fn holds(self, source: bool, target: impl Fn() -> bool) -> bool {
        match self {
            Self::Source => source,
            Self::Target => target(),
            Self::Either => source || target(),
            Self::Both => source && target(),
        }
    }
}

impl Net {
    fn new(address: IpAddr, len: u32) -> Self {
        let before = if address.is_ipv4() { 96 } else { 0 };
        let len = (before + len).min(128);
        Self {
            bits: bits(address) & mask(len),
            len,
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.len) == self.bits
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(len: u32) -> u128 {
    u128::MAX.checked_shl(128 - len).unwrap_or(0)
}

/// The VLAN identifiers of a packet, the innermost first.
fn vlans(stack: u64) -> impl Iterator<Item = u16> {
    std::iter::successors(Some(stack), |rest| Some(rest >> 12))
        .take_while(|rest| *rest != 0)
        .map(|rest| (rest & 0x0fff) as u16)
}
