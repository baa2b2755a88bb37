//! Pairs the answers of a connection with its requests.
//!
//! Answers come in the order of requests (RFC 9112 section 9.3.2), so counting pairs them, as long as
//! no head is missing. After a hole that may have hidden a head, a request and an answer are paired
//! only if the request is counted from the start of a *turn* of the client that began after the hole,
//! without another hole in between, and the answer likewise; what lies behind a hole in its own turn
//! is told as a request without an answer, or as an answer without a request.
//!
//! A turn begins where the client speaks again after the server has spoken, with nothing missing
//! right before it: everything that was asked earlier has been answered then, because whoever sends
//! requests ahead sends a run of them, and waits for all answers before the next. Times decide, not
//! the order in which things are understood: a head that waits for its rest is understood late.
//!
//! Exchanges leave in the order of the connection.

mod owner;
mod place;
mod release;
mod slot;

use std::collections::VecDeque;
use std::time::Duration;

use crate::credential::{Carried, Echo, Form};
use crate::exchange::{Capture, Request, Response};
use crate::oauth::Grant;
use crate::packet::{Handling, KnownBy};
use crate::protocol::http1::{Asked, Hole, Method, RequestHead, ResponseHead};
use crate::time::Timestamp;
use crate::wiped::Wiped;
use owner::{Doubt, Owner};
use slot::{Slot, State};

/// The exchanges of a connection that are not complete.
#[derive(Default)]
pub(super) struct Pairing {
    #[expect(
        clippy::vec_box,
        reason = "a list keeps room for four, and most connections wait for one answer or none"
    )]
    slots: Vec<Box<Slot>>,
    /// What is complete and was moved out of `slots` to keep them few.
    done: VecDeque<Box<Slot>>,
    next_number: u64,
    /// A hole may have hidden answers, and no turn began since.
    doubt: Option<Doubt>,
    /// A hole may have hidden requests, and no turn began since.
    apart: bool,
    /// When the latest request began.
    latest: Option<Timestamp>,
    /// An answer that began then was not given to any of the requests that began before.
    unclear: Timestamp,
    /// So many answers come before that of the first request that waits: to requests that were given
    /// up because too many were open.
    owed: usize,
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

/// What is known of what came before a request.
#[derive(Clone, Copy)]
pub(super) struct Lead {
    /// The request that was told last came right before it.
    pub(super) seamless: bool,
    /// The server spoke since what was last seen before it, and nothing may have been missed between
    /// that and the request.
    pub(super) turn: bool,
}

/// What is complete and may leave.
pub(super) struct Complete {
    pub(super) number: u64,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) handled: Option<Handling>,
    pub(super) capture: Capture,
    pub(super) grant: Option<Box<Grant>>,
    pub(super) secrets: Echo,
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

/// For how long the request of an answer, or the thread that handled an exchange, is waited for, by the
/// clock of the data.
pub(super) const GRACE: Duration = Duration::from_millis(20);
/// For how long the rest of an excerpt is, while the connection is quiet. Most are there at once, or full:
/// this is for bodies that come in pieces, with a round trip or a busy machine between two of them. Shorter
/// than one end of an exchange waits for the other to be told.
const REST: Duration = Duration::from_millis(400);
/// The same of what an issuer gives out: key sets are large, and may come from far away.
const REST_OF_ISSUER: Duration = Duration::from_secs(2);
/// The rest of an excerpt is waited for so long at the most.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// So many exchanges of a connection may be open. More are told as unanswered.
const MAX_OPEN: usize = 256;

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
        let slots = self.slots.iter().chain(&self.done);
        slots.map(|slot| slot.held()).sum()
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

    /// When the latest request began.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Adds a request. True when its answer had come already.
    pub(super) fn request(&mut self, head: RequestHead, lead: Lead, now: Timestamp) -> bool {
        let RequestHead {
            request,
            method,
            has_form,
            missing,
            ..
        } = head;
        let slot = Slot {
            finished: request.finished,
            form: has_form.then(Wiped::default),
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
            lead,
        )
    }

    /// Adds a request that could not be read: it has an answer all the same.
    pub(super) fn unreadable_request(&mut self, started: Timestamp, lead: Lead, now: Timestamp) {
        let slot = Slot {
            method: Some(Method::Unread),
            ..Slot::new(started, now, State::Asked)
        };
        self.place(slot, lead);
    }

    /// What is known of the request that an answer which begins at `started` belongs to.
    pub(super) fn asked(&self, started: Timestamp) -> Asked {
        match self.owner(started) {
            Owner::Slot(at) => self
                .slots
                .get(at)
                .and_then(|slot| slot.method.filter(|method| *method != Method::Unread))
                .map_or(Asked::Unseen, Asked::Known),
            Owner::Unclear => Asked::Unseen,
            Owner::Nobody if self.incomplete || self.coming || self.apart => Asked::Unseen,
            Owner::Nobody if self.doubt.is_some() => Asked::Unseen,
            Owner::Nobody => Asked::Nothing,
        }
    }

    /// Whether the request that an answer which begins at `started` belongs to asks for keys.
    pub(super) fn asks_for_keys(&self, started: Timestamp) -> bool {
        let Owner::Slot(at) = self.owner(started) else {
            return false;
        };
        self.slots.get(at).is_some_and(|slot| slot.asks_for_keys())
    }

    /// Whether it asks an authorization server for something.
    pub(super) fn asks_for_grant(&self, started: Timestamp) -> bool {
        let Owner::Slot(at) = self.owner(started) else {
            return false;
        };
        self.slots.get(at).is_some_and(|slot| slot.grant.is_some())
    }

    /// Adds to the form of the latest request.
    pub(super) fn form(&mut self, content: &[u8]) {
        let forms = self
            .slots
            .iter_mut()
            .rev()
            .find_map(|slot| slot.form.as_mut());
        if let Some(form) = forms {
            form.extend_from_slice(content);
        }
    }

    /// Ends the form of the latest request, which is read with the path that it went to and what the head of
    /// the request carried.
    pub(super) fn settle_form(&mut self, read: impl FnOnce(&str, Carried, &[u8]) -> Form) {
        let slot = self.slots.iter_mut().rev().find(|slot| slot.form.is_some());
        let Some((slot, request)) = slot.and_then(|slot| {
            let request = slot.request.take()?;
            Some((slot, request))
        }) else {
            return;
        };
        let bytes = slot.form.take().unwrap_or_default();
        let head = Carried {
            judged: request.credential.clone(),
            others: request.others.clone(),
            left_out: request.left_out.clone(),
        };
        let form = read(&request.path, head, &bytes);
        let request = slot.request.insert(request);
        if let Some(carried) = form.carried {
            (request.credential, request.others) = (carried.judged, carried.others);
            request.left_out = carried.left_out;
        }
        if !form.left_out.is_empty() {
            request.left_out.add(&form.left_out);
        }
        (slot.grant, slot.secrets) = (form.grant.map(Box::new), form.secrets);
    }

    /// Whether the latest request has its answer, as far as can be told.
    pub(super) fn is_answered(&self) -> bool {
        self.slots
            .iter()
            .rev()
            .find(|slot| slot.method.is_some())
            .is_none_or(|slot| slot.response.is_some() || slot.state == State::Alone)
    }

    /// Adds an answer, to the request that it belongs to if that is certain.
    pub(super) fn response(&mut self, head: ResponseHead, now: Timestamp) {
        let ResponseHead { response, missing } = head;
        let started = response.started;
        self.settle(false, now);
        if self.is_new_turn(started) {
            (self.doubt, self.owed) = (None, 0);
        }
        let at = match self.owner(started) {
            Owner::Slot(at) => at,
            Owner::Unclear => {
                self.give_up_waiting(started);
                self.insert_unasked(Slot {
                    awaits_request: true,
                    doubted: self.doubt.map(|doubt| doubt.ended),
                    ..Slot::new(started, now, State::Asked)
                })
            }
            Owner::Nobody => {
                let awaits_request = self.owed == 0;
                self.owed = self.owed.saturating_sub(1);
                self.insert_unasked(Slot {
                    awaits_request,
                    ..Slot::new(started, now, State::Asked)
                })
            }
        };
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
            slot.settle(whole);
            slot.state = State::Settled(now);
        }
    }

    /// Notes that heads may have gone by.
    pub(super) fn hole(&mut self, hole: Hole) {
        if hole.of_requests {
            self.incomplete = true;
        } else {
            self.doubt(hole.ended, !hole.by_rule);
        }
    }

    /// A thread read or wrote what the exchanges at this end wait for. `writes`: it wrote requests,
    /// which may come before their packets.
    pub(super) fn handled(&mut self, handling: &Handling, writes: bool) {
        let told = self.take_up(handling, Timestamp::MAX);
        if writes && !told {
            self.written = Some(handling.clone());
        }
    }

    /// A thread that was told before read or wrote, until `at`, what the exchanges at this end wait for.
    pub(super) fn moved(&mut self, handling: &Handling, at: Timestamp) {
        self.take_up(handling, at);
    }

    /// Gives the thread to the requests that began until `at` and have none. Whether there were any.
    fn take_up(&mut self, handling: &Handling, at: Timestamp) -> bool {
        let weak = |known: &Handling| {
            known.known_by == KnownBy::SocketTable && handling.known_by != KnownBy::SocketTable
        };
        let mut taken = false;
        for slot in &mut self.slots {
            let open = slot.handled.as_ref().is_none_or(weak) || slot.provisional;
            if open && slot.request.is_some() && slot.started <= at {
                slot.handled = Some(handling.clone());
                slot.provisional = false;
                taken = true;
            }
        }
        taken
    }

    /// No answer will come any more: what waits for one, or for its rest, waits no longer.
    pub(super) fn end_answers(&mut self, now: Timestamp) {
        self.over = true;
        self.settle(false, now);
    }

    fn answered(&mut self) -> Option<&mut Slot> {
        let mut slots = self.slots.iter_mut().map(AsMut::as_mut).rev();
        slots.find(|slot: &&mut Slot| slot.state == State::Answered)
    }
}
