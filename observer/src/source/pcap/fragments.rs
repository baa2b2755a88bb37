//! IP packets that came in parts, put together again.
//!
//! As Linux does it: a copy of what is there already is left out, parts that overlap otherwise are no
//! packet at all (RFC 5722), and after 30 seconds the rest is not waited for.

use std::time::Duration;

use etherparse::defrag::IpDefragBuf;
use lru::LruCache;
use zeroize::{Zeroize, Zeroizing};

use super::layer::{Carried, Fragment, FragmentKey, Layer, Packet, Place};
use crate::time::Timestamp;

/// How many packets may be waiting for parts; the one that waits longest is given up. 64 KiB each:
/// 16 MiB at most.
const MAX_WAITING: usize = 256;
/// How many parts a packet may have: four times as many as the smallest link makes of the largest.
const MAX_PARTS: u64 = 512;
/// How long parts are waited for, by the clock of the data.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest IP packet.
const LARGEST: usize = 65_535;

/// Packets of which parts are missing.
pub(super) struct Fragments {
    waiting: LruCache<FragmentKey, Parts>,
    /// Parts of packets that will never be whole.
    given_up: u64,
}

/// What is here of a packet.
struct Parts {
    bytes: IpDefragBuf,
    count: u64,
    since: Timestamp,
}

/// A packet that was put together.
pub(super) struct Whole {
    key: FragmentKey,
    bytes: Zeroizing<Vec<u8>>,
    /// Of how many parts.
    pub(super) parts: u64,
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            waiting: LruCache::unbounded(),
            given_up: 0,
        }
    }
}

impl Fragments {
    /// Takes a part. Gives the packet if that was the last one missing.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, now: Timestamp) -> Option<Whole> {
        self.forget_old(now);
        let key = fragment.key;
        if !self.waiting.contains(&key) {
            while self.waiting.len() >= MAX_WAITING {
                self.give_up_oldest();
            }
            self.waiting.push(key, Parts::new(&key, now));
        }
        let parts = self.waiting.peek_mut(&key)?;
        match parts.add(fragment) {
            Added::Taken if parts.bytes.is_complete() => {
                let parts = self.waiting.pop(&key)?;
                Some(parts.whole(key))
            }
            Added::Taken => None,
            Added::Copy => {
                self.given_up += 1;
                None
            }
            Added::Contradiction => {
                self.given_up += 1 + self.waiting.pop(&key).map_or(0, |parts| parts.count);
                None
            }
        }
    }

    /// Parts that were not put together: given up, copies, or waiting still.
    pub(super) fn apart(&self) -> u64 {
        let waiting: u64 = self.waiting.iter().map(|(_, parts)| parts.count).sum();
        self.given_up + waiting
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some((_, oldest)) = self.waiting.peek_lru()
            && oldest.since.plus(PATIENCE) < now
        {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some((_, parts)) = self.waiting.pop_lru() {
            self.given_up += parts.count;
        }
    }
}

/// What became of a part.
enum Added {
    Taken,
    Copy,
    Contradiction,
}

impl Parts {
    fn new(key: &FragmentKey, since: Timestamp) -> Self {
        // All of it at once: a vector that grows leaves the old bytes behind, unwiped.
        let bytes = IpDefragBuf::new(key.number, Vec::with_capacity(LARGEST), Vec::new());
        Self {
            bytes,
            count: 0,
            since,
        }
    }

    fn add(&mut self, fragment: &Fragment<'_>) -> Added {
        let start = usize::from(fragment.offset.byte_offset());
        let end = start + fragment.bytes.len();
        for section in self.bytes.sections() {
            let (from, to) = (usize::from(section.start), usize::from(section.end));
            if from <= start && end <= to {
                return Added::Copy;
            }
            if start < to && from < end {
                return Added::Contradiction;
            }
        }
        let added = self
            .bytes
            .add(fragment.offset, fragment.more, fragment.bytes);
        if added.is_err() || self.count == MAX_PARTS {
            return Added::Contradiction;
        }
        self.count += 1;
        Added::Taken
    }

    fn whole(mut self, key: FragmentKey) -> Whole {
        Whole {
            key,
            bytes: Zeroizing::new(self.take()),
            parts: self.count,
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let nothing = IpDefragBuf::new(self.bytes.ip_number(), Vec::new(), Vec::new());
        std::mem::replace(&mut self.bytes, nothing).take_bufs().0
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        self.take().zeroize();
    }
}

impl Whole {
    /// What the packet carries.
    pub(super) fn layer(&self) -> Layer {
        Layer::Carried(Carried {
            number: self.key.number,
            source: self.key.source,
            target: self.key.target,
        })
    }

    /// What it carries, where it was seen.
    pub(super) fn packet(&self) -> Packet<'_> {
        let place: Place = self.key.place;
        Packet::new(&self.bytes, self.bytes.len(), place)
    }
}
