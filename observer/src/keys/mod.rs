//! The keys of issuers, as they go by: which kids are in use since when, who fetched the key sets and how
//! long they may be kept; and the sets themselves, to check signatures with where nobody gave keys.
//!
//! It takes its clock from the data, and what it knows depends on nothing but the exchanges in their
//! order. Everything in it is bounded, and what was silent for longest goes first.

mod document;
pub mod fetch;
mod learned;
mod place;
#[cfg(test)]
mod tests;
mod timeline;

use std::sync::Arc;

use crate::credential::Credential;
use crate::digest::DigestKey;
use crate::exchange::{Exchange, Field, Request, Response, Side};
use crate::redact;
use crate::time::Timestamp;
use crate::verdict::Outcome;
use document::Document;
use learned::Learned;

pub use learned::{MAX_SETS, Testimony};
pub use place::{Place, is_key_path};
pub use timeline::{
    Client, Fetch, Fetched, Issuer, Kid, MAX_FETCHES, MAX_ISSUERS, MAX_KIDS, MAX_NAMED, Span,
    Timeline,
};

/// So many bytes of a body are kept where it may be a key set or a discovery document.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// So many documents are read in a second: reading keys is dear, and whoever serves them is a stranger.
const MAX_READ: u32 = 32;

/// What is known of keys.
#[derive(Default)]
pub struct Keys {
    timeline: Timeline,
    learned: Learned,
    digest: DigestKey,
    /// The second in which documents were read last, and how many.
    read: (i64, u32),
}

impl Keys {
    /// What was seen when.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Takes it that the key set of an issuer is at a place: a discovery document that somebody vouches for.
    pub fn hint(&mut self, issuer: &str, place: Place) {
        self.learned.declare(place, issuer.to_owned());
    }

    /// Looks whether an exchange fetched keys, and takes what it got.
    pub fn fetch(&mut self, exchange: &Exchange, service: &Arc<str>) {
        let Some((request, place)) = place::asked(exchange, service) else {
            return;
        };
        let Some(response) = &exchange.response else {
            if place::is_only_for_keys(&request.path) {
                let result = Fetched::Unread("there was no answer");
                self.note_fetch(exchange, request, None, service, place, result);
            }
            return;
        };
        let result = match response.status {
            // What the client has is still good.
            304 => Fetched::Unread("it has not changed"),
            _ if !self.may_read(request.started) => Fetched::Unread("too many came at once"),
            _ => match document::read(response) {
                Ok(document) => self.learn(document, &place, request.started, response),
                Err(why) => Fetched::Unread(why),
            },
        };
        let is_one = !matches!(result, Fetched::Unread(_));
        if is_one || place::is_only_for_keys(&request.path) {
            self.note_fetch(exchange, request, Some(response), service, place, result);
        }
    }

    /// Notes the kid of a token, and what became of it.
    pub fn token(&mut self, exchange: &Exchange, outcome: Outcome) {
        let accepted = match outcome {
            Outcome::Accepted => true,
            Outcome::Rejected => false,
            _ => return,
        };
        let Some(request) = &exchange.request else {
            return;
        };
        let Some(credential) = request.credential.as_deref() else {
            return;
        };
        let Some(signer) = credential.signer else {
            return;
        };
        let time = request.started;
        let issuer = || {
            let claims = credential.claims.as_ref();
            let issuer = claims.and_then(|claims| claims.issuer.as_deref());
            issuer.unwrap_or_default()
        };
        let kid = || credential.header.as_ref()?.kid.as_deref();
        self.timeline
            .note_by(signer.issuer, issuer, time, |issuer| {
                issuer.note_by(signer.kid, kid, |kid| {
                    let span = match accepted {
                        true => &mut kid.accepted,
                        false => &mut kid.refused,
                    };
                    Span::grow(span, time);
                });
            });
    }

    /// What key sets that went by say of a token's signature, where no keys were given to check it with.
    pub fn testimony(&mut self, credential: &Credential) -> Option<Arc<Testimony>> {
        self.learned.testimony(credential)
    }

    fn learn(
        &mut self,
        document: Document,
        place: &Place,
        time: Timestamp,
        response: &Response,
    ) -> Fetched {
        match document {
            Document::KeySet { set, keys } => {
                let kids = set.kids(MAX_NAMED);
                let digest = self.digest.of(response.excerpt.bytes()).words();
                self.learned.add(place, digest, set, time);
                Fetched::KeySet { keys, kids }
            }
            Document::Discovery { issuer, keys } => {
                let name = shown(&issuer);
                self.timeline.note(&name, time, |_| {});
                if let Some(keys) = keys {
                    self.timeline.claim(&name, &keys);
                    self.learned.declare(keys, issuer);
                }
                Fetched::Discovery
            }
        }
    }

    fn note_fetch(
        &mut self,
        exchange: &Exchange,
        request: &Request,
        response: Option<&Response>,
        service: &Arc<str>,
        place: Place,
        result: Fetched,
    ) {
        let time = request.started;
        let declared = self.learned.declared(&place).map(shown);
        let under = || {
            let is_its =
                |known: &&Issuer| known.base.as_ref().is_some_and(|own| place.is_under(own));
            let known = self.timeline.issuers().find(is_its)?;
            Some(known.issuer.clone())
        };
        let issuer = declared.or_else(under);
        let fetch = Fetch {
            time,
            client: client(exchange),
            service: Arc::clone(service),
            url: place.shown(),
            status: response.map(|response| response.status),
            max_age: response.and_then(max_age),
            result,
            place,
            seq: request.seq,
        };
        self.timeline.fetched(fetch, issuer.as_deref());
    }

    /// Whether one more document may be read in this second of the data.
    fn may_read(&mut self, time: Timestamp) -> bool {
        let second = time.seconds();
        if self.read.0 != second {
            self.read = (second, 0);
        }
        self.read.1 += 1;
        self.read.1 <= MAX_READ
    }
}

/// An issuer as claims show it.
fn shown(issuer: &str) -> String {
    redact::label(issuer, 256)
}

fn client(exchange: &Exchange) -> Client {
    let connection = &exchange.connection;
    let is_here = connection.side == Side::Client;
    let process = exchange.handled.as_ref().filter(|_| is_here);
    Client {
        address: connection
            .unix
            .is_none()
            .then(|| connection.client.ip().to_canonical()),
        process: process.map(|process| redact::text(&process.name, 32)),
        pid: process.map(|process| process.pid),
    }
}

/// For how many seconds an answer may be kept (RFC 9111 section 5.2.2).
fn max_age(response: &Response) -> Option<u32> {
    max_age_of(response.values(Field::CacheControl))
}

/// The same of the values of Cache-Control.
fn max_age_of<'a>(values: impl Iterator<Item = &'a str>) -> Option<u32> {
    let mut age = None;
    for value in values {
        for directive in value.split(',').map(str::trim) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(0),
                "max-age" => age = value.trim_matches('"').parse().ok().or(age),
                _ => {}
            }
        }
    }
    age
}
