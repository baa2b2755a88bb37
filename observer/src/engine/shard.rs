//! One of the 64 logical shards: the connections whose keys fall to it, their bounds and timers.

use std::collections::BTreeSet;
use std::time::Duration;

use lru::LruCache;

use super::connection::Connection;
use super::{Limits, Output, SHARDS, Tally};
use crate::credential::{Carried, Echo, Form, Inspector, Places};
use crate::exchange::Response;
use crate::oauth::Grant;
use crate::packet::{ConnectionKey, Item, ItemKind};
use crate::protocol::http1::Heads;
use crate::time::Timestamp;

/// Connections with their timers. What it does depends on nothing but its items and the clock.
pub(super) struct Shard {
    connections: LruCache<ConnectionKey, Entry>,
    account: Account,
}

/// What the connections of a shard have in common.
#[derive(Default)]
struct Account {
    /// At most one entry for each connection.
    timers: BTreeSet<(Timestamp, ConnectionKey)>,
    held: usize,
    tally: Tally,
}

struct Entry {
    connection: Box<Connection>,
    timer: Option<Timestamp>,
    held: usize,
}

/// What a connection may use while it takes an item.
pub(super) struct Context<'a> {
    pub(super) limits: &'a Limits,
    pub(super) tally: &'a mut Tally,
    /// The clock of the data.
    pub(super) now: Timestamp,
    /// When the item was captured: sources do not always give items in order.
    pub(super) time: Timestamp,
    pub(super) heads: &'a mut Heads,
    inspector: &'a mut Inspector,
    output: &'a mut Vec<Output>,
}

impl Context<'_> {
    pub(super) fn inspect(&mut self, places: Places<'_>) -> Carried {
        self.inspector.all(places)
    }

    pub(super) fn form(&mut self, path: &str, head: Carried, body: &[u8], whole: bool) -> Form {
        self.inspector.form(path, head, body, whole)
    }

    /// Reads what an answer to a grant gives out. What it gave out is in it as it was sent, so its excerpt is
    /// dropped then.
    pub(super) fn issued(&mut self, grant: &mut Grant, response: &mut Response, repeated: &Echo) {
        let excerpt = std::mem::take(&mut response.excerpt);
        if !self.inspector.issued(grant, excerpt.bytes(), repeated) {
            response.excerpt = excerpt;
        }
    }

    pub(super) fn give(&mut self, output: Output) {
        self.output.push(output);
    }
}

/// What the shards of one worker share.
pub(super) struct Desk<'a> {
    pub(super) limits: &'a Limits,
    pub(super) inspector: &'a mut Inspector,
    pub(super) heads: &'a mut Heads,
    pub(super) output: &'a mut Vec<Output>,
}

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            connections: LruCache::unbounded(),
            account: Account::default(),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        Tally {
            connections: self.connections.len() as u64,
            held: self.account.held as u64,
            ..self.account.tally
        }
    }

    /// Takes an item at `now`, after everything that time alone brings about before it.
    pub(super) fn item(&mut self, item: &Item, bytes: &[u8], now: Timestamp, desk: &mut Desk<'_>) {
        self.wake(now, desk);
        let key = item.connection;
        let visit = Visit {
            now,
            time: item.time,
        };
        let what = |connection: &mut Connection, context: &mut Context<'_>| {
            connection.item(&item.kind, bytes, context);
        };
        let gone = match self.connections.get_mut(&key) {
            Some(entry) => self.account.visit(key, entry, visit, desk, what),
            None if !may_begin(&item.kind) => return,
            None => {
                let share = (desk.limits.connections / SHARDS).max(1);
                while self.connections.len() >= share {
                    self.account.tally.evicted_for_number += 1;
                    self.evict(now, desk);
                }
                let mut entry = Entry::new(key);
                let gone = self.account.visit(key, &mut entry, visit, desk, what);
                self.connections.push(key, entry);
                gone
            }
        };
        if gone {
            self.remove(key);
        }
        while self.account.held > desk.limits.held / SHARDS {
            self.account.tally.evicted_for_memory += 1;
            self.evict(now, desk);
        }
    }

    /// Does what time alone brings about up to `now`.
    pub(super) fn wake(&mut self, now: Timestamp, desk: &mut Desk<'_>) {
        while let Some((at, key)) = self.account.timers.first().copied()
            && at <= now
        {
            self.account.timers.pop_first();
            let Some(entry) = self.connections.peek_mut(&key) else {
                continue;
            };
            entry.timer = None;
            let visit = Visit { now: at, time: at };
            let gone = self
                .account
                .visit(key, entry, visit, desk, |connection, context| {
                    if connection
                        .deadline(context)
                        .is_some_and(|deadline| deadline <= at)
                    {
                        connection.wake(context);
                    }
                });
            if gone {
                self.remove(key);
            }
        }
    }

    /// Ends every connection.
    pub(super) fn finish(&mut self, now: Timestamp, desk: &mut Desk<'_>) {
        while !self.connections.is_empty() {
            self.evict(now, desk);
        }
    }

    /// Ends the connection that was quiet longest.
    fn evict(&mut self, now: Timestamp, desk: &mut Desk<'_>) {
        let Some((key, mut entry)) = self.connections.pop_lru() else {
            return;
        };
        let visit = Visit { now, time: now };
        self.account
            .visit(key, &mut entry, visit, desk, |connection, context| {
                connection.finish(context);
            });
        self.account.forget(key, &entry);
    }

    fn remove(&mut self, key: ConnectionKey) {
        if let Some(entry) = self.connections.pop(&key) {
            self.account.forget(key, &entry);
        }
    }
}

/// When a connection is visited.
#[derive(Clone, Copy)]
struct Visit {
    /// By the clock of the data.
    now: Timestamp,
    /// When the item was captured.
    time: Timestamp,
}

impl Account {
    /// Lets a connection do something, and keeps its timer and its account up to date. Says whether it
    /// can be forgotten.
    #[inline]
    fn visit(
        &mut self,
        key: ConnectionKey,
        entry: &mut Entry,
        at: Visit,
        desk: &mut Desk<'_>,
        what: impl FnOnce(&mut Connection, &mut Context<'_>),
    ) -> bool {
        let mut context = Context {
            limits: desk.limits,
            tally: &mut self.tally,
            now: at.now,
            time: at.time,
            heads: desk.heads,
            inspector: desk.inspector,
            output: desk.output,
        };
        what(&mut entry.connection, &mut context);
        if entry.connection.is_gone(at.now) {
            return true;
        }
        let held = entry.connection.held();
        self.held = self.held - entry.held + held;
        entry.held = held;
        // A timer that is too early only costs a look; to move it each time would cost more.
        let soonest = at.now.plus(Duration::from_nanos(1));
        if let Some(deadline) = entry
            .connection
            .deadline(&context)
            .map(|at| at.max(soonest))
            && entry.timer.is_none_or(|timer| deadline < timer)
        {
            if let Some(timer) = entry.timer.replace(deadline) {
                self.timers.remove(&(timer, key));
            }
            self.timers.insert((deadline, key));
        }
        false
    }

    /// Takes a connection that is forgotten out of the account.
    fn forget(&mut self, key: ConnectionKey, entry: &Entry) {
        self.held -= entry.held;
        if let Some(timer) = entry.timer {
            self.timers.remove(&(timer, key));
        }
    }
}

impl Entry {
    fn new(key: ConnectionKey) -> Self {
        Self {
            connection: Box::new(Connection::new(key)),
            timer: None,
            held: 0,
        }
    }
}

/// Whether an item may be the first of a connection: others are late.
fn may_begin(kind: &ItemKind) -> bool {
    match kind {
        ItemKind::Segment(segment) => segment.wire_len > 0 || segment.flags.syn,
        ItemKind::Opened { .. } | ItemKind::Unix(_) => true,
        ItemKind::Closed | ItemKind::Handled(..) => false,
    }
}
