//! What one exchange cannot tell: conditions, from many exchanges.
//!
//! [`History`] is fed with every judged exchange, in the order in which the pipeline completes them, and by one
//! thread, so that it finds the same for any number of threads. What it remembers is in `memory`; `find` has
//! the conditions, a family a file; `active` those that hold; `clock` what is known of clocks. A condition is
//! an explanation, never more certain than `inferred`: docs/conditions.md has what each rests on.
//!
//! Its memory is bounded by [`MAX_BYTES`]. When a table is full, the service that has most of it gives up what
//! it did not use for the longest time; and what was never accepted anywhere has tables of its own.

mod active;
mod caches;
mod clock;
mod condition;
mod ends;
mod few;
mod find;
mod learn;
mod memory;
mod scene;
mod sighting;
mod streak;
mod table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::identity::Process;
use crate::time::{Step, Timestamp};
use crate::verdict::{Cause, Verdict};

pub use clock::{Offset, Source};
pub use condition::{Change, Concern, Condition, Ending, Weight};
pub use sighting::Sighting;

use active::Active;
use ends::Ends;
use find::Hops;
use memory::Memory;
use scene::{At, Scene};

/// A condition that began, to test sinks with.
#[cfg(test)]
pub(crate) fn sample() -> Change {
    Change {
        number: 1,
        time: Timestamp::from_seconds(1_700_000_100),
        condition: Condition::TokenTruncated,
        concern: Concern {
            service: "orders:8080".into(),
            issuer: Some("https://issuer.example".into()),
            kid: None,
        },
        since: Timestamp::from_seconds(1_700_000_000),
        last: Timestamp::from_seconds(1_700_000_100),
        weight: Weight {
            exchanges: 1,
            tokens: 64,
            clients: 2,
        },
        evidence: vec!["each of them has 4090 bytes".to_owned()],
        ended: None,
    }
}

/// What history may take at the most, in bytes.
pub const MAX_BYTES: usize = 96 * 1024 * 1024;

/// What was seen before, and what it explains.
#[derive(Default)]
pub struct History {
    memory: Memory,
    active: Active,
    ends: Ends,
    hops: Hops,
    /// The latest place: the next exchange is often of the same.
    latest: Option<Latest>,
    /// Verdicts with what is known of the clock, by the verdict without.
    quoted: VecDeque<(Arc<Verdict>, Offset, Arc<Verdict>)>,
    clocks: Vec<(Arc<str>, Offset)>,
    clock: Timestamp,
}

/// A place, and by what it is known again: kept, so that nothing else comes to lie there.
struct Latest {
    service: Arc<str>,
    server: SocketAddr,
    process: Option<Arc<Process>>,
    at: At,
}

/// A clock that is off by more than this is quoted, in milliseconds.
const WORTH_A_WORD: i64 = 5000;
/// How many verdicts that quote a clock are remembered, to be shared.
const QUOTED: usize = 32;

impl History {
    /// Takes an exchange with its verdict.
    pub fn take(&mut self, sighting: &Sighting<'_>) {
        self.clock = self.clock.max(sighting.exchange.completed);
        self.active.set_step(sighting.step);
        if self.ends.now(sighting, self.clock, &self.memory) {
            self.look(*sighting);
        }
        self.release(false);
    }

    /// The clock of the data has come so far, and the time of day was set so far.
    pub fn pass(&mut self, clock: Timestamp, step: Step) {
        self.clock = self.clock.max(clock);
        self.active.set_step(step);
        self.release(false);
        self.active.pass(self.clock);
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        self.release(true);
    }

    /// Whether there is anything to ask for below.
    pub fn has_news(&self) -> bool {
        self.active.has_news() || !self.clocks.is_empty()
    }

    /// What began and ended since this was last asked.
    pub fn changes(&mut self) -> Vec<Change> {
        self.active.changes()
    }

    /// The clocks of services that were read anew since this was last asked.
    pub fn clocks(&mut self) -> Vec<(Arc<str>, Offset)> {
        std::mem::take(&mut self.clocks)
    }

    /// How many entries it holds in all.
    pub fn entries(&self) -> usize {
        self.memory.entries() + self.ends.entries() + self.active.len()
    }

    /// How many bytes its tables have taken, without what single entries point to.
    pub fn bytes(&self) -> usize {
        self.memory.bytes() + self.active.bytes() + self.hops.bytes()
    }

    /// The verdict with what is known of the clock of whoever gave it, where that matters to it.
    pub fn quoting(&mut self, sighting: &Sighting<'_>) -> Arc<Verdict> {
        let verdict = sighting.verdict;
        let is_of_time = matches!(
            verdict.cause,
            Some(Cause::TokenExpired | Cause::TokenNotYetValid | Cause::TokenIssuedInFuture)
        );
        if !is_of_time || sighting.why().is_none() {
            return Arc::clone(verdict);
        }
        let at = self.at(sighting);
        let place = self.memory.places.peek(at.place);
        let offset = place.and_then(|place| place.own.offset().or(place.date.offset()));
        let Some(offset) = offset.filter(|offset| offset.is_beyond(WORTH_A_WORD)) else {
            return Arc::clone(verdict);
        };
        let known = self.quoted.iter().find(|(without, by, _)| {
            Arc::ptr_eq(without, verdict) && (by.low, by.high) == (offset.low, offset.high)
        });
        if let Some((.., with)) = known {
            return Arc::clone(with);
        }
        let with = Arc::new(verdict.quoting_clock(&offset.to_string()));
        if self.quoted.len() >= QUOTED {
            self.quoted.pop_front();
        }
        self.quoted
            .push_back((Arc::clone(verdict), offset, Arc::clone(&with)));
        with
    }

    fn release(&mut self, all: bool) {
        while let Some(held) = self.ends.waited(self.clock, all) {
            self.look(held.sighting());
        }
    }

    fn at(&mut self, sighting: &Sighting<'_>) -> At {
        let connection = &sighting.exchange.connection;
        let process = sighting.exchange.handled.as_ref();
        let process = process.and_then(|handled| handled.process.as_ref());
        if connection.unix.is_none()
            && let Some(latest) = &self.latest
            && Arc::ptr_eq(&latest.service, sighting.service)
            && latest.server == connection.server
            && latest.process.as_ref().map(Arc::as_ptr) == process.map(Arc::as_ptr)
        {
            return latest.at;
        }
        let at = At::of(sighting, &self.memory);
        if connection.unix.is_none() {
            self.latest = Some(Latest {
                service: Arc::clone(sighting.service),
                server: connection.server,
                process: process.cloned(),
                at,
            });
        }
        at
    }

    fn look(&mut self, sighting: Sighting<'_>) {
        let why = sighting.why();
        let grant = sighting.exchange.grant.as_ref();
        if why.is_none() && !sighting.is_accepted() && grant.is_none() {
            return;
        }
        let at = self.at(&sighting);
        let scene = Scene::new(sighting, self.clock, at, &self.memory);
        if let Some(grant) = grant {
            find::take_grant(&scene, grant, &mut self.memory, &mut self.active);
            return;
        }
        match why {
            Some(why) => self.refused(scene, why),
            None => self.accepted(scene),
        }
    }
}
