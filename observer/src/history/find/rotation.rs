//! Keys that come and go, and validators that keep old ones.

use crate::history::active::{Active, Beginning};
use crate::history::condition::Condition;
use crate::history::memory::Memory;
use crate::history::scene::{Jwt, Scene};
use crate::history::sighting::Why;
use crate::history::streak::Streak;

use super::{Find, UNSAID_SECONDS, UNSAID_WANTED, ago};

/// So many refusals that name the key are wanted.
const WANTED: u32 = 3;
/// Of so many tokens where no cause is named.
const UNSAID_TOKENS: u32 = 4;
const TOKENS_WANTED: u32 = 2;
/// All tokens fail at a validator whose fetch of the keys failed, when so many of so many do.
const FETCH_WANTED: u32 = 5;
const FETCH_TOKENS: u32 = 3;
/// A key is revoked, rather than a token, when so many tokens of it are refused.
const PURGE_TOKENS: u32 = 3;

/// Whether a row of refusals is about a key.
fn is_of_key(row: &Streak) -> bool {
    let is_clear = row.key + row.unsaid >= UNSAID_WANTED && row.seconds() >= UNSAID_SECONDS;
    row.key >= WANTED || (is_clear && row.tokens.count() >= UNSAID_TOKENS)
}

/// What a new key that is accepted for the first time tells of its refusals before.
pub(in crate::history) fn healed_late(
    scene: &Scene<'_>,
    jwt: Jwt,
    memory: &Memory,
    active: &mut Active,
) {
    let key = scene.key(Condition::KeyRotationValidatorStale, jwt.used);
    let kind = memory.kinds.known.peek(jwt.kind);
    let Some(used) = memory.uses.strange.peek(jwt.used) else {
        return;
    };
    // Whoever never took tokens of this kind has learned of the issuer, and not of a key.
    let is_new = kind.is_some_and(|kind| kind.first_accepted < used.streak.first);
    if used.streak.key < WANTED || !is_new || active.holds(key) {
        return;
    }
    let evidence = vec![
        format!(
            "{} had accepted tokens of this kind with another key",
            scene.place()
        ),
        "it refused those of this key for the key, until it accepted one".to_owned(),
    ];
    let beginning = Beginning::of(scene.kid(), &used.streak, evidence);
    active.begin(key, scene.clock, beginning);
}

impl Find<'_> {
    /// Whether a key explains it that came or went.
    pub(super) fn rotation(&mut self) -> bool {
        let is_of_key = matches!(self.why, Why::Key | Why::Unsaid);
        if !is_of_key || self.scene.sighting.status() == 403 || !self.is_current() {
            return false;
        }
        self.validator_stale() || self.key_gone()
    }

    /// A new key that others take, and this validator does not, though it takes others of the issuer.
    fn validator_stale(&mut self) -> bool {
        let scene = self.scene;
        let Some(known) = self.known() else {
            return false;
        };
        let key = scene.key(Condition::KeyRotationValidatorStale, known.jwt.used);
        if self.again(key) {
            return true;
        }
        if known.key_accepted > 0 || known.kind_accepted == 0 {
            return false;
        }
        let Some(kind) = self.memory.kinds.peek(known.jwt.kind) else {
            return false;
        };
        let Some(used) = self.memory.uses.peek(known.jwt.used) else {
            return false;
        };
        if !is_of_key(&used.streak) {
            return false;
        }
        let place = scene.place();
        let mut evidence = vec![format!(
            "{place} accepts tokens of this kind with another key"
        )];
        let kid = self.memory.kids.peek(known.jwt.kid);
        let elsewhere = kid.filter(|kid| kid.first_accepted > kind.first_accepted);
        evidence.extend(elsewhere.map(|kid| {
            let before = ago(scene.clock, kid.last_accepted);
            format!("another validator accepted this key {before} this refusal")
        }));
        // A key set that goes by may be forged; but who then says that its key is not known?
        let listed = scene.sighting.listed();
        evidence.extend(listed.map(|seconds| {
            format!("a key set that went by {seconds} s before this refusal has the key")
        }));
        if elsewhere.is_none() && listed.is_none() {
            return false;
        }
        evidence.extend(scene.sighting.fetched());
        let beginning = Beginning::of(scene.kid(), &used.streak, evidence);
        self.begin(key, beginning)
    }

    /// A key that was accepted and is nowhere any more.
    fn key_gone(&mut self) -> bool {
        let scene = self.scene;
        let Some(known) = self.known() else {
            return false;
        };
        let conditions = [
            Condition::KeyRotationTokenStale,
            Condition::KeyCompromiseOrPurge,
        ];
        for condition in conditions {
            if self.again(scene.key(condition, known.jwt.kid)) {
                return true;
            }
        }
        let Some(kid) = self.memory.kids.peek(known.jwt.kid) else {
            return false;
        };
        let Some(issuer) = self.memory.issuers.known.peek(known.jwt.issuer) else {
            return false;
        };
        let row = &kid.streak;
        if known.key_accepted == 0 || !is_of_key(row) || row.tokens.count() < TOKENS_WANTED {
            return false;
        }
        let others = issuer
            .kids
            .iter()
            .filter(|(digest, ..)| *digest != known.jwt.kid);
        let newer = others
            .clone()
            .filter(|(_, first, _)| *first > kid.first_accepted && *first <= row.first)
            .max_by_key(|(_, first, _)| *first);
        let other = others.clone().find(|(digest, ..)| {
            let other = self.memory.kids.peek(*digest);
            other.is_some_and(|other| other.last_accepted > row.first)
        });
        let before = ago(row.first, kid.last_accepted);
        let mut evidence = vec![
            format!("a token of this key was last accepted anywhere {before} the first refusal"),
            format!(
                "tokens of it are refused at {} validators since",
                kid.refused_at.count()
            ),
        ];
        let condition = match (newer, other) {
            // Another that lived on shows that it is not the issuer that is refused.
            (Some((_, _, name)), Some(_)) => {
                evidence.push(format!("a newer key, {name}, was accepted before that"));
                Condition::KeyRotationTokenStale
            }
            (None, Some((_, _, name))) if row.tokens.count() >= PURGE_TOKENS => {
                evidence.push(format!("tokens of the key {name} are accepted since"));
                Condition::KeyCompromiseOrPurge
            }
            _ => return false,
        };
        let beginning = Beginning::of(scene.kid(), row, evidence);
        self.begin(scene.key(condition, known.jwt.kid), beginning)
    }

    /// Whether the validator cannot get the keys of the issuer.
    pub(super) fn outage(&mut self) -> bool {
        let scene = self.scene;
        let says_so = self.why == Why::Keys;
        let failed = matches!(self.why, Why::Key | Why::Unsaid) && scene.sighting.fetch_failed();
        let Some(jwt) = scene.jwt.filter(|_| says_so || failed) else {
            return false;
        };
        let key = scene.key(Condition::IssuerKeyOutage, jwt.issuer);
        if self.again(key) {
            return true;
        }
        let Some(kind) = self.memory.kinds.peek(jwt.kind) else {
            return false;
        };
        let row = &kind.streak;
        let all_fail = failed
            && kind.accepted > 0
            && row.count >= FETCH_WANTED
            && row.tokens.count() >= FETCH_TOKENS;
        if row.keys < WANTED && !all_fail {
            return false;
        }
        let mut evidence = vec!["it accepted no token of this kind since".to_owned()];
        if says_so {
            evidence.push(format!("{} says that it has no keys", scene.place()));
        }
        evidence.extend(scene.sighting.fetched());
        let beginning = Beginning::of(scene.issuer(), row, evidence);
        self.begin(key, beginning)
    }
}
