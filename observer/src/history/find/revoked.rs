//! Tokens that were good and are not, while others of the same key are.

use crate::history::active::Beginning;
use crate::history::condition::Condition;
use crate::history::sighting::Why;

use super::{Find, ago};

/// So many refusals of a token are wanted, over so many seconds: whoever logs out sends a request or two more.
const WANTED: u32 = 3;
const SECONDS: u64 = 5;

impl Find<'_> {
    /// Whether the token was accepted here before, and others of its key still are.
    pub(super) fn revoked(&mut self) -> bool {
        let scene = self.scene;
        let sighting = &scene.sighting;
        let is_unsaid = matches!(self.why, Why::Unsaid | Why::State);
        let Some(known) = self
            .known()
            .filter(|_| is_unsaid && sighting.status() == 401)
        else {
            return false;
        };
        // Without `exp` nobody knows whether it is only old.
        if !self.is_current() || sighting.left().is_none() {
            return false;
        }
        let Some(token) = self.memory.tokens.peek(scene.token) else {
            return false;
        };
        let here = token.at(scene.at.place);
        // Ways to a service may want more than a token that is good.
        let endpoint = sighting.endpoint();
        let was_good = here.filter(|trial| trial.accepted > 0 && trial.endpoints & endpoint != 0);
        let Some(trial) = was_good else {
            return false;
        };
        let accepted_since = token.trials().any(|other| {
            other.service == trial.service && other.last_accepted > trial.first_refused
        });
        let lasted = trial.last_refused.since(trial.first_refused).as_secs();
        let others = self.memory.uses.peek(known.jwt.used);
        let others_go_on = others.is_some_and(|used| used.last_accepted > trial.first_refused);
        let key = scene.key(Condition::TokenRevokedInferred, known.jwt.issuer);
        if accepted_since || !others_go_on || trial.refused < WANTED || lasted < SECONDS {
            return false;
        }
        let (since, refused) = (trial.first_refused, trial.refused);
        let before = ago(trial.first_refused, trial.last_accepted);
        if self.again(key) {
            return true;
        }
        let left = sighting.left().unwrap_or_default();
        let mut evidence = vec![
            format!("the token was last accepted there {before} it was refused first"),
            format!("it does not expire for another {left:.0} s"),
            "other tokens of the same key were accepted there since".to_owned(),
        ];
        let seen = self.birth().and_then(|birth| birth.revoked);
        evidence.extend(seen.map(|time| {
            format!(
                "its revocation was seen {} this refusal",
                ago(scene.clock, time)
            )
        }));
        let beginning = Beginning::of_one(scene, since, refused, evidence);
        self.begin(key, beginning)
    }
}
