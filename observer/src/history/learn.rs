//! What is remembered of an exchange, and what conditions it ends.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;

use super::condition::Condition;
use super::find::{self, Find};
use super::memory::{self, ISSUER_KIDS, Service};
use super::scene::{self, At, Scene, text};
use super::sighting::Why;
use super::{History, active, caches};

/// What is accepted again within this tells nothing new.
const SAME: Duration = Duration::from_secs(1);
/// How often the clock of a server is read.
const CLOCK_EVERY: Duration = Duration::from_secs(1);

impl History {
    /// Whether the same was accepted just now. Then it is only counted.
    fn is_known(&mut self, scene: &Scene<'_>) -> bool {
        if scene.token == 0 || !self.active.is_empty() {
            return false;
        }
        // It keeps its place in the order of use, which it has had for less than that: to move it, its
        // neighbours would have to be touched, which lie in no cache of the processor.
        let Some(token) = self.memory.tokens.known.peek_mut(scene.token) else {
            return false;
        };
        let is_same_client = token.last_client == scene.client;
        let uses = token.uses.saturating_add(1);
        let Some(trial) = token.at_mut(scene.at.place).filter(|_| is_same_client) else {
            return false;
        };
        if trial.refused > 0 || scene.clock.since(trial.last_accepted) >= SAME {
            return false;
        }
        trial.accepted = trial.accepted.saturating_add(1);
        trial.endpoints |= scene.endpoint_unless(&mut trial.target);
        token.uses = uses;
        true
    }

    pub(super) fn accepted(&mut self, mut scene: Scene<'_>) {
        if self.is_known(&scene) {
            return;
        }
        self.answered(&scene, None);
        if scene.token == 0 {
            return;
        }
        let (clock, at) = (scene.clock, scene.at);
        scene.look_inside(&self.memory);
        let endpoint = scene.sighting.endpoint();
        let token = self.memory.tokens.accepted(scene.token, at.shelf);
        if token.is_new() {
            token.first = clock;
        }
        let trial = token.trial(at.place, at.service);
        let was_revoked = trial.accepted > 0 && trial.refused > 0;
        trial.accepted = trial.accepted.saturating_add(1);
        trial.last_accepted = clock;
        trial.refused = 0;
        trial.endpoints |= endpoint;
        trial.jwt = scene.jwt;
        find::count_clients(&scene, token, &mut self.active);
        let service = self.memory.services.entry(at.service, at.shelf);
        service.last_accepted = clock;
        let client = scene.of_client(&self.memory);
        if let Some(client) = self.memory.clients.get(client) {
            client.streak.end();
        }
        if let Some(jwt) = scene.jwt {
            find::healed_late(&scene, jwt, &self.memory, &mut self.active);
            self.accepted_jwt(&scene, jwt, endpoint);
        }
        self.heal(&scene, was_revoked, client);
    }

    fn accepted_jwt(&mut self, scene: &Scene<'_>, jwt: scene::Jwt, endpoint: u64) {
        let Scene {
            clock,
            at,
            sighting,
            ..
        } = *scene;
        let memory = &mut self.memory;
        memory
            .uses
            .accepted(jwt.used, at.shelf)
            .accept(clock, endpoint);
        memory
            .kinds
            .accepted(jwt.kind, at.shelf)
            .accept(clock, endpoint);
        let kid = memory.kids.entry(jwt.kid, at.shelf);
        let is_first = kid.first_accepted == Timestamp::default();
        if is_first {
            kid.first_accepted = clock;
        }
        kid.last_accepted = clock;
        kid.streak.end();
        kid.refused_at.clear();
        let issuer = memory.issuers.accepted(jwt.issuer, at.shelf);
        if is_first {
            if issuer.kids.len() >= ISSUER_KIDS {
                issuer.kids.remove(0);
            }
            let name = text(sighting.kid().unwrap_or("(none)"));
            issuer.kids.push((jwt.kid, clock, name));
        }
        let claims = sighting.credential().map(|credential| &credential.claims);
        let audiences = claims
            .into_iter()
            .flatten()
            .flat_map(|claims| &claims.audience);
        let service = memory.services.entry(at.service, at.shelf);
        if let Some(name) = sighting.issuer() {
            Service::accepts(&mut service.issuers, jwt.issuer, || text(name));
        }
        for audience in audiences.take(memory::ACCEPTED) {
            let digest = memory.digests.of(audience);
            Service::accepts(&mut service.audiences, digest, || text(audience));
        }
        if let Some(kind) = jwt.role
            && let Some(takes) = service.takes.get_mut(kind)
        {
            *takes = true;
        }
    }

    pub(super) fn refused(&mut self, mut scene: Scene<'_>, why: Why) {
        self.answered(&scene, Some(why));
        self.hops.look(&scene, why, &self.memory, &mut self.active);
        let is_empty = scene.sighting.credential().is_none();
        if is_empty || matches!(why, Why::Missing | Why::Policy) {
            return;
        }
        scene.look_inside(&self.memory);
        self.remember(&scene, why);
        let find = Find {
            scene: &scene,
            why,
            memory: &mut self.memory,
            active: &mut self.active,
        };
        find.all();
    }

    fn remember(&mut self, scene: &Scene<'_>, why: Why) {
        let Scene {
            clock,
            at,
            token,
            client,
            ..
        } = *scene;
        let memory = &mut self.memory;
        if token != 0 {
            let known = memory.tokens.refused(token, at.shelf);
            if known.is_new() {
                known.first = clock;
            }
            let trial = known.trial(at.place, at.service);
            if trial.refused == 0 {
                trial.first_refused = clock;
            }
            trial.refused = trial.refused.saturating_add(1);
            trial.last_refused = clock;
            trial.jwt = scene.jwt;
            find::count_clients(scene, known, &mut self.active);
        }
        if let Some(jwt) = scene.jwt {
            for (tier, key) in [(&mut memory.uses, jwt.used), (&mut memory.kinds, jwt.kind)] {
                // A token that is over tells nothing of its kind.
                if why != Why::Expired {
                    tier.refused(key, at.shelf)
                        .streak
                        .add(clock, why, token, client);
                }
            }
            let is_of_key = matches!(why, Why::Key | Why::Unsaid);
            if is_of_key && let Some(kid) = memory.kids.get(jwt.kid) {
                kid.streak.add(clock, why, token, client);
                kid.refused_at.add(at.place, 8);
            }
        }
        let of_client = scene.of_client(memory);
        let row = &mut memory.clients.entry(of_client, at.shelf).streak;
        row.add(clock, why, token, client);
    }

    /// What any answer tells of whoever gave it.
    pub(super) fn answered(&mut self, scene: &Scene<'_>, why: Option<Why>) {
        let At {
            place,
            shelf,
            service,
        } = scene.at;
        let known = self.memory.places.entry(place, shelf);
        let handled = scene.sighting.exchange.handled.as_ref();
        let process = handled.and_then(|handled| handled.process.as_ref());
        known.started = known
            .started
            .max(process.and_then(|process| process.started));
        let recognised = scene.sighting.verdict.validator.as_ref();
        if let Some(one) = recognised.filter(|one| one.certain)
            && known.validator.as_deref() != Some(&*one.name)
        {
            known.validator = Some(one.name.as_str().into());
        }
        if why.is_none() && scene.clock.since(known.looked) < CLOCK_EVERY {
            return;
        }
        known.looked = scene.clock;
        find::read_clocks(scene, why, known);
        let Some(offset) = known.own.offset().or(known.date.offset()) else {
            return;
        };
        let of_service = self.memory.services.entry(service, shelf);
        let Some(together) = of_service.clock_of(place, offset) else {
            return;
        };
        self.clocks
            .push((Arc::clone(scene.sighting.service), together));
    }

    /// Ends what an acceptance refutes.
    fn heal(&mut self, scene: &Scene<'_>, was_revoked: bool, client: u64) {
        if self.active.is_empty() {
            return;
        }
        let Scene { clock, at, .. } = *scene;
        let jwt = scene.jwt;
        let is = |digest: Option<u64>, scope: u64| digest == Some(scope);
        let credential = scene.sighting.credential();
        let kind = credential.and_then(|credential| find::kind_of(credential));
        let kind = kind.map(|(kind, _)| kind);
        let place = self.memory.places.peek(at.place);
        let own = place.and_then(|place| place.own.at_least());
        let most = place.and_then(|place| place.own.at_most());
        let left = scene.sighting.left();
        let age = scene.youth();
        #[expect(clippy::cast_precision_loss, reason = "seconds of a clock that is off")]
        let seconds = |millis: i64| millis as f64 / 1e3;
        let validator = place.and_then(|place| place.validator.clone());
        let refuted = |key: active::Key| {
            use Condition as C;
            let here = key.service == at.service;
            match key.condition {
                C::KeyRotationTokenStale | C::KeyCompromiseOrPurge => {
                    is(jwt.map(|jwt| jwt.kid), key.scope)
                }
                _ if !here => false,
                C::TokenRevokedInferred => was_revoked && is(jwt.map(|jwt| jwt.issuer), key.scope),
                C::KeyRotationValidatorStale => is(jwt.map(|jwt| jwt.used), key.scope),
                C::IssuerKeyOutage => is(jwt.map(|jwt| jwt.issuer), key.scope),
                C::ValidatorConfigDrift | C::WrongEnvironment | C::WrongTenant => {
                    is(jwt.map(|jwt| jwt.kind), key.scope)
                }
                C::ReplicasDisagree => key.scope == at.place && jwt.is_some(),
                C::ClientFailing => key.scope == client,
                C::RefreshTokenUsedAsAccess => kind == Some(find::REFRESH),
                C::IdTokenUsedAsAccess => kind == Some(find::ID),
                // A token is accepted that has less time left, or is younger, than those that were refused.
                C::ClockSkewValidatorAhead => {
                    let less = left
                        .zip(own)
                        .is_some_and(|(left, own)| left < seconds(own) - 2.0);
                    key.scope == at.place && less
                }
                C::ClockSkewValidatorBehind => {
                    let less = age
                        .zip(most)
                        .is_some_and(|(age, most)| age < -seconds(most) - 2.0);
                    key.scope == at.place && less
                }
                _ => false,
            }
        };
        self.active.heal(clock, refuted, |condition, since| {
            let lasted = clock.since(since).as_secs();
            match condition {
                Condition::KeyRotationValidatorStale => caches::fits(lasted, validator.as_deref()),
                Condition::ClientFailing => format!("it was accepted after {lasted} s"),
                Condition::ClockSkewValidatorAhead | Condition::ClockSkewValidatorBehind => {
                    format!("times are judged as we do again, after {lasted} s")
                }
                _ => format!("what was refused is accepted again, after {lasted} s"),
            }
        });
    }
}
