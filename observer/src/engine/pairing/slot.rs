//! An exchange that is not complete.

use super::{LONGEST_REST, REST, REST_OF_ISSUER};
use crate::credential::Echo;
use crate::exchange::{Capture, Excerpt, Request, Response};
use crate::keys::is_key_path;
use crate::oauth::Grant;
use crate::packet::Handling;
use crate::protocol::http1::Method;
use crate::time::Timestamp;
use crate::wiped::Wiped;

/// An exchange that is not complete.
pub(super) struct Slot {
    /// When the request began; of an answer without one: when that did.
    pub(super) started: Timestamp,
    /// When the request's head ended.
    pub(super) finished: Timestamp,
    pub(super) since: Timestamp,
    pub(super) state: State,
    pub(super) method: Option<Method>,
    pub(super) request: Option<Request>,
    pub(super) response: Option<Response>,
    pub(super) excerpt: Wiped,
    /// The form of the request, while it comes.
    pub(super) form: Option<Wiped>,
    pub(super) grant: Option<Box<Grant>>,
    /// How the secrets of the form are known.
    pub(super) secrets: Echo,
    pub(super) handled: Option<Handling>,
    /// `handled` was told before the head was seen.
    pub(super) provisional: bool,
    pub(super) capture: Capture,
    /// The request began a turn, with nothing missing right before it.
    pub(super) turn: bool,
    /// The request of this answer may still come.
    pub(super) awaits_request: bool,
    /// Only if it began a turn after this: before, other answers may have gone by.
    pub(super) doubted: Option<Timestamp>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum State {
    /// Waits for its answer.
    Asked,
    /// Waits for the rest of its excerpt.
    Answered,
    /// Has everything but perhaps the thread that handled it, since then.
    Settled(Timestamp),
    /// Will have no answer.
    Alone,
    /// Was told as unanswered; only kept so that a late answer is not taken for another's.
    Told,
}

impl Slot {
    pub(super) fn new(started: Timestamp, since: Timestamp, state: State) -> Self {
        Self {
            started,
            finished: started,
            since,
            state,
            method: None,
            request: None,
            response: None,
            excerpt: Wiped::default(),
            form: None,
            grant: None,
            secrets: Echo::default(),
            handled: None,
            provisional: false,
            capture: Capture::default(),
            turn: false,
            awaits_request: false,
            doubted: None,
        }
    }

    /// Ends the excerpt; `whole`: the body was nothing more.
    pub(super) fn settle(&mut self, whole: bool) {
        let bytes = std::mem::take(&mut *self.excerpt);
        if let Some(response) = &mut self.response {
            response.excerpt = Excerpt::new(bytes, whole);
        }
    }

    pub(super) fn asks_for_keys(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| is_key_path(&request.path))
    }

    /// Until when the rest of its excerpt is waited for, where data was last seen at `heard`.
    pub(super) fn rest_until(&self, heard: Timestamp) -> Timestamp {
        let response = self.response.as_ref();
        let is_accepted = response.is_some_and(|response| response.status < 400);
        let is_of_issuer = is_accepted && (self.grant.is_some() || self.asks_for_keys());
        let rest = if is_of_issuer { REST_OF_ISSUER } else { REST };
        heard.plus(rest).min(self.since.plus(LONGEST_REST))
    }

    pub(super) fn is_handled(&self) -> bool {
        self.handled.is_some() && !self.provisional
    }

    pub(super) fn held(&self) -> usize {
        let request = self.request.as_ref().map_or(0, |request| {
            request.path.capacity() + request.host.as_ref().map_or(0, String::capacity)
        });
        let response = self.response.as_ref().map_or(0, |response| {
            let fields = response.fields.iter();
            let fields: usize = fields.map(|(_, value)| value.capacity()).sum();
            fields + response.excerpt.bytes().len()
        });
        let form = self.form.as_ref().map_or(0, |form| form.capacity());
        size_of::<Self>() + request + response + self.excerpt.capacity() + form
    }
}
