//! Tells the kernel programs which connections the operator wants.
//!
//! What they do with it is in `observer_common::filter`.

use std::collections::HashMap;
use std::fs;
use std::hash::Hash;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap as KernelHash, LpmTrie, MapData, MapError, lpm_trie::Key};
use observer_common::filter::{
    CGROUPS, EXCLUDE, Filter, INCLUDE, NETWORKS, NetworkAddress, PORTS, place,
};

use crate::filter::{KernelFilter, Network};

/// The maps of the kernel programs that have the filter.
pub(super) struct Maps {
    pub(super) filter: Array<MapData, u64>,
    pub(super) ports: KernelHash<MapData, u32, u8>,
    pub(super) networks: LpmTrie<MapData, NetworkAddress, u8>,
    pub(super) cgroups: KernelHash<MapData, u64, u8>,
}

/// What the operator wants, and what the kernel programs have of it.
pub(super) struct Wanted {
    maps: Maps,
    generation: u32,
    filter: KernelFilter,
    /// Where the root of cgroup v2 is mounted.
    root: PathBuf,
    cgroups: Cgroups,
    looked: Instant,
    ports: Places<u32>,
    networks: Places<(u32, NetworkAddress)>,
    ids: Places<u64>,
}

/// The numbers of the cgroups that are named, where they exist.
type Cgroups = [Vec<Option<u64>>; 2];

/// How often it is looked whether a cgroup that is named has come, gone, or come again.
const PAUSE: Duration = Duration::from_secs(1);

impl Wanted {
    /// Nothing is filtered yet.
    pub(super) fn new(maps: Maps, root: PathBuf) -> Self {
        Self {
            maps,
            generation: 0,
            filter: KernelFilter::default(),
            root,
            cgroups: Cgroups::default(),
            looked: Instant::now(),
            ports: Places::default(),
            networks: Places::default(),
            ids: Places::default(),
        }
    }

    /// Replaces the filter. Connections that are known are asked again at their next segment.
    pub(super) fn set(&mut self, filter: &KernelFilter) -> Result<(), MapError> {
        if *filter == self.filter {
            return Ok(());
        }
        self.filter = filter.clone();
        self.cgroups = self.numbers();
        self.write()
    }

    /// Looks now and then whether the cgroups that are named are still the same: a service that is
    /// started again has another of the same name.
    pub(super) fn follow(&mut self) -> Result<(), MapError> {
        let named =
            !(self.filter.include.cgroups.is_empty() && self.filter.exclude.cgroups.is_empty());
        if !named || self.looked.elapsed() < PAUSE {
            return Ok(());
        }
        self.looked = Instant::now();
        let cgroups = self.numbers();
        if cgroups == self.cgroups {
            return Ok(());
        }
        self.cgroups = cgroups;
        self.write()
    }

    fn numbers(&self) -> Cgroups {
        [&self.filter.include, &self.filter.exclude].map(|places| {
            let numbers = places.cgroups.iter();
            numbers.map(|path| number(&self.root, path)).collect()
        })
    }

    /// Writes the next filter beside the present one, and then moves on to it.
    fn write(&mut self) -> Result<(), MapError> {
        // 0 stands for no filter at all.
        let next = self.generation.checked_add(1).unwrap_or(2);
        let Maps {
            filter,
            ports,
            networks,
            cgroups,
        } = &mut self.maps;
        let sides = [
            (INCLUDE, &self.filter.include, &self.cgroups[0]),
            (EXCLUDE, &self.filter.exclude, &self.cgroups[1]),
        ];
        let mut wanted = Wishes::default();
        for (says, places, numbers) in sides {
            for port in &places.ports {
                *wanted.ports.entry(u32::from(*port)).or_default() |= says;
            }
            for network in &places.networks {
                *wanted.networks.entry(network_key(*network)).or_default() |= says;
            }
            for number in numbers.iter().flatten() {
                *wanted.ids.entry(*number).or_default() |= says;
            }
        }
        let networks_wanted = inherit(&wanted.networks);
        self.ports
            .replace(&wanted.ports, next, |key, value| match value {
                Some(value) => ports.insert(key, value, 0),
                None => ports.remove(key),
            })?;
        self.networks
            .replace(&networks_wanted, next, |(bits, address), value| {
                let key = Key::new(*bits, *address);
                match value {
                    Some(value) => networks.insert(&key, value, 0),
                    None => networks.remove(&key),
                }
            })?;
        self.ids
            .replace(&wanted.ids, next, |key, value| match value {
                Some(value) => cgroups.insert(key, value, 0),
                None => cgroups.remove(key),
            })?;
        let places = &self.filter.include;
        let mut includes = 0;
        // A cgroup that does not exist may come at any time: until then all pass, and the agent sorts.
        for (kind, named) in [
            (PORTS, !places.ports.is_empty()),
            (NETWORKS, !places.networks.is_empty()),
            (
                CGROUPS,
                !places.cgroups.is_empty() && self.cgroups[0].iter().all(Option::is_some),
            ),
        ] {
            includes |= if named { kind } else { 0 };
        }
        let mut kinds = 0;
        for (kind, named) in [
            (PORTS, !wanted.ports.is_empty()),
            (NETWORKS, !wanted.networks.is_empty()),
            (CGROUPS, !wanted.ids.is_empty()),
        ] {
            kinds |= if named { kind } else { 0 };
        }
        let all = Filter {
            generation: next,
            includes,
            kinds,
        };
        filter.set(0, all.word(), 0)?;
        self.generation = next;
        Ok(())
    }
}

/// What is to be written, by key.
#[derive(Default)]
struct Wishes {
    ports: HashMap<u32, u8>,
    networks: HashMap<(u32, NetworkAddress), u8>,
    ids: HashMap<u64, u8>,
}

/// What a map of the kernel has.
struct Places<K>(HashMap<K, u8>);

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// Writes what the filter of number `next` wants, and leaves alone what the one before it says.
    fn replace(
        &mut self,
        wanted: &HashMap<K, u8>,
        next: u32,
        mut write: impl FnMut(&K, Option<u8>) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        let present = place(next.wrapping_sub(1), INCLUDE | EXCLUDE);
        let mut all: HashMap<K, u8> = self
            .0
            .iter()
            .map(|(key, value)| (*key, value & present))
            .collect();
        for (key, says) in wanted {
            *all.entry(*key).or_default() |= place(next, *says);
        }
        for (key, value) in &all {
            if self.0.get(key) == Some(value) {
                continue;
            }
            write(key, (*value != 0).then_some(*value))?;
            if *value == 0 {
                self.0.remove(key);
            } else {
                self.0.insert(*key, *value);
            }
        }
        Ok(())
    }
}

/// The kernel finds the narrowest network of an address alone, so each says what the wider ones say.
fn inherit(networks: &HashMap<(u32, NetworkAddress), u8>) -> HashMap<(u32, NetworkAddress), u8> {
    let covers = |(bits, wide): &(u32, NetworkAddress), narrow: &NetworkAddress| {
        let differ = u128::from_be_bytes(*wide) ^ u128::from_be_bytes(*narrow);
        *bits <= differ.leading_zeros()
    };
    networks
        .keys()
        .map(|key| {
            let wider = networks
                .iter()
                .filter(|(other, _)| other.0 <= key.0 && covers(other, &key.1));
            (*key, wider.fold(0, |says, (_, more)| says | more))
        })
        .collect()
}

/// IPv4 lies in `::ffff:0:0/96`. Bits beyond the prefix are cleared, so that one network is one key.
fn network_key(network: Network) -> (u32, NetworkAddress) {
    let (address, bits) = match network.address {
        IpAddr::V4(address) => (address.to_ipv6_mapped(), u32::from(network.prefix) + 96),
        IpAddr::V6(address) => (address, u32::from(network.prefix)),
    };
    let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
    (bits, (address.to_bits() & mask).to_be_bytes())
}

/// The number of a cgroup: the inode of its directory.
fn number(root: &Path, path: &Path) -> Option<u64> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    fs::metadata(root.join(inside)).ok().map(|it| it.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> (u32, NetworkAddress) {
        network_key(text.parse().unwrap())
    }

    #[test]
    fn a_network_has_one_key() {
        assert_eq!(key("10.1.2.3/8"), key("10.0.0.0/8"));
        assert_eq!(key("10.0.0.0/8").0, 104);
        assert_eq!(key("::/0"), (0, [0; 16]));
    }

    #[test]
    fn a_narrow_network_says_what_the_wider_ones_say() {
        let networks = HashMap::from([
            (key("10.0.0.0/8"), INCLUDE),
            (key("10.1.0.0/16"), EXCLUDE),
            (key("11.0.0.0/8"), EXCLUDE),
        ]);
        let all = inherit(&networks);
        assert_eq!(all[&key("10.1.0.0/16")], INCLUDE | EXCLUDE);
        assert_eq!(all[&key("10.0.0.0/8")], INCLUDE);
    }

    #[test]
    fn the_present_filter_holds_while_the_next_is_written() {
        let mut places = Places::default();
        let mut map = HashMap::new();
        let mut write = |places: &mut Places<u32>, wanted: &[(u32, u8)], next: u32| {
            let wanted = wanted.iter().copied().collect();
            let put = |key: &u32, value: Option<u8>| {
                match value {
                    Some(value) => map.insert(*key, value),
                    None => map.remove(key),
                };
                Ok(())
            };
            places.replace(&wanted, next, put).unwrap();
            map.clone()
        };
        use observer_common::filter::says;
        write(&mut places, &[(80, INCLUDE)], 1);
        let map = write(&mut places, &[(81, EXCLUDE)], 2);
        assert_eq!((says(map[&80], 1), says(map[&80], 2)), (INCLUDE, 0));
        assert_eq!((says(map[&81], 1), says(map[&81], 2)), (0, EXCLUDE));
        let map = write(&mut places, &[], 3);
        assert!(!map.contains_key(&80));
        assert_eq!(says(map[&81], 2), EXCLUDE);
        assert!(write(&mut places, &[], 4).is_empty());
    }
}
