//! From the messages of HTTP/1 to the pairing.

use super::super::pairing::{Lead, Pairing};
use super::super::shard::Context;
use super::turns::Turns;
use crate::credential::{Carried, Places};
use crate::packet::Direction;
use crate::protocol::http1::{Asked, Heads, Hole, Messages, RequestHead, ResponseHead};
use crate::time::Timestamp;

/// Passes messages on to the pairing, with what the connection's shard has.
pub(super) struct Told<'a, 'b> {
    pub(super) pairing: &'a mut Pairing,
    pub(super) turns: &'a Turns,
    /// Where requests go, when one is told.
    pub(super) direction: Direction,
    pub(super) context: &'a mut Context<'b>,
}

impl Messages for Told<'_, '_> {
    fn heads(&mut self) -> &mut Heads {
        self.context.heads
    }

    fn inspect(&mut self, places: Places<'_>) -> Carried {
        self.context.inspect(places)
    }

    fn request(&mut self, head: RequestHead) -> bool {
        self.context.tally.heads_cut += u64::from(!head.missing.is_nothing());
        let lead = self.lead(head.request.started, head.passed);
        self.pairing.request(head, lead, self.context.now)
    }

    fn unreadable_request(&mut self, started: Timestamp, passed: Option<Timestamp>) {
        let lead = self.lead(started, passed);
        self.pairing
            .unreadable_request(started, lead, self.context.now);
    }

    fn asked(&self, started: Timestamp) -> Asked {
        self.pairing.asked(started)
    }

    fn asks_for_keys(&self, started: Timestamp) -> bool {
        self.pairing.asks_for_keys(started)
    }

    fn asks_for_grant(&self, started: Timestamp) -> bool {
        self.pairing.asks_for_grant(started)
    }

    fn form(&mut self, content: &[u8]) {
        self.pairing.form(content);
    }

    fn settle_form(&mut self, whole: bool) {
        let context = &mut *self.context;
        self.pairing
            .settle_form(|path, head, body| context.form(path, head, body, whole));
    }

    fn is_answered(&self) -> bool {
        self.pairing.is_answered()
    }

    fn response(&mut self, head: ResponseHead) {
        self.context.tally.heads_cut += u64::from(!head.missing.is_nothing());
        self.pairing.response(head, self.context.now);
    }

    fn excerpt(&mut self, content: &[u8]) {
        self.pairing.excerpt(content);
    }

    fn settle(&mut self, whole: bool) {
        self.pairing.settle(whole, self.context.now);
    }

    fn hole(&mut self, hole: Hole) {
        self.context.tally.places_lost += 1;
        self.pairing.hole(hole);
    }

    fn passed_over(&mut self, time: Timestamp) {
        self.pairing.doubt(time, true);
    }

    fn bad_head(&mut self) {
        self.context.tally.heads_bad += 1;
    }
}

impl Told<'_, '_> {
    /// What is known of what came before a request.
    fn lead(&self, started: Timestamp, passed: Option<Timestamp>) -> Lead {
        let before = passed.or(self.pairing.latest());
        Lead {
            seamless: passed.is_none(),
            turn: before
                .is_none_or(|before| self.turns.other_between(self.direction, before, started)),
        }
    }
}
