//! What the kernel can decide before anything is copied: ports, addresses, cgroups.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

/// What the kernel's programs let through, for [`crate::source::Source::set_filter`].
///
/// A connection passes when it meets every list of `include` that is not empty, and none of
/// `exclude`. The agent applies the same rules to exchanges again ([`super::Rules`]), so a source may
/// let more through where it does not know enough, but never less: a connection of which it does not
/// know which end serves passes where the port of either is wanted, and one whose socket has no known
/// cgroup passes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KernelFilter {
    /// What is wanted. Empty lists want everything.
    pub include: Places,
    /// What is not wanted.
    pub exclude: Places,
}

/// Where connections may be.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places {
    /// Ports of servers. At most [`super::MAX_ENTRIES`], as in each list.
    pub ports: Vec<u16>,
    /// Either end has an address in one of these.
    pub networks: Vec<Network>,
    /// Paths below the root of cgroup v2, absolute, without its mount point: `/system.slice/x.service`.
    /// What is below one belongs to it. One that does not exist (yet) is no error.
    pub cgroups: Vec<PathBuf>,
}

impl Places {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.networks.is_empty() && self.cgroups.is_empty()
    }

    /// Whether either end is in one of the networks.
    pub(super) fn has_either(&self, ends: [SocketAddr; 2]) -> bool {
        self.networks
            .iter()
            .any(|network| ends.iter().any(|end| network.contains(end.ip())))
    }

    /// Whether a cgroup is one of these or below one.
    pub(super) fn has_cgroup(&self, cgroup: &str) -> bool {
        self.cgroups
            .iter()
            .any(|above| Path::new(cgroup).starts_with(above))
    }
}

/// Addresses that start with the same bits, as CIDR writes them. One address is a network too.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Network {
    /// An address of it. An IPv6 address that stands for one of IPv4 is kept as IPv4.
    pub address: IpAddr,
    /// How many bits are the same: at most 32 or 128.
    pub prefix: u8,
}

impl Network {
    /// Whether an address is of this network.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                u32::from(self.prefix) <= differ.leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                u32::from(self.prefix) <= differ.leading_zeros()
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is no network: write 10.0.0.0/8, fd00::/8 or 127.0.0.1");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
        let written = bits(address);
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| wrong())?,
            None => written,
        };
        let address = address.to_canonical();
        // ::ffff:a.b.c.d/120 is a.b.c.d/24.
        let prefix = u8::checked_sub(prefix, written - bits(address)).ok_or_else(wrong)?;
        if prefix > bits(address) {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_cidr_writes_them() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "9.1.2.3"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fd00::/8", "fd12::1", "fe80::1"),
            ("::/0", "::1", "127.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.0.0.0"),
            ("192.168.0.0/31", "192.168.0.1", "192.168.0.2"),
        ] {
            let network: Network = text.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(
                !network.contains(outside.parse().unwrap()),
                "{text} {outside}"
            );
        }
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "::ffff:10.0.0.0/90",
            "localhost",
            "10.0.0.0/8/8",
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains("10.0.0.0/8"), "{text}");
        }
    }

    #[test]
    fn an_address_of_ipv4_written_as_ipv6_is_the_same() {
        let network: Network = "10.0.0.0/8".parse().unwrap();
        assert!(network.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert_eq!(network.to_string(), "10.0.0.0/8");
    }

    #[test]
    fn what_is_below_a_cgroup_belongs_to_it() {
        let places = Places {
            cgroups: vec!["/system.slice/a.service".into()],
            ..Places::default()
        };
        assert!(places.has_cgroup("/system.slice/a.service"));
        assert!(places.has_cgroup("/system.slice/a.service/worker"));
        assert!(!places.has_cgroup("/system.slice/a.service2"));
        assert!(!places.has_cgroup("/system.slice"));
    }
}
