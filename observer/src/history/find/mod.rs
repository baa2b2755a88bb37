//! Conditions, a family a file: each looks at a refusal, with what is remembered, and says whether it explains
//! it.

mod clients;
mod clocks;
mod environment;
mod form;
mod grants;
mod hops;
mod replicas;
mod revoked;
mod rotation;
mod types;

pub(super) use clients::count_clients;
pub(super) use clocks::read as read_clocks;
pub(super) use grants::take as take_grant;
pub(super) use hops::Hops;
pub(super) use rotation::healed_late;
pub(super) use types::{ID, REFRESH, kind_of};

use crate::time::Timestamp;

use super::active::{Active, Beginning, Key};
use super::memory::{Birth, Memory};
use super::scene::{Jwt, Scene};
use super::sighting::Why;

/// A refusal with everything that may explain it.
pub(super) struct Find<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) why: Why,
    pub(super) memory: &'a mut Memory,
    pub(super) active: &'a mut Active,
}

/// What the tables have of the token, its key and its kind, where there is one of each.
#[derive(Clone, Copy)]
struct Known {
    jwt: Jwt,
    /// The service took tokens of this kind, or of this key, before.
    kind_accepted: u64,
    key_accepted: u64,
}

impl Find<'_> {
    /// Looks what explains the refusal. What comes first explains it best.
    pub(super) fn all(mut self) {
        let explained = self.form()
            || self.types()
            || self.outage()
            || self.rotation()
            || self.clocks()
            || self.environment()
            || self.replicas()
            || self.revoked();
        self.clients(explained);
    }

    /// What an authorization server was seen to say of the token.
    fn birth(&self) -> Option<&Birth> {
        self.memory.tokens.peek(self.scene.token)?.birth.as_deref()
    }

    fn known(&self) -> Option<Known> {
        let jwt = self.scene.jwt?;
        let accepted = |used: Option<&super::memory::Use>| used.map_or(0, |used| used.accepted);
        Some(Known {
            jwt,
            kind_accepted: accepted(self.memory.kinds.peek(jwt.kind)),
            key_accepted: accepted(self.memory.uses.peek(jwt.used)),
        })
    }

    /// Counts the exchange for a condition, where that holds already.
    fn again(&mut self, key: Key) -> bool {
        let Scene {
            clock,
            token,
            client,
            ..
        } = *self.scene;
        self.active.again(key, clock, token, client)
    }

    fn begin(&mut self, key: Key, beginning: Beginning) -> bool {
        self.active.begin(key, self.scene.clock, beginning);
        true
    }

    /// Whether the token could still be good for its times.
    fn is_current(&self) -> bool {
        self.scene.sighting.left().is_none_or(|left| left > MARGIN)
    }
}

/// Where no cause is named, so many refusals are wanted over so many seconds, and of several tokens: some
/// people log out one after the other, or at the moment when few tokens of a new key are in use.
const UNSAID_WANTED: u32 = 10;
const UNSAID_SECONDS: u64 = 10;

/// A token that expires in less than this may be expired for its validator, in seconds.
const MARGIN: f64 = 60.0;

/// How long ago something was, as a person says it.
fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..120 => format!("{seconds} s before"),
        120..7200 => format!("{} min before", seconds / 60),
        _ => format!("{} h before", seconds / 3600),
    }
}
