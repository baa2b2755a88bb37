//! What is remembered, by token, by key, by validator, by service and by client.
//!
//! Everything here is found by a digest under a key of this process. What was accepted anywhere has tables of
//! its own, which what was never accepted cannot crowd out.

mod kept;

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;

use crate::digest::DigestKey;

use super::table::{SHELVES, Table};

pub(super) use kept::{
    ACCEPTED, Accepts, Birth, Client, ISSUER_KIDS, Issuer, Kid, Place, Refresh, Service, Token, Use,
};

/// What history remembers.
pub(super) struct Memory {
    pub(super) digests: Digests,
    /// Tokens, by fingerprint.
    pub(super) tokens: Tiers<Token>,
    /// What a place does with a key of an issuer.
    pub(super) uses: Tiers<Use>,
    /// What a place does with tokens of one kind: of an issuer, for some audiences.
    pub(super) kinds: Tiers<Use>,
    /// Keys that were accepted anywhere.
    pub(super) kids: Table<Kid>,
    /// Issuers of tokens.
    pub(super) issuers: Tiers<Issuer>,
    /// Who asks, by service and address.
    pub(super) clients: Table<Client>,
    /// Who checks: an address, or a container.
    pub(super) places: Table<Place>,
    pub(super) services: Table<Service>,
    /// Refresh tokens.
    pub(super) refreshes: Table<Refresh>,
}

/// So many tokens that were accepted are remembered, and so many that were not.
pub(super) const TOKENS: usize = 65_536;
pub(super) const STRANGERS: usize = 16_384;
/// So many keys at a place, and kinds of tokens at a place, that were accepted.
pub(super) const USES: usize = 8192;
/// So many that were not.
pub(super) const STRANGE_USES: usize = 4096;
/// So many keys and issuers.
pub(super) const KIDS: usize = 8192;
pub(super) const ISSUERS: usize = 2048;
pub(super) const STRANGE_ISSUERS: usize = 1024;
/// So many clients, validators and services.
pub(super) const CLIENTS: usize = 16_384;
pub(super) const PLACES: usize = 4096;
pub(super) const SERVICES: usize = 2048;
/// So many refresh tokens.
pub(super) const REFRESHES: usize = 16_384;

/// So many entries are there at the most, in all tables together.
#[cfg(test)]
pub(super) const MOST_ENTRIES: usize = TOKENS
    + STRANGERS
    + 2 * (USES + STRANGE_USES)
    + KIDS
    + ISSUERS
    + STRANGE_ISSUERS
    + CLIENTS
    + PLACES
    + SERVICES
    + REFRESHES
    + 256;

/// The keys of the digests.
#[derive(Default)]
pub(super) struct Digests {
    any: RandomState,
    /// For what is asked for with every exchange.
    quick: DigestKey,
}

/// What was accepted, and what never was.
pub(super) struct Tiers<V> {
    pub(super) known: Table<V>,
    pub(super) strange: Table<V>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            digests: Digests::default(),
            tokens: Tiers::new(TOKENS, STRANGERS),
            uses: Tiers::new(USES, STRANGE_USES),
            kinds: Tiers::new(USES, STRANGE_USES),
            kids: Table::new(KIDS),
            issuers: Tiers::new(ISSUERS, STRANGE_ISSUERS),
            clients: Table::new(CLIENTS),
            places: Table::new(PLACES),
            services: Table::new(SERVICES),
            refreshes: Table::new(REFRESHES),
        }
    }
}

impl Memory {
    /// What stands for something in the tables.
    pub(super) fn digest(&self, what: impl Hash) -> u64 {
        self.digests.of(what)
    }

    /// How many entries there are in all tables.
    pub(super) fn entries(&self) -> usize {
        self.tokens.len()
            + self.uses.len()
            + self.kinds.len()
            + self.kids.len()
            + self.issuers.len()
            + self.clients.len()
            + self.places.len()
            + self.services.len()
            + self.refreshes.len()
    }

    /// How many bytes the tables have taken, without what single entries point to.
    pub(super) fn bytes(&self) -> usize {
        self.tokens.bytes()
            + self.uses.bytes()
            + self.kinds.bytes()
            + self.kids.bytes()
            + self.issuers.bytes()
            + self.clients.bytes()
            + self.places.bytes()
            + self.services.bytes()
            + self.refreshes.bytes()
    }
}

impl Digests {
    /// What stands for something in the tables. Never 0, which stands for nothing.
    pub(super) fn of(&self, what: impl Hash) -> u64 {
        self.any.hash_one(what) | 1
    }

    /// What stands for whoever asks.
    pub(super) fn of_client(&self, address: IpAddr) -> u64 {
        let address = match address {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let [low, high, _] = self.quick.of(&address.octets()).words();
        (low ^ high) | 1
    }
}

impl<V: Default> Tiers<V> {
    fn new(known: usize, strange: usize) -> Self {
        Self {
            known: Table::new(known),
            strange: Table::new(strange),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len() + self.strange.len()
    }

    fn bytes(&self) -> usize {
        self.known.bytes() + self.strange.bytes()
    }

    /// What is known under a key that is accepted now.
    pub(super) fn accepted(&mut self, key: u64, shelf: u32) -> &mut V {
        if !self.known.has(key)
            && let Some(value) = self.strange.remove(key)
        {
            self.known.put(key, shelf, value);
        }
        self.known.entry(key, shelf)
    }

    /// What is known under a key that is refused now.
    pub(super) fn refused(&mut self, key: u64, shelf: u32) -> &mut V {
        if self.known.has(key) {
            self.known.entry(key, shelf)
        } else {
            self.strange.entry(key, shelf)
        }
    }

    /// What is known under a key, without using it.
    pub(super) fn peek(&self, key: u64) -> Option<&V> {
        self.known.peek(key).or_else(|| self.strange.peek(key))
    }
}

/// The shelf of a service: the same in every run, so that the same is forgotten.
pub(super) fn shelf(service: &str) -> u32 {
    // FNV-1a: nobody outside names services.
    let hash = service.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash ^ (hash >> 16)) % SHELVES
}
