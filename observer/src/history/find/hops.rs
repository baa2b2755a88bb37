//! Tokens that arrive at one hop, and not, or not whole, at the next.
//!
//! Two exchanges are hops of one request when the second was asked by the machine that answers the first, for
//! the same method and path, while the first waited for its answer, and both were refused. Where others were
//! refused as well in that time, from the same address and for the same, it is not known which is the hop.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use crate::exchange::Capture;
use crate::history::active::{Active, Beginning};
use crate::history::condition::Condition;
use crate::history::memory::Memory;
use crate::history::scene::Scene;
use crate::history::sighting::Why;
use crate::history::streak::Streak;
use crate::time::Timestamp;

/// Refusals that may be those of a second hop, whatever they had: one that got the token whole is a hop too.
#[derive(Default)]
pub(in crate::history) struct Hops {
    inner: VecDeque<Inner>,
    /// By the second service, the first, and what happened.
    rows: VecDeque<((u64, u64, Condition), Streak)>,
}

/// So many refusals wait for that of the hop before.
const INNER: usize = 128;
/// So many pairs of services are counted.
const ROWS: usize = 128;
/// So many are wanted.
const WANTED: u32 = 3;

struct Inner {
    asker: IpAddr,
    asked: Timestamp,
    answered: Timestamp,
    /// The digest of the method and path.
    target: u64,
    service: u64,
    name: Arc<str>,
    /// What it had: nothing, or a token of this fingerprint, with so many defects.
    token: u64,
    defects: usize,
    length: usize,
    /// It was refused for having nothing, or has defects.
    lacks: bool,
}

impl Inner {
    /// Whether it had what another had.
    fn is_whole(&self, outer: &Self) -> bool {
        self.token == outer.token && self.defects <= outer.defects
    }

    fn has_less(&self, outer: &Self) -> bool {
        // A scheme that was doubled leaves the token what it was.
        self.lacks && (self.token == 0 || (self.defects > outer.defects && outer.defects == 0))
    }
}

impl Hops {
    /// Looks whether the hop after a refusal lost the token, and remembers it for the hop before.
    pub(in crate::history) fn look(
        &mut self,
        scene: &Scene<'_>,
        why: Why,
        memory: &Memory,
        active: &mut Active,
    ) {
        let exchange = scene.sighting.exchange;
        let Some((request, response)) = exchange.request.as_ref().zip(exchange.response.as_ref())
        else {
            return;
        };
        let connection = &exchange.connection;
        if exchange.capture != Capture::default() || connection.unix.is_some() {
            return;
        }
        let credential = scene.sighting.credential();
        let this = Inner {
            asker: connection.client.ip(),
            asked: request.started,
            answered: response.started,
            target: memory.digest((&request.method, &request.path)),
            service: scene.at.service,
            name: Arc::clone(scene.sighting.service),
            token: scene.token,
            defects: credential.map_or(0, |credential| credential.defects.len()),
            length: credential.map_or(0, |credential| credential.length),
            lacks: credential.map_or(why == Why::Missing, |one| !one.defects.is_empty()),
        };
        if this.token != 0 {
            self.join(&this, connection.server.ip(), scene, active);
        }
        if self.inner.len() >= INNER {
            self.inner.pop_front();
        }
        self.inner.push_back(this);
    }

    /// The refusal that the hop after a refusal gave to less than it got: where just one service may be that hop,
    /// and none of its requests had the token whole.
    fn second(&self, outer: &Inner, here: IpAddr) -> Option<usize> {
        let is_inside = |inner: &Inner| {
            inner.target == outer.target
                && inner.asker == here
                && inner.service != outer.service
                && inner.asked >= outer.asked
                && inner.answered <= outer.answered
        };
        let mut found = None;
        let mut service = None;
        for (at, inner) in self.inner.iter().enumerate() {
            if !is_inside(inner) {
                continue;
            }
            let is_another = service.is_some_and(|service| service != inner.service);
            if is_another || inner.is_whole(outer) {
                return None;
            }
            service = Some(inner.service);
            if inner.has_less(outer) {
                found = Some(at);
            }
        }
        found
    }

    fn join(&mut self, outer: &Inner, here: IpAddr, scene: &Scene<'_>, active: &mut Active) {
        let found = self.second(outer, here);
        let Some(inner) = found.and_then(|at| self.inner.remove(at)) else {
            return;
        };
        let condition = match inner.token {
            0 => Condition::HeaderStrippedBetweenHops,
            _ => Condition::HeaderAlteredBetweenHops,
        };
        let mut key = scene.key(condition, outer.service);
        key.service = inner.service;
        if active.again(key, scene.clock, outer.token, scene.client) {
            return;
        }
        let pair = (inner.service, outer.service, condition);
        let at = self.rows.iter().position(|(one, _)| *one == pair);
        let at = at.unwrap_or_else(|| {
            if self.rows.len() >= ROWS {
                self.rows.pop_front();
            }
            self.rows.push_back((pair, Streak::default()));
            self.rows.len() - 1
        });
        let Some((_, row)) = self.rows.get_mut(at) else {
            return;
        };
        row.add(scene.clock, Why::Missing, outer.token, scene.client);
        if row.count < WANTED {
            return;
        }
        let first = scene.sighting.service;
        let evidence = match condition {
            Condition::HeaderStrippedBetweenHops => {
                format!("{first} got a token, and asked {} without one", inner.name)
            }
            _ => format!(
                "{first} got tokens of {} bytes, and {} got {} bytes of them, or others",
                outer.length, inner.name, inner.length
            ),
        };
        let mut concern = scene.service();
        concern.service = inner.name;
        let beginning = Beginning::of(concern, row, vec![evidence]);
        row.end();
        active.begin(key, scene.clock, beginning);
    }

    pub(in crate::history) fn bytes(&self) -> usize {
        self.inner.capacity() * size_of::<Inner>()
            + self.rows.capacity() * size_of::<((u64, u64, Condition), Streak)>()
    }
}
