//! The link layer: where the IP packet starts in a frame, and on which VLAN it was.

use std::fmt;

/// How the packets of an interface are framed: a number of the registry at
/// <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LinkType(pub u16);

impl LinkType {
    const NULL: Self = Self(0);
    const ETHERNET: Self = Self(1);
    /// Raw IP as BSD and OpenBSD number it inside a file.
    const RAW_BSD: Self = Self(12);
    const RAW_OPENBSD: Self = Self(14);
    const RAW: Self = Self(101);
    const LOOP: Self = Self(108);
    const LINUX_SLL: Self = Self(113);
    const IPV4: Self = Self(228);
    const IPV6: Self = Self(229);
    const LINUX_SLL2: Self = Self(276);

    /// Whether observer takes such frames apart.
    pub fn is_read(self) -> bool {
        matches!(
            self,
            Self::NULL
                | Self::ETHERNET
                | Self::RAW_BSD
                | Self::RAW_OPENBSD
                | Self::RAW
                | Self::LOOP
                | Self::LINUX_SLL
                | Self::IPV4
                | Self::IPV6
                | Self::LINUX_SLL2
        )
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "loopback",
            1 => "Ethernet",
            9 | 50 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 | 228 | 229 => "raw IP",
            105 | 119 | 127 | 163 => "Wi-Fi",
            108 => "OpenBSD loopback",
            113 => "Linux cooked",
            147..=162 => "private",
            187 | 201 => "Bluetooth",
            189 | 220 | 249 => "USB",
            195 | 215 | 230 | 283 => "IEEE 802.15.4",
            227 => "CAN",
            239 => "netfilter log",
            252 => "Wireshark upper PDU",
            253 => "netlink",
            276 => "Linux cooked v2",
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// Where the IP packet is.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Network {
    /// Where it starts in the frame.
    pub(super) offset: usize,
    /// The VLAN identifiers, 12 bits each, the innermost lowest; 0 without any.
    pub(super) vlans: u64,
    /// The interface number that Linux cooked v2 has for each packet; 0 elsewhere.
    pub(super) device: u32,
}

/// Why there is no IP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoNetwork {
    /// The framing is not read.
    LinkType,
    /// It is something else: ARP, LLDP, ...
    NotIp,
    /// The frame ends before.
    Cut,
}

/// Finds the IP packet in a frame.
#[inline]
pub(super) fn network(link: LinkType, frame: &[u8]) -> Result<Network, NoNetwork> {
    match link {
        LinkType::ETHERNET => tagged(frame, 12, 0),
        LinkType::LINUX_SLL => tagged(frame, 14, 0),
        LinkType::LINUX_SLL2 => {
            let device = frame.get(4..).and_then(<[u8]>::first_chunk);
            let device = u32::from_be_bytes(*device.ok_or(NoNetwork::Cut)?);
            let ethertype = ethertype(frame, 0)?;
            after(frame, ethertype, 20, device)
        }
        LinkType::NULL | LinkType::LOOP => family(frame),
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => Ok(Network {
            offset: 0,
            vlans: 0,
            device: 0,
        }),
        _ => Err(NoNetwork::LinkType),
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and what came before 802.1ad.
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// More tags than anyone stacks.
const MAX_TAGS: usize = 5;

/// A frame whose EtherType stands at `at`, right before what it announces.
#[inline]
fn tagged(frame: &[u8], at: usize, device: u32) -> Result<Network, NoNetwork> {
    let ethertype = ethertype(frame, at)?;
    after(frame, ethertype, at + 2, device)
}

/// What an EtherType announces at `offset`: IP, perhaps behind VLAN tags.
#[inline]
fn after(
    frame: &[u8],
    mut announced: u16,
    mut offset: usize,
    device: u32,
) -> Result<Network, NoNetwork> {
    let mut vlans = 0;
    for _ in 0..=MAX_TAGS {
        if announced == IPV4 || announced == IPV6 {
            return Ok(Network {
                offset,
                vlans,
                device,
            });
        }
        if !VLAN.contains(&announced) {
            return Err(NoNetwork::NotIp);
        }
        // Identifier 0 is a priority without a VLAN.
        match ethertype(frame, offset)? & 0x0fff {
            0 => {}
            vlan => vlans = (vlans << 12) | u64::from(vlan),
        }
        announced = ethertype(frame, offset + 2)?;
        offset += 4;
    }
    Err(NoNetwork::NotIp)
}

/// Loopback: four bytes say the address family, by the numbers and in the byte order of the host
/// that captured.
fn family(frame: &[u8]) -> Result<Network, NoNetwork> {
    let family = frame.first_chunk::<4>().ok_or(NoNetwork::Cut)?;
    let is_ip = |family| matches!(family, 2 | 10 | 23 | 24 | 28 | 30);
    if is_ip(u32::from_be_bytes(*family)) || is_ip(u32::from_le_bytes(*family)) {
        return Ok(Network {
            offset: 4,
            vlans: 0,
            device: 0,
        });
    }
    Err(NoNetwork::NotIp)
}

#[inline]
fn ethertype(frame: &[u8], at: usize) -> Result<u16, NoNetwork> {
    let two = frame.get(at..).and_then(<[u8]>::first_chunk);
    Ok(u16::from_be_bytes(*two.ok_or(NoNetwork::Cut)?))
}
