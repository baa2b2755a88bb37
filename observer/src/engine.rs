//! From items to exchanges: connections, streams, messages and their pairing, in shards.
//!
//! Connections are spread over 64 logical shards by their key, and shards over worker threads. All
//! bounds belong to shards and all timers follow the clock of the data, which is the latest time of
//! any item so far. So what comes out depends on the items alone: not on the number of threads, and
//! not on how the items are cut into batches, except that a batch gives what was complete before its
//! clock and keeps back the rest for the next.

mod connection;
mod conversation;
mod limits;
mod pairing;
mod shard;
mod tally;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;

pub use limits::Limits;
pub use tally::Tally;

use crate::credential::{Inspector, Policy};
use crate::exchange::{Exchange, TlsSeen};
use crate::packet::{Batch, ConnectionKey};
use crate::protocol::http1::Heads;
use crate::time::Timestamp;
use shard::{Desk, Shard};

/// How many logical shards there are. Part of what output depends on: never a knob.
const SHARDS: usize = 64;
/// Fewer items than this are done where they are: to wake other threads would take longer.
const WORTH_THREADS: usize = 512;

/// Turns what a source saw into exchanges.
pub struct Engine {
    limits: Limits,
    workers: Vec<Worker>,
    clock: Timestamp,
    /// Complete, but others may still complete at the same time or before.
    pending: Vec<Output>,
}

/// What the engine gives out.
#[derive(Clone)]
pub enum Output {
    /// A request and its answer, or one of them.
    Exchange(Exchange),
    /// A TLS connection that began.
    Tls(TlsSeen),
}

impl Output {
    fn completed(&self) -> Timestamp {
        match self {
            Self::Exchange(exchange) => exchange.completed,
            Self::Tls(seen) => seen.completed,
        }
    }

    fn key(&self) -> &ConnectionKey {
        match self {
            Self::Exchange(exchange) => &exchange.connection.key,
            Self::Tls(seen) => &seen.connection.key,
        }
    }
}

/// Some of the shards, and what a thread needs to work on them.
struct Worker {
    /// By their number; another has those that are missing.
    shards: Vec<Option<Shard>>,
    inspector: Inspector,
    heads: Heads,
    output: Vec<Output>,
}

impl Engine {
    /// An engine that works on `threads` threads, at most as many as there are shards.
    pub fn new(limits: Limits, policy: Arc<Policy>, threads: NonZeroUsize) -> Self {
        let threads = threads.get().min(SHARDS);
        let worker = |number: usize| Worker {
            shards: (0..SHARDS)
                .map(|shard| (shard % threads == number).then(Shard::new))
                .collect(),
            inspector: Inspector::new(Arc::clone(&policy)),
            heads: Heads::default(),
            output: Vec::new(),
        };
        Self {
            limits,
            workers: (0..threads).map(worker).collect(),
            clock: Timestamp::default(),
            pending: Vec::new(),
        }
    }

    /// [`Engine::process_into`] something new.
    pub fn process(&mut self, batch: &Batch) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.process_into(batch, &mut outputs);
        outputs
    }

    /// Takes a batch and adds what was complete before its clock to `outputs`, ordered by completion,
    /// then by connection and number.
    pub fn process_into(&mut self, batch: &Batch, outputs: &mut Vec<Output>) {
        let (limits, before) = (&self.limits, self.clock);
        let clock = before.max(batch.clock());
        self.clock = clock;
        if let Some(first) = self.workers.first_mut() {
            // What is left of the batch before goes ahead, and what comes is not moved.
            std::mem::swap(&mut self.pending, &mut first.output);
        }
        if self.workers.len() == 1 || batch.items().len() < WORTH_THREADS {
            for worker in &mut self.workers {
                worker.process(batch, before, clock, limits);
            }
        } else {
            std::thread::scope(|scope| {
                for worker in &mut self.workers {
                    scope.spawn(move || worker.process(batch, before, clock, limits));
                }
            });
        }
        self.collect();
        let complete = self
            .pending
            .partition_point(|output| output.completed() < clock);
        if outputs.is_empty() {
            // Nearly all is complete, and is not moved.
            std::mem::swap(outputs, &mut self.pending);
            self.pending.extend(outputs.drain(complete..));
        } else {
            outputs.extend(self.pending.drain(..complete));
        }
    }

    /// Ends every connection and gives everything that is left.
    pub fn finish(&mut self) -> Vec<Output> {
        for worker in &mut self.workers {
            worker.finish(self.clock, &self.limits);
        }
        self.collect();
        std::mem::take(&mut self.pending)
    }

    /// What was counted so far.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for shard in self
            .workers
            .iter()
            .flat_map(|worker| &worker.shards)
            .flatten()
        {
            tally += shard.tally();
        }
        tally
    }

    /// Puts what the workers gave in order.
    fn collect(&mut self) {
        for worker in &mut self.workers {
            if self.pending.is_empty() {
                std::mem::swap(&mut self.pending, &mut worker.output);
            } else {
                self.pending.append(&mut worker.output);
            }
        }
        // A connection is in one shard, whose output is in its order: a stable sort keeps that.
        self.pending.sort_by(|one, other| {
            let by_time = one.completed().cmp(&other.completed());
            by_time.then_with(|| one.key().cmp(other.key()))
        });
    }
}

impl Worker {
    /// Takes those items of a batch that are its own, between two times of the clock.
    fn process(&mut self, batch: &Batch, before: Timestamp, after: Timestamp, limits: &Limits) {
        if self.inspector.renew() {
            self.heads.forget_requests();
        }
        let mut desk = Desk {
            limits,
            inspector: &mut self.inspector,
            heads: &mut self.heads,
            output: &mut self.output,
        };
        let mut now = before;
        for item in batch.items() {
            now = now.max(item.time);
            if let Some(Some(shard)) = self.shards.get_mut(shard_of(&item.connection)) {
                shard.item(item, batch.bytes_of(item), now, &mut desk);
            }
        }
        for shard in self.shards.iter_mut().flatten() {
            shard.wake(after, &mut desk);
        }
    }

    fn finish(&mut self, clock: Timestamp, limits: &Limits) {
        let mut desk = Desk {
            limits,
            inspector: &mut self.inspector,
            heads: &mut self.heads,
            output: &mut self.output,
        };
        for shard in self.shards.iter_mut().flatten() {
            shard.finish(clock, &mut desk);
        }
    }
}

/// The shard of a connection: the same in every run. Whoever fills one shard with his connections
/// meets its bounds, which are a 64th of those of the whole.
fn shard_of(key: &ConnectionKey) -> usize {
    let number = match key {
        ConnectionKey::Socket(cookie) => *cookie,
        ConnectionKey::Flow { low, high, link } => {
            number_of(low) ^ number_of(high).rotate_left(32) ^ u64::from(*link)
        }
    };
    (mixed(number) >> (u64::BITS - SHARDS.ilog2())) as usize
}

fn number_of(address: &SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            mixed((bits >> 64) as u64) ^ bits as u64
        }
    };
    mixed(ip) ^ u64::from(address.port())
}

/// Multiplied by 2^64 over the golden ratio: what differs a little differs in the upper bits.
fn mixed(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
