//! The number of the link that a packet was seen on.

use std::collections::HashMap;

use super::layer::Place;

/// How many links are told apart; all further ones count as one. 4 MiB at most.
const MAX_LINKS: usize = 65_536;

/// Numbers links in the order of first sight.
///
/// A link is an interface, the VLAN tags of the packet and the number of the network in a tunnel, because
/// private addresses repeat across them. The interface is its number in the capture (pcapng) or on the host (Linux cooked v2); the
/// same number in another file is the same interface, so that a connection goes on across the files
/// of a rotated capture. The two directions of a connection may be on different links: see [`super::ways`].
#[derive(Default)]
pub(super) struct Links {
    numbers: HashMap<Link, u32>,
    last: Option<(Link, u32)>,
}

type Link = (u32, Place);

impl Links {
    #[inline]
    pub(super) fn number(&mut self, interface: u32, place: &Place) -> u32 {
        let link = (interface, *place);
        if let Some((last, number)) = self.last
            && last == link
        {
            return number;
        }
        let next = self.numbers.len();
        let number = if next < MAX_LINKS {
            *self.numbers.entry(link).or_insert(next as u32)
        } else {
            self.numbers.get(&link).copied().unwrap_or(MAX_LINKS as u32)
        };
        self.last = Some((link, number));
        number
    }

    /// Whether there is one at most.
    pub(super) fn is_only(&self) -> bool {
        self.numbers.len() <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_link_has_the_same_number_and_the_last_number_is_shared() {
        let mut links = Links::default();
        let place = |vlans| Place {
            vlans,
            ..Place::default()
        };
        assert_eq!(links.number(0, &place(0)), 0);
        assert_eq!(links.number(0, &place(7)), 1);
        assert_eq!(links.number(0, &place(0)), 0);
        for vlan in 0..MAX_LINKS as u64 + 10 {
            links.number(1, &place(vlan));
        }
        assert_eq!(links.numbers.len(), MAX_LINKS);
        assert_eq!(links.number(2, &place(0)), MAX_LINKS as u32);
        assert_eq!(links.number(0, &place(7)), 1);
    }
}
