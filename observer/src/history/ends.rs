//! Both ends of an exchange on one host are one exchange.

use std::collections::VecDeque;
use std::time::Duration;

use crate::exchange::Side;
use crate::recent::Recent;
use crate::time::Timestamp;

use super::memory::Memory;
use super::sighting::{Held, Sighting};

/// Holds clients' ends until their servers' had time to come.
pub(super) struct Ends {
    /// Addresses that were seen at the end of a server, and when.
    here: Recent<u64, Timestamp>,
    /// Answers that were seen at the end of a server.
    answers: Recent<u64, ()>,
    held: VecDeque<(Timestamp, u64, Held)>,
    /// When a client's end was held last.
    holding: Option<Timestamp>,
}

/// How many addresses and answers are known at the least, and half of how many at most.
const ADDRESSES: usize = 2048;
const ANSWERS: usize = 16_384;
/// How many clients' ends are held at the most.
const HELD: usize = 4096;
/// How long.
const PATIENCE: Duration = Duration::from_millis(500);
/// A server that was seen here no longer ago than this is here.
const HERE: Duration = Duration::from_secs(600);
/// So long after a client's end was held, answers at servers' ends are noted.
const WATCHED: Duration = Duration::from_secs(10);

impl Default for Ends {
    fn default() -> Self {
        Self {
            here: Recent::new(ADDRESSES),
            answers: Recent::new(ANSWERS),
            held: VecDeque::new(),
            holding: None,
        }
    }
}

impl Ends {
    /// Whether an exchange is to be looked at now. A client's end is held, or another end of the same is
    /// looked at.
    pub(super) fn now(
        &mut self,
        sighting: &Sighting<'_>,
        clock: Timestamp,
        memory: &Memory,
    ) -> bool {
        match sighting.side() {
            Side::Wire => true,
            Side::Server => {
                let server = memory.digest(sighting.server());
                if self
                    .here
                    .get(&server)
                    .is_none_or(|seen| clock.since(*seen) > HERE / 2)
                {
                    self.here.put(server, clock);
                }
                let is_watched = self.holding.is_some_and(|last| clock.since(last) < WATCHED);
                if is_watched && let Some(answer) = answer(sighting, memory) {
                    self.answers.put(answer, ());
                }
                true
            }
            Side::Client => {
                let server = memory.digest(sighting.server());
                let is_here = self
                    .here
                    .get(&server)
                    .is_some_and(|seen| clock.since(*seen) < HERE);
                if is_here || self.held.len() >= HELD {
                    return false;
                }
                self.holding = Some(clock);
                if let Some(answer) = answer(sighting, memory) {
                    self.held.push_back((clock, answer, Held::of(sighting)));
                }
                false
            }
        }
    }

    /// A client's end that has waited long enough, and whose server is elsewhere. `all`: nothing more comes.
    pub(super) fn waited(&mut self, clock: Timestamp, all: bool) -> Option<Held> {
        while let Some((since, ..)) = self.held.front() {
            if !all && clock.since(*since) < PATIENCE {
                return None;
            }
            let (_, answer, held) = self.held.pop_front()?;
            if self.answers.get(&answer).is_none() {
                return Some(held);
            }
        }
        None
    }

    /// How many are held, and noted.
    pub(super) fn entries(&self) -> usize {
        self.held.len() + self.here.len() + self.answers.len()
    }
}

/// What both ends of an exchange have.
fn answer(sighting: &Sighting<'_>, memory: &Memory) -> Option<u64> {
    let response = sighting.exchange.response.as_ref()?;
    let key = (response.seq, response.status);
    Some(memory.digest(key))
}
