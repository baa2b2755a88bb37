//! An exchange with what stands for its parts in the tables.

use std::sync::Arc;

use crate::redact;
use crate::time::Timestamp;

use super::active::Key;
use super::condition::{Concern, Condition};
use super::find;
use super::memory::{Memory, shelf};
use super::sighting::Sighting;

/// A sighting, and the digests of what it is about. 0 stands for nothing.
pub(super) struct Scene<'a> {
    pub(super) sighting: Sighting<'a>,
    /// The clock of the data.
    pub(super) clock: Timestamp,
    pub(super) at: At,
    pub(super) client: u64,
    pub(super) token: u64,
    /// Of a JWT with an issuer.
    pub(super) jwt: Option<Jwt>,
}

/// Where it was answered.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) service: u64,
    pub(super) shelf: u32,
    pub(super) place: u64,
}

/// What kind of token it was.
#[derive(Clone, Copy)]
pub(super) struct Jwt {
    pub(super) issuer: u64,
    /// The issuer and its key.
    pub(super) kid: u64,
    /// The place, the issuer and its key.
    pub(super) used: u64,
    /// The place, the issuer and the audiences.
    pub(super) kind: u64,
    /// What it is by its claims, where it is no access token: see [`find::kind_of`].
    pub(super) role: Option<usize>,
}

/// The longest issuer or kid that is told, in bytes.
const MAX_TEXT: usize = 128;

impl At {
    pub(super) fn of(sighting: &Sighting<'_>, memory: &Memory) -> Self {
        let service = &**sighting.service;
        let connection = &sighting.exchange.connection;
        let process = sighting.exchange.handled.as_ref();
        let process = process.and_then(|handled| handled.process.as_ref());
        let container = process.and_then(|process| process.container.as_ref());
        let container = container.map(|container| container.id.as_str());
        let path = connection.unix.as_ref().map(|ends| ends.path.as_deref());
        Self {
            service: memory.digest(service),
            shelf: shelf(service),
            place: match path {
                Some(path) => memory.digest((service, path, container)),
                None => memory.digest((service, connection.server, container)),
            },
        }
    }
}

impl<'a> Scene<'a> {
    pub(super) fn new(sighting: Sighting<'a>, clock: Timestamp, at: At, memory: &Memory) -> Self {
        let credential = sighting.credential();
        let fingerprint = credential.and_then(|credential| credential.fingerprint);
        Self {
            client: memory.digests.of_client(sighting.client()),
            // A fingerprint is a digest under a key already.
            token: fingerprint.map_or(0, |fingerprint| fingerprint.0 | 1),
            jwt: None,
            sighting,
            clock,
            at,
        }
    }

    /// Finds out which kind of token it is, unless it was looked into here before.
    pub(super) fn look_inside(&mut self, memory: &Memory) {
        let token = memory.tokens.peek(self.token);
        let trial = token.and_then(|token| token.at(self.at.place));
        let known = trial.and_then(|trial| trial.jwt);
        self.jwt = known.or_else(|| self.inside(memory));
    }

    fn inside(&self, memory: &Memory) -> Option<Jwt> {
        let issuer = self.sighting.issuer()?;
        let kid = self.sighting.kid();
        let credential = self.sighting.credential()?;
        let claims = credential.claims.as_ref();
        let audience = claims.map(|claims| claims.audience.as_slice());
        let place = self.at.place;
        Some(Jwt {
            issuer: memory.digest(issuer),
            kid: memory.digest((issuer, kid)),
            used: memory.digest((place, issuer, kid)),
            kind: memory.digest((place, issuer, audience.unwrap_or_default())),
            role: find::kind_of(credential).map(|(kind, _)| kind),
        })
    }

    /// What the client is in the tables.
    pub(super) fn of_client(&self, memory: &Memory) -> u64 {
        memory.digest((self.at.service, self.client))
    }

    /// The bit of the endpoint, unless it is the one that was asked for last.
    pub(super) fn endpoint_unless(&self, last: &mut usize) -> u64 {
        let request = self.sighting.exchange.request.as_ref();
        let target = request.map_or(0, |request| Arc::as_ptr(&request.head.target).addr());
        if *last == target {
            return 0;
        }
        *last = target;
        self.sighting.endpoint()
    }

    /// For how many seconds the token is good already, by our clock.
    pub(super) fn youth(&self) -> Option<f64> {
        let claims = self.sighting.credential()?.claims.as_ref()?;
        let times = [claims.not_before, claims.issued].into_iter().flatten();
        let latest = times.max_by(f64::total_cmp)?;
        self.sighting.ahead(latest).map(|ahead| -ahead)
    }

    /// What tells a condition of this service apart.
    pub(super) fn key(&self, condition: Condition, scope: u64) -> Key {
        Key {
            condition,
            service: self.at.service,
            scope,
        }
    }

    /// For whom a condition of the service is.
    pub(super) fn service(&self) -> Concern {
        Concern {
            service: Arc::clone(self.sighting.service),
            issuer: None,
            kid: None,
        }
    }

    /// For whom a condition of the issuer's tokens is.
    pub(super) fn issuer(&self) -> Concern {
        Concern {
            issuer: self.sighting.issuer().map(text),
            ..self.service()
        }
    }

    /// For whom a condition of the key is.
    pub(super) fn kid(&self) -> Concern {
        Concern {
            kid: Some(text(self.sighting.kid().unwrap_or("(none)"))),
            ..self.issuer()
        }
    }

    /// By what the sentences name the one who answered.
    pub(super) fn place(&self) -> String {
        let connection = &self.sighting.exchange.connection;
        let process = self.sighting.exchange.handled.as_ref();
        let process = process.and_then(|handled| handled.process.as_ref());
        let container = process.and_then(|process| process.container.as_ref());
        match (container, &connection.unix) {
            (Some(container), _) => {
                let name = container.name.as_deref().unwrap_or(&container.id);
                format!("container {}", redact::label(name, MAX_TEXT))
            }
            (None, Some(ends)) => {
                let path = ends.path.as_deref().unwrap_or_default();
                format!("unix:{}", redact::label(path, MAX_TEXT))
            }
            (None, None) => connection.server.to_string(),
        }
    }
}

/// Text of a token, as it is told.
pub(super) fn text(text: &str) -> Arc<str> {
    redact::label(text, MAX_TEXT).into()
}
