//! What a run saw, in one screen.

mod page;
mod unseen;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use lru::DefaultHasher;

use crate::event::Event;
use crate::exchange::Side;
use crate::history::Change;
use crate::redact;
use crate::time::Timestamp;
use crate::totals::Totals;
use crate::verdict::Cause;

use super::writer::Losses;

use page::Page;

/// Counts for the end.
#[derive(Default)]
pub struct Summary {
    sides: BTreeMap<Side, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    rejections: HashMap<(Arc<str>, Option<Cause>), Rejections, DefaultHasher>,
    tokens: usize,
    tls: BTreeMap<String, Encrypted>,
    conditions: Vec<Change>,
    conditions_beyond: u64,
}

impl Summary {
    /// Notes a condition that began, or how it ended.
    pub fn condition(&mut self, change: &Change) {
        let mut known = self.conditions.iter();
        match known.position(|one| one.number == change.number) {
            Some(at) => self
                .conditions
                .splice(at..=at, [change.clone()])
                .for_each(drop),
            None if self.conditions.len() < CONDITIONS => self.conditions.push(change.clone()),
            None => self.conditions_beyond += u64::from(change.ended.is_none()),
        }
    }

    /// Counts an exchange, from whatever side.
    pub fn exchange(&mut self, side: Side, time: Timestamp) {
        *self.sides.entry(side).or_default() += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// Counts a rejection: once, whatever the number of its sides.
    pub fn rejection(&mut self, event: &Event) {
        let mut key = (Arc::clone(&event.service), event.verdict.cause);
        if self.rejections.len() >= ROWS && !self.rejections.contains_key(&key) {
            key = (OTHER.into(), None);
        }
        let row = self
            .rejections
            .entry(key)
            .or_insert_with(|| Rejections::new(event.time));
        row.count += 1;
        row.first = row.first.min(event.time);
        row.last = row.last.max(event.time);
        let Some(fingerprint) = event.fingerprint() else {
            return;
        };
        if self.tokens < TOKENS {
            self.tokens += usize::from(row.tokens.insert(fingerprint.0));
        } else if !row.tokens.contains(&fingerprint.0) {
            row.tokens_beyond = true;
        }
    }

    /// Counts a TLS connection to a service, from whatever side. `server_name` is text from the wire.
    pub fn tls(&mut self, service: &str, side: Side, server_name: Option<&str>) {
        let known = self.tls.len() < ROWS || self.tls.contains_key(service);
        let service = if known { service } else { OTHER };
        let row = self.tls.entry(service.to_owned()).or_default();
        *row.sides.entry(side).or_default() += 1;
        let Some(name) = server_name.map(|name| redact::label(name, MAX_SERVER_NAME)) else {
            return;
        };
        if row.names.len() < NAMES {
            row.names.insert(name);
        } else if !row.names.contains(&name) {
            row.names_beyond = true;
        }
    }

    /// The summary, with what the run knows of itself.
    pub fn with<'a>(
        &'a self,
        totals: &'a Totals,
        unwritten: Option<Unwritten>,
    ) -> impl Display + 'a {
        Page {
            summary: self,
            totals,
            unwritten,
        }
    }
}

/// Lines of events that could not be written.
pub struct Unwritten {
    lines: u64,
    why: String,
}

impl Unwritten {
    /// What a writer lost. `None`: nothing, or its reader left, and wants no more.
    pub fn of(losses: &Losses) -> Option<Self> {
        let lines = losses.write_failed() + losses.queue_full();
        (lines > 0 && !losses.reader_gone()).then(|| Self {
            lines,
            why: losses
                .last_error()
                .unwrap_or_else(|| "the reader was too slow".to_owned()),
        })
    }
}

/// TLS connections to a service.
#[derive(Default)]
struct Encrypted {
    sides: BTreeMap<Side, u64>,
    /// Which servers were asked for.
    names: BTreeSet<String>,
    names_beyond: bool,
}

struct Rejections {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    tokens: HashSet<u64, DefaultHasher>,
    tokens_beyond: bool,
}

impl Rejections {
    fn new(time: Timestamp) -> Self {
        Self {
            count: 0,
            first: time,
            last: time,
            tokens: HashSet::default(),
            tokens_beyond: false,
        }
    }
}

/// So many conditions are told of: about 1 KiB each.
const CONDITIONS: usize = 100;
/// So many pairs of service and cause, and services with TLS, are told apart: about 200 bytes each.
const ROWS: usize = 1000;
/// So many pairs of row and fingerprint are told apart: about 20 bytes each.
const TOKENS: usize = 100_000;
/// So many names that servers were asked for by are shown of each service.
const NAMES: usize = 3;
/// The longest of them, in bytes.
const MAX_SERVER_NAME: usize = 64;
/// Stands for what is beyond.
const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fingerprint;
    use crate::event::sample;
    use crate::totals::Counts;

    #[test]
    fn a_summary_reads_at_once() {
        let mut summary = Summary::default();
        let mut event = sample::event();
        for number in 0..1200 {
            Arc::make_mut(event.credential.as_mut().unwrap()).fingerprint =
                Some(Fingerprint(number % 3));
            summary.exchange(event.side, event.time);
            summary.rejection(&event);
        }
        Arc::make_mut(&mut event.verdict).cause = Some(Cause::KeyNotFound);
        summary.exchange(event.side, event.time);
        summary.rejection(&event);
        for _ in 0..812 {
            summary.tls("nginx:443", Side::Server, Some("api.example"));
            summary.tls("nginx:443", Side::Client, Some("api.example"));
        }
        let totals = Totals {
            connections: Counts::from([("http1", 3), ("tls", 812)]),
            lost: Counts::from([("ring_full", 7)]),
            ..Totals::default()
        };
        let page = summary.with(&totals, None).to_string();
        assert_eq!(
            page,
            "
1,201 exchanges (1,201 at servers), from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.000Z
1,201 rejections
  SERVICE      CAUSE          COUNT  TOKENS  FIRST                     LAST
  orders:8080  token_expired  1,200       3  2023-11-14T22:13:20.000Z  2023-11-14T22:13:20.000Z
  orders:8080  key_not_found      1       1  2023-11-14T22:13:20.000Z  2023-11-14T22:13:20.000Z
connections, each end for itself: 812 tls, 3 http1
  nginx:443: 812 TLS connections for api.example, contents not readable yet
lost: 7 ring full
"
        );
    }

    #[test]
    fn nothing_is_said_plainly() {
        let page = Summary::default()
            .with(&Totals::default(), None)
            .to_string();
        assert_eq!(page, "\n0 exchanges\nno rejections\nnothing was lost\n");
        let unwritten = Unwritten {
            lines: 1234,
            why: "No space left on device".to_owned(),
        };
        let page = Summary::default()
            .with(&Totals::default(), Some(unwritten))
            .to_string();
        assert_eq!(
            page,
            "\n0 exchanges\nno rejections\n\
             1,234 lines of events were not written: No space left on device\n"
        );
    }

    #[test]
    fn rows_and_tokens_are_bounded() {
        let mut summary = Summary::default();
        let mut event = sample::event();
        for number in 0..2 * TOKENS as u64 {
            event.service = format!("service-{}", number % (2 * ROWS as u64)).into();
            Arc::make_mut(event.credential.as_mut().unwrap()).fingerprint =
                Some(Fingerprint(number));
            summary.rejection(&event);
        }
        assert_eq!(summary.rejections.len(), ROWS + 1);
        assert_eq!(summary.tokens, TOKENS);
        let held: usize = summary
            .rejections
            .values()
            .map(|row| row.tokens.len())
            .sum();
        assert_eq!(held, TOKENS);
    }
}
