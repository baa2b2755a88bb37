//! What repeats is counted.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;

use crate::event::{Endpoint, Event};
use crate::time::Timestamp;
use crate::verdict::{Cause, Certainty};

/// What makes two rejections alike.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Kind {
    service: Arc<str>,
    status: Option<u16>,
    cause: Option<Cause>,
    certainty: Option<Certainty>,
    endpoint: Option<Arc<Endpoint>>,
}

impl From<&Event> for Kind {
    fn from(event: &Event) -> Self {
        let request = event.request.as_ref();
        Self {
            service: Arc::clone(&event.service),
            status: event.status(),
            cause: event.verdict.cause,
            certainty: event.verdict.certainty,
            endpoint: request.map(|request| Arc::clone(&request.endpoint)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, " {endpoint}")?;
        }
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        match self.cause {
            Some(cause) => write!(f, " {cause}"),
            None => Ok(()),
        }
    }
}

/// Rejections that were counted instead of told.
pub(super) struct More {
    pub(super) kind: Kind,
    pub(super) count: u64,
    /// When the last of them was, by the time of day.
    pub(super) last: Timestamp,
}

/// Whether a rejection is to be told.
pub(super) enum Told {
    /// It repeats one that was told: it is counted.
    Again,
    /// It is to be told, after what was counted of its kind before.
    First(Option<More>),
}

/// The kinds told lately.
pub(super) struct Collapse {
    kinds: LruCache<Kind, Count>,
    due: Timestamp,
    evicted: Vec<More>,
}

impl Default for Collapse {
    fn default() -> Self {
        Self {
            kinds: LruCache::new(KINDS),
            due: Timestamp::default(),
            evicted: Vec::new(),
        }
    }
}

impl Collapse {
    /// Counts a rejection with those of its kind, or says that it is to be told.
    pub(super) fn take(&mut self, kind: &Kind, event: &Event) -> Told {
        let time = event.completed;
        match self.kinds.get_mut(kind) {
            None => Told::First(None),
            Some(count) if time.since(count.last.max(count.since)) > FORGET => {
                let count = self.kinds.pop(kind);
                Told::First(count.and_then(|count| count.more(kind)))
            }
            Some(count) => {
                count.count += 1;
                count.last = count.last.max(time);
                count.shown = event.time;
                Told::Again
            }
        }
    }

    /// Remembers that a rejection of this kind was told.
    pub(super) fn told(&mut self, kind: Kind, event: &Event) {
        let count = Count {
            since: event.completed,
            window: FIRST,
            count: 0,
            last: event.completed,
            shown: event.time,
        };
        if let Some((kind, count)) = self.kinds.push(kind, count) {
            self.evicted.extend(count.more(&kind));
        }
    }

    /// Gives what was counted for as long as its window. The next window is twice as long.
    pub(super) fn pass(&mut self, clock: Timestamp) -> Vec<More> {
        let mut due = std::mem::take(&mut self.evicted);
        if clock < self.due {
            return due;
        }
        self.due = clock.plus(STEP);
        let mut silent = Vec::new();
        for (kind, count) in &mut self.kinds {
            if clock.since(count.since) < count.window {
                continue;
            }
            match count.more(kind) {
                Some(more) => {
                    due.push(more);
                    count.count = 0;
                    count.since = clock;
                    count.window = (count.window * 2).min(LONGEST);
                }
                None if clock.since(count.last) > FORGET => silent.push(kind.clone()),
                None => {}
            }
        }
        for kind in silent {
            self.kinds.pop(&kind);
        }
        due.sort_by_key(|more| more.last);
        due
    }

    /// Gives all that was counted.
    pub(super) fn finish(&mut self) -> Vec<More> {
        let mut due = std::mem::take(&mut self.evicted);
        while let Some((kind, count)) = self.kinds.pop_lru() {
            due.extend(count.more(&kind));
        }
        due.sort_by_key(|more| more.last);
        due
    }
}

struct Count {
    since: Timestamp,
    window: Duration,
    count: u64,
    last: Timestamp,
    /// The time of day of `last`.
    shown: Timestamp,
}

impl Count {
    fn more(&self, kind: &Kind) -> Option<More> {
        (self.count > 0).then(|| More {
            kind: kind.clone(),
            count: self.count,
            last: self.shown,
        })
    }
}

/// How many kinds are remembered; about 300 bytes each.
const KINDS: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");
/// How long repetitions are counted before their number is told, at first and at the most.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);
/// A kind that was silent for so long is told anew.
const FORGET: Duration = Duration::from_secs(60);
/// How often the windows are looked at.
const STEP: Duration = Duration::from_secs(1);
