//! Connections whose two directions were seen on different links.
//!
//! Mirror ports and tunnels may tag one direction and not the other, or give each a number of its own.
//! That both are one connection shows in what they acknowledge: an answer on another link that
//! acknowledges what was just sent belongs to it. Addresses that only repeat do not.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use lru::LruCache;

use super::layer::Tcp;
use crate::packet::{ConnectionKey, Direction};

/// How many connections are remembered; the one that was silent for longest is forgotten, and its
/// directions are told apart from then on. 2 MiB.
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// An acknowledgement belongs to data that ended at most so many bytes behind it.
const MAX_BEHIND: u32 = 1024 * 1024;

/// On which links the directions of connections were seen.
pub(super) struct Ways {
    connections: LruCache<(SocketAddr, SocketAddr), Way>,
}

/// Where a connection was seen first, and which link has its other direction.
struct Way {
    link: u32,
    direction: Direction,
    /// Behind the data of that direction.
    end: u32,
    /// The link of the other direction: the same one, until it shows on another.
    other: Option<u32>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            connections: LruCache::sparse(MAX_CONNECTIONS),
        }
    }
}

impl Ways {
    /// The connection of a segment that was seen on a link. `only`: there is no other link so far, so
    /// that only the starts of connections are worth a note.
    #[inline]
    pub(super) fn connection(
        &mut self,
        tcp: &Tcp<'_>,
        link: u32,
        only: bool,
    ) -> (Direction, ConnectionKey) {
        let (direction, key) = tcp.connection(link);
        let ConnectionKey::Flow { low, high, .. } = key else {
            return (direction, key);
        };
        if only && !tcp.opens() {
            return (direction, key);
        }
        let link = self.link((low, high), tcp, direction, link);
        (direction, ConnectionKey::Flow { low, high, link })
    }

    fn link(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        tcp: &Tcp<'_>,
        direction: Direction,
        link: u32,
    ) -> u32 {
        let known = self.connections.get_mut(&ends);
        let Some(way) = known.filter(|way| !(tcp.opens() && way.link == link)) else {
            let way = Way {
                link,
                direction,
                end: tcp.end(),
                other: None,
            };
            self.connections.put(ends, way);
            return link;
        };
        if way.direction == direction {
            if way.link == link {
                way.end = tcp.end();
            } else {
                // It passes on both links, as before and behind a router: each has its own answers.
                way.other.get_or_insert(way.link);
            }
            return link;
        }
        if way.other.is_none()
            && (way.link == link
                || tcp
                    .acknowledged()
                    .is_some_and(|seq| way.end.wrapping_sub(seq) <= MAX_BEHIND))
        {
            way.other = Some(link);
        }
        match way.other == Some(link) {
            true => way.link,
            false => link,
        }
    }
}
