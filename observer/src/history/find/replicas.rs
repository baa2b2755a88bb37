//! Validators that refuse what they accepted before, or what their siblings accept.

use std::time::Duration;

use crate::history::active::Beginning;
use crate::history::condition::Condition;
use crate::history::sighting::Why;
use crate::history::streak::Streak;

use super::{Find, Known, UNSAID_SECONDS, UNSAID_WANTED, ago};

/// So many tokens of a kind were accepted before it is said that they were.
const ACCEPTED: u64 = 5;
/// So many refusals, of so many tokens, are wanted.
const DRIFT_WANTED: u32 = 5;
const DRIFT_TOKENS: u32 = 3;
/// Of so many tokens where no cause is named.
const UNSAID_TOKENS: u32 = 6;
const DISPUTES: u32 = 3;
const DISPUTED_TOKENS: u32 = 2;
/// A sibling that accepted the token no longer ago than this accepts it.
const RECENT: Duration = Duration::from_secs(600);

impl Find<'_> {
    /// Whether the validator changed, or is not like its siblings.
    pub(super) fn replicas(&mut self) -> bool {
        let scene = self.scene;
        let is_of_config = matches!(
            self.why,
            Why::Issuer | Why::Audience | Why::Claims | Why::Key | Why::Unsaid
        );
        let is_bare = self.why == Why::Unsaid && scene.sighting.status() != 401;
        if !is_of_config || is_bare || !self.is_current() {
            return false;
        }
        let Some(known) = self.known() else {
            return false;
        };
        let disputed = self.sibling_accepts();
        if disputed {
            let place = self.memory.places.entry(scene.at.place, scene.at.shelf);
            place
                .disputes
                .add(scene.clock, self.why, scene.token, scene.client);
        }
        let drift = scene.key(Condition::ValidatorConfigDrift, known.jwt.kind);
        let disagree = scene.key(Condition::ReplicasDisagree, scene.at.place);
        if self.again(drift) || (disputed && self.again(disagree)) {
            return true;
        }
        match known.kind_accepted {
            ACCEPTED.. => self.drift(known, disputed),
            _ => disputed && self.disagrees(known),
        }
    }

    /// Whether another replica accepted this very token lately.
    fn sibling_accepts(&self) -> bool {
        let scene = self.scene;
        let Some(token) = self.memory.tokens.peek(scene.token) else {
            return false;
        };
        token.trials().any(|trial| {
            trial.service == scene.at.service
                && trial.place != scene.at.place
                && trial.accepted > 0
                && trial.refused == 0
                && scene.clock.since(trial.last_accepted) <= RECENT
        })
    }

    fn drift(&mut self, known: Known, disputed: bool) -> bool {
        let scene = self.scene;
        let Some(kind) = self.memory.kinds.peek(known.jwt.kind) else {
            return false;
        };
        let row = &kind.streak;
        let is_enough = match self.why {
            Why::Unsaid => {
                row.count >= UNSAID_WANTED
                    && row.tokens.count() >= UNSAID_TOKENS
                    && row.seconds() >= UNSAID_SECONDS
            }
            _ => row.count >= DRIFT_WANTED && row.tokens.count() >= DRIFT_TOKENS,
        };
        if !is_enough {
            return false;
        }
        // Ways to a service may want different tokens.
        if kind.endpoints & scene.sighting.endpoint() == 0 {
            return false;
        }
        let kid = self.memory.kids.peek(known.jwt.kid);
        let key_lives =
            known.key_accepted > 0 && kid.is_some_and(|kid| kid.last_accepted > row.first);
        let is_named = matches!(self.why, Why::Issuer | Why::Audience | Why::Claims)
            && scene.sighting.is_stated();
        if !(is_named || disputed || key_lives) {
            return false;
        }
        let mut evidence = vec![format!(
            "{} accepted {} tokens of this kind, the last {} the first refusal",
            scene.place(),
            kind.accepted,
            ago(row.first, kind.last_accepted)
        )];
        let place = self.memory.places.peek(scene.at.place);
        let restart = place
            .and_then(|place| place.started)
            .filter(|started| *started <= row.first && started.plus(RESTART) >= kind.last_accepted);
        evidence.push(match restart {
            Some(started) => format!(
                "the process that refuses them started {} the first refusal",
                ago(row.first, started)
            ),
            None => "no restart was seen in between".to_owned(),
        });
        if disputed {
            evidence.push("its siblings still accept them".to_owned());
        } else if key_lives {
            evidence.push("other validators still accept tokens of this key".to_owned());
        }
        let beginning = Beginning::of(scene.kid(), row, evidence);
        self.begin(
            scene.key(Condition::ValidatorConfigDrift, known.jwt.kind),
            beginning,
        )
    }

    fn disagrees(&mut self, known: Known) -> bool {
        let scene = self.scene;
        let Some(place) = self.memory.places.peek(scene.at.place) else {
            return false;
        };
        let row: &Streak = &place.disputes;
        let kind = self.memory.kinds.peek(known.jwt.kind);
        let accepts = kind.is_some_and(|kind| kind.accepted > 0 && kind.last_accepted > row.first);
        if accepts || row.count < DISPUTES || row.tokens.count() < DISPUTED_TOKENS {
            return false;
        }
        let evidence = vec![
            format!(
                "{} refused tokens that another replica accepted within 10 min",
                scene.place()
            ),
            "it accepted none of their kind since".to_owned(),
        ];
        let beginning = Beginning::of(scene.issuer(), row, evidence);
        self.begin(
            scene.key(Condition::ReplicasDisagree, scene.at.place),
            beginning,
        )
    }
}

/// A process may answer a last request while the next one starts.
const RESTART: Duration = Duration::from_secs(5);
