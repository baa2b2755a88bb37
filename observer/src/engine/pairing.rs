//! Pairs the answers of a connection with its requests.
//!
//! Answers come in the order of requests (RFC 9112 section 9.3.2), so counting pairs them, as long as
//! no head is missing. Where one may be, only what is certain is paired, and the others are told as
//! requests without an answer and answers without a request:
//!
//! - An answer never belongs to a request that began after it.
//! - After a hole, an answer for which several requests wait belongs to one of them, unknown which.
//!   Right after bytes that were lost it may belong to none of them: who loses an answer may have lost
//!   the next request too.
//! - A request right behind bytes that may have been another, with no answer in between, may have been
//!   sent ahead (pipelined): its answer cannot be told from that of the other.
//!
//! Exchanges leave in the order of the connection.

mod release;
mod slot;

use std::collections::VecDeque;
use std::time::Duration;

use crate::exchange::{Capture, Excerpt, Request, Response};
use crate::packet::{Handling, KnownBy};
use crate::protocol::http1::{Asked, Hole, Method, RequestHead, ResponseHead};
use crate::time::Timestamp;
use slot::{Slot, State};

/// The exchanges of a connection that are not complete.
#[derive(Default)]
pub(super) struct Pairing {
    slots: VecDeque<Slot>,
    next_number: u64,
    /// A hole may have hidden heads since the connection was last at rest.
    doubt: bool,
    /// Bytes were lost since then where heads of answers may have been.
    lost: bool,
    /// A hole hid the start of a request.
    hidden: bool,
    /// A hole in a request may have hidden more of them.
    torn: bool,
    /// When answers without a request began, since the latest request, and whether they may belong
    /// to one that was given up.
    unasked: VecDeque<(Timestamp, bool)>,
    /// Requests that began before this cannot be told apart: an answer that began then was not given
    /// to any.
    unclear: Timestamp,
    /// So many answers may still come to requests that were given up.
    owed: usize,
    /// Answers cannot be told apart until the next turn.
    apart: bool,
    /// Not every request was seen.
    incomplete: bool,
    /// A part of a request is here.
    coming: bool,
    /// No answer will come any more.
    over: bool,
    /// When data was last seen.
    heard: Timestamp,
    /// Requests, and answers without one.
    replies: u64,
    /// A thread wrote, and no request was waiting to be told whose it is.
    written: Option<Handling>,
}

/// What is complete and may leave.
pub(super) struct Complete {
    pub(super) number: u64,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) handled: Option<Handling>,
    pub(super) capture: Capture,
}

/// How long to wait for what.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    /// For an answer.
    pub(super) answer: Duration,
    /// For the thread that handled an exchange; `None`: it will not be told.
    pub(super) handling: Option<Duration>,
    /// The head of a request has begun and not ended: an answer may be to it.
    pub(super) in_request_head: bool,
}

/// For how long the rest of an excerpt, the request of an answer, or the thread that handled an
/// exchange is waited for, by the clock of the data.
pub(super) const GRACE: Duration = Duration::from_millis(20);
/// So many exchanges of a connection may be open. More are told as unanswered.
const MAX_OPEN: usize = 256;
/// So many answers without a request are remembered, to tell which came before the next request.
const MAX_UNASKED: usize = 16;

impl Pairing {
    /// `incomplete`: requests may have come before the connection was first seen.
    pub(super) fn new(incomplete: bool) -> Self {
        Self {
            incomplete,
            ..Self::default()
        }
    }

    /// Memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        self.slots.iter().map(Slot::held).sum()
    }

    /// See [`super::conversation::Conversation::replies`].
    pub(super) fn replies(&self) -> u64 {
        self.replies
    }

    /// Notes that data came.
    pub(super) fn hear(&mut self, now: Timestamp) {
        self.heard = now;
    }

    /// Notes whether a part of a request is here, so that an answer may be to it.
    pub(super) fn expect(&mut self, coming: bool) {
        self.coming = coming;
    }

    /// Adds a request. True when its answer had come already. `sent_ahead`: what came before it in
    /// its direction may have been a request, and nothing was said in the other direction since.
    pub(super) fn request(&mut self, head: RequestHead, sent_ahead: bool, now: Timestamp) -> bool {
        let RequestHead {
            request,
            method,
            missing,
            ..
        } = head;
        let slot = Slot {
            finished: request.finished,
            method: Some(method),
            capture: Capture {
                request_cut: missing.cut,
                response_cut: false,
                lost: missing.lost,
            },
            ..Slot::new(request.started, now, State::Asked)
        };
        let handled = self.written.take();
        self.place(
            Slot {
                request: Some(request),
                provisional: handled.is_some(),
                handled,
                ..slot
            },
            sent_ahead,
        )
    }

    /// Adds a request that could not be read: it has an answer all the same.
    pub(super) fn unreadable_request(&mut self, started: Timestamp, now: Timestamp) {
        let slot = Slot {
            method: Some(Method::Other),
            ..Slot::new(started, now, State::Asked)
        };
        self.place(slot, false);
    }

    /// What is known of the request that an answer which begins at `started` belongs to.
    pub(super) fn asked(&self, started: Timestamp) -> Asked {
        let mut waiting = self.waiting(started);
        match (waiting.next(), waiting.next()) {
            (Some(_), second) if self.is_ambiguous(second.is_some()) => Asked::Unseen,
            (Some((_, slot)), _) => slot.method.map_or(Asked::Unseen, Asked::Known),
            (None, _) if self.incomplete || self.coming => Asked::Unseen,
            (None, _) => Asked::Nothing,
        }
    }

    /// Whether the latest request has its answer.
    pub(super) fn is_answered(&self) -> bool {
        self.slots
            .iter()
            .rev()
            .find(|slot| slot.method.is_some())
            .is_none_or(|slot| slot.response.is_some())
    }

    /// Adds an answer, to the request that it belongs to if that is certain.
    pub(super) fn response(&mut self, head: ResponseHead, now: Timestamp) {
        let ResponseHead { response, missing } = head;
        let started = response.started;
        self.settle(false, now);
        let count = self.waiting(started).take(2).count();
        if count > 0 && self.is_ambiguous(count > 1) {
            self.give_up_waiting(started);
        }
        let found = self.waiting(started).next().map(|(at, _)| at);
        let at = found.unwrap_or_else(|| {
            self.replies += 1;
            self.unasked.push_back((started, self.owed > 0));
            self.unasked.truncate(MAX_UNASKED);
            self.owed = self.owed.saturating_sub(1);
            let later = |slot: &Slot| slot.state == State::Asked && slot.started > started;
            let at = self
                .slots
                .iter()
                .position(later)
                .unwrap_or(self.slots.len());
            self.slots.insert(at, Slot::new(started, now, State::Asked));
            at
        });
        if let Some(slot) = self.slots.get_mut(at) {
            if slot.state == State::Told {
                slot.method = None;
                slot.capture = Capture::default();
            }
            slot.state = State::Answered;
            slot.since = now;
            slot.response = Some(response);
            slot.capture.response_cut |= missing.cut;
            slot.capture.lost += missing.lost;
        }
    }

    /// Adds to the excerpt of the latest answer.
    pub(super) fn excerpt(&mut self, content: &[u8]) {
        if let Some(slot) = self.answered() {
            slot.excerpt.extend_from_slice(content);
        }
    }

    /// Ends the excerpt of the latest answer.
    pub(super) fn settle(&mut self, whole: bool, now: Timestamp) {
        if let Some(slot) = self.answered() {
            let bytes = std::mem::take(&mut *slot.excerpt);
            if let Some(response) = &mut slot.response {
                response.excerpt = Excerpt::new(bytes, whole);
            }
            slot.state = State::Settled(now);
        }
    }

    /// Notes that heads may have gone by.
    pub(super) fn hole(&mut self, hole: Hole) {
        self.doubt = true;
        self.incomplete |= hole.of_requests;
        self.hidden |= hole.of_requests && hole.hidden;
        self.torn |= hole.of_requests;
        self.lost |= !hole.of_requests && !hole.by_rule;
    }

    /// A head was found after its place had been lost; `lost`: answers were, before it.
    pub(super) fn resume(&mut self, lost: bool) {
        self.doubt = true;
        self.lost |= lost;
    }

    /// A thread read or wrote what the exchanges at this end wait for. `writes`: it wrote requests,
    /// which may come before their packets.
    pub(super) fn handled(&mut self, handling: &Handling, writes: bool) {
        let mut told = false;
        for slot in self.slots.iter_mut().filter(|slot| slot.request.is_some()) {
            let weak = |known: &Handling| {
                known.known_by == KnownBy::SocketTable && handling.known_by != KnownBy::SocketTable
            };
            if slot.handled.as_ref().is_none_or(weak) || slot.provisional {
                slot.handled = Some(handling.clone());
                slot.provisional = false;
                told = true;
            }
        }
        if writes && !told {
            self.written = Some(handling.clone());
        }
    }

    /// No answer will come any more: what waits for one, or for its rest, waits no longer.
    pub(super) fn end_answers(&mut self, now: Timestamp) {
        self.over = true;
        self.settle(false, now);
    }

    /// What a request's start says about holes before it.
    fn begin(&mut self, started: Timestamp, sent_ahead: bool) {
        self.replies += 1;
        // Whoever sends ahead sends a run of requests and waits for all answers before the next.
        let before = |(at, _): &&(Timestamp, bool)| *at < started;
        let new_turn = self.unasked.iter().any(|unasked| before(&unasked));
        let answered = self.unasked.iter().filter(before).any(|(_, owed)| !owed);
        self.unasked.retain(|(at, _)| *at >= started);
        self.owed = 0;
        let waiting = self.slots.iter().any(|slot| slot.state == State::Asked);
        let at_rest = !self
            .slots
            .iter()
            .any(|slot| slot.state == State::Asked || slot.started >= started);
        self.apart = sent_ahead
            || (self.apart && !new_turn)
            || (self.hidden && !answered)
            || (self.torn && waiting);
        (self.hidden, self.torn) = (false, false);
        if at_rest && !self.apart {
            self.doubt = false;
            self.lost = false;
        }
    }

    /// Puts a request where it belongs: to its answer, if that came before, or behind all others. True
    /// when there was an answer.
    fn place(&mut self, mut slot: Slot, sent_ahead: bool) -> bool {
        let started = slot.started;
        self.begin(started, sent_ahead);
        let early = self.slots.iter_mut().find(|slot| {
            let unasked = slot.method.is_none() && slot.response.is_some();
            unasked && slot.started >= started && slot.state != State::Told
        });
        let alone = self.apart || started < self.unclear;
        match early {
            // Answers after bytes that were lost may be of later requests.
            Some(answer) if !alone && !self.lost => {
                answer.started = started;
                answer.finished = slot.finished;
                answer.method = slot.method;
                answer.request = slot.request;
                answer.capture.request_cut |= slot.capture.request_cut;
                answer.capture.lost += slot.capture.lost;
                return true;
            }
            Some(_) => slot.state = State::Alone,
            None if alone => slot.state = State::Alone,
            None => {}
        }
        // One that could not be read has nothing to tell but its answer.
        if slot.state == State::Asked || slot.request.is_some() {
            self.push(slot);
        }
        false
    }

    fn push(&mut self, slot: Slot) {
        if self.is_crowded() {
            self.apart = true;
            self.slots.retain(|slot| slot.state != State::Told);
            for slot in self
                .slots
                .iter_mut()
                .filter(|slot| slot.state == State::Asked)
            {
                slot.state = State::Alone;
            }
        }
        self.slots.push_back(slot);
    }

    /// No more may be open.
    fn is_crowded(&self) -> bool {
        self.slots.len() >= MAX_OPEN
    }

    /// Whether an answer cannot be given to the only request that waits for one, or to the first of
    /// `several`.
    fn is_ambiguous(&self, several: bool) -> bool {
        self.doubt && (several || self.lost)
    }

    /// The requests that an answer which begins at `started` may belong to.
    fn waiting(&self, started: Timestamp) -> impl Iterator<Item = (usize, &Slot)> {
        self.slots.iter().enumerate().filter(move |(_, slot)| {
            matches!(slot.state, State::Asked | State::Told) && slot.started <= started
        })
    }

    /// Nobody can tell whose answer the next one is.
    fn give_up_waiting(&mut self, started: Timestamp) {
        self.unclear = started;
        let mut end = None;
        for slot in self.slots.iter_mut().filter(|slot| slot.started <= started) {
            match slot.state {
                State::Asked => slot.state = State::Alone,
                State::Told => slot.method = None,
                _ => continue,
            }
            self.owed += 1;
            self.apart |= end.is_some_and(|end| slot.started <= end);
            end = Some(slot.finished);
        }
        self.slots
            .retain(|slot| slot.state != State::Told || slot.method.is_some());
        // Requests that begin later are of the next turn, and the hole lies before it.
        (self.doubt, self.lost) = (false, false);
    }

    fn answered(&mut self) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .rev()
            .find(|slot| slot.state == State::Answered)
    }
}
