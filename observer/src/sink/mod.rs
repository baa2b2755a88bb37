//! Where events go.

pub mod ends;
pub mod ndjson;
pub mod progress;
pub mod prometheus;
pub mod report;
pub mod summary;
pub mod terminal;
pub mod writer;

use std::sync::Arc;

use crate::event::{Ends, Event};
use crate::exchange::{Request, Side};
use crate::gap::Gap;
use crate::history::{Change, Offset};
use crate::time::Timestamp;
use crate::totals::Totals;
use crate::verdict::{Linted, Outcome, Verdict};

/// What there is to count of an exchange.
#[derive(Clone, Copy)]
pub struct Glance<'a> {
    /// As [`Event::time`].
    pub time: Timestamp,
    /// From where it was seen.
    pub side: Side,
    /// Who answers.
    pub service: &'a Arc<str>,
    /// What observer concludes.
    pub verdict: &'a Verdict,
    /// The status of the answer.
    pub status: Option<u16>,
    /// What the other end of the same exchange has too.
    pub ends: Ends,
    /// For how long the token is good still.
    pub expiry: Expiry<'a>,
}

/// For how long a token is good still. Few want to know, and to find it out of a request the token must be
/// looked into.
#[derive(Clone, Copy)]
pub enum Expiry<'a> {
    /// As [`Event::seconds_to_expiry`].
    Known(Option<f64>),
    /// That of the token of a request.
    Of(Option<&'a Request>),
}

impl Expiry<'_> {
    /// As [`Event::seconds_to_expiry`].
    pub fn seconds(self) -> Option<f64> {
        match self {
            Self::Known(seconds) => seconds,
            Self::Of(request) => request?.seconds_to_expiry(),
        }
    }
}

impl<'a> From<&'a Event> for Glance<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            time: event.time,
            side: event.side,
            service: &event.service,
            verdict: &event.verdict,
            status: event.status(),
            ends: event.ends,
            expiry: Expiry::Known(event.seconds_to_expiry),
        }
    }
}

impl Glance<'_> {
    /// As [`Event::is_rejection`].
    pub fn is_rejection(&self) -> bool {
        self.verdict.outcome == Outcome::Rejected
    }
}

/// Something that takes events. It never blocks the capture.
pub trait Sink: Send {
    /// Takes one event.
    fn take(&mut self, event: &Arc<Event>);

    /// Whether it has to have the events of exchanges that were refused, or that were not. Else it is
    /// content to [`Sink::glance`] at them: most exchanges were not refused, and an event costs more
    /// than counting one.
    fn wants(&self, _refused: bool) -> bool {
        true
    }

    /// Takes what there is to count of an exchange whose event it does not want.
    fn glance(&mut self, _glance: &Glance<'_>) {}

    /// Whether it wants to know of the lints of tokens.
    fn wants_lints(&self) -> bool {
        false
    }

    /// Takes the lints of a token that a service was sent, once for each token and service.
    fn lint(&mut self, _service: &str, _lints: &[Linted]) {}

    /// Takes a TLS connection to a service, seen from a side, whose contents nobody here can read. The
    /// name that its client asked for is text from the wire.
    fn tls(&mut self, _service: &str, _side: Side, _server_name: Option<&str>) {}

    /// Takes a condition that began or ended.
    fn condition(&mut self, _change: &Change) {}

    /// Takes how far the clock of a service is from ours, when that was read anew.
    fn clock(&mut self, _service: &str, _offset: Offset) {}

    /// Takes for how long nobody watched before this run, once and before all else.
    fn gap(&mut self, _gap: &Gap) {}

    /// Says how far the clock of the data has come, and what the run knows of itself by now. Called
    /// at the end of every batch, also where there was no event.
    fn pass(&mut self, clock: Timestamp, totals: &Totals);

    /// Writes what is held back: there are no more events.
    fn finish(&mut self, totals: &Totals);

    /// Whether nobody is there any more to read what this writes.
    fn reader_gone(&self) -> bool {
        false
    }
}
