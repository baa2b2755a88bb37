//! The conditions that hold now.

use std::time::Duration;

use crate::time::{Step, Timestamp};

use super::condition::{Change, Concern, Condition, Ending, Weight};
use super::few::{Few, MOST};
use super::scene::Scene;
use super::streak::Streak;

/// What tells conditions apart: what, of which service, and of what there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Key {
    pub(super) condition: Condition,
    /// The digest of the service.
    pub(super) service: u64,
    /// The digest of whatever else it is about.
    pub(super) scope: u64,
}

/// Conditions, at most [`MOST_ACTIVE`].
#[derive(Default)]
pub(super) struct Active {
    list: Vec<Entry>,
    changes: Vec<Change>,
    numbers: u64,
    step: Step,
    due: Timestamp,
}

/// How many conditions hold at a time: about 1 KiB each.
pub(super) const MOST_ACTIVE: usize = 256;
/// How often it is looked whether one has aged out.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

struct Entry {
    key: Key,
    number: u64,
    concern: Concern,
    since: Timestamp,
    last: Timestamp,
    exchanges: u64,
    tokens: Few,
    clients: Few,
    evidence: Vec<String>,
}

/// What a condition begins with.
pub(super) struct Beginning {
    pub(super) concern: Concern,
    pub(super) since: Timestamp,
    pub(super) exchanges: u64,
    pub(super) tokens: Few,
    pub(super) clients: Few,
    pub(super) evidence: Vec<String>,
}

impl Beginning {
    /// Of a row of refusals.
    pub(super) fn of(concern: Concern, streak: &Streak, evidence: Vec<String>) -> Self {
        Self {
            concern,
            since: streak.first,
            exchanges: streak.count.into(),
            tokens: streak.tokens.clone(),
            clients: streak.clients.clone(),
            evidence,
        }
    }

    /// Of one token that one client sent, so many times since a time.
    pub(super) fn of_one(
        scene: &Scene<'_>,
        since: Timestamp,
        exchanges: u32,
        evidence: Vec<String>,
    ) -> Self {
        Self {
            concern: scene.issuer(),
            since,
            exchanges: exchanges.into(),
            tokens: Few::of(scene.token),
            clients: Few::of(scene.client),
            evidence,
        }
    }
}

impl Active {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether something began or ended since this was last asked.
    pub(super) fn has_news(&self) -> bool {
        !self.changes.is_empty()
    }

    /// What began and ended since this was last asked.
    pub(super) fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// How far the time of day has been set, for what begins and ends from here on.
    pub(super) fn set_step(&mut self, step: Step) {
        self.step = step;
    }

    /// Whether one holds.
    pub(super) fn holds(&self, key: Key) -> bool {
        self.list.iter().any(|entry| entry.key == key)
    }

    /// Counts an exchange for a condition, where that holds.
    pub(super) fn again(&mut self, key: Key, clock: Timestamp, token: u64, client: u64) -> bool {
        let Some(entry) = self.list.iter_mut().find(|entry| entry.key == key) else {
            return false;
        };
        entry.last = entry.last.max(clock);
        entry.exchanges += 1;
        if token != 0 {
            entry.tokens.add(token, MOST);
        }
        entry.clients.add(client, MOST);
        true
    }

    /// A condition begins that does not hold yet.
    pub(super) fn begin(&mut self, key: Key, clock: Timestamp, beginning: Beginning) {
        if self.list.len() >= MOST_ACTIVE {
            let oldest = self.list.iter().enumerate();
            let oldest = oldest.min_by_key(|(_, entry)| (entry.last, entry.number));
            if let Some(at) = oldest.map(|(at, _)| at) {
                let why = "too many conditions hold at once".to_owned();
                self.end(at, clock, Ending::Displaced, why);
            }
        }
        let Beginning {
            concern,
            since,
            exchanges,
            tokens,
            clients,
            evidence,
        } = beginning;
        self.numbers += 1;
        let entry = Entry {
            key,
            number: self.numbers,
            concern,
            since,
            last: clock,
            exchanges,
            tokens,
            clients,
            evidence,
        };
        self.changes.push(entry.change(clock, self.step, None));
        self.list.push(entry);
    }

    /// Ends those that an exchange refutes. `how` says so of a condition and the times of its first and last
    /// exchange.
    pub(super) fn heal(
        &mut self,
        clock: Timestamp,
        refuted: impl Fn(Key) -> bool,
        how: impl Fn(Condition, Timestamp) -> String,
    ) {
        let mut at = 0;
        while let Some(entry) = self.list.get(at) {
            if refuted(entry.key) {
                let how = how(entry.key.condition, entry.since);
                self.end(at, clock, Ending::Healed, how);
            } else {
                at += 1;
            }
        }
    }

    /// Ends what was not seen for its time.
    pub(super) fn pass(&mut self, clock: Timestamp) {
        if clock < self.due {
            return;
        }
        self.due = clock.plus(LOOKS_EVERY);
        let mut at = 0;
        while let Some(entry) = self.list.get(at) {
            let quiet = entry.key.condition.remembered_for();
            if clock.since(entry.last) >= quiet {
                let minutes = quiet.as_secs() / 60;
                let how = format!("nothing more was seen of it for {minutes} min");
                self.end(at, clock, Ending::AgedOut, how);
            } else {
                at += 1;
            }
        }
    }

    fn end(&mut self, at: usize, clock: Timestamp, ending: Ending, how: String) {
        let entry = self.list.remove(at);
        let change = entry.change(clock, self.step, Some((ending, how)));
        self.changes.push(change);
    }

    /// How many bytes it has taken.
    pub(super) fn bytes(&self) -> usize {
        let texts = |entry: &Entry| {
            let evidence = entry.evidence.iter().map(String::capacity).sum::<usize>();
            evidence + entry.tokens.bytes() + entry.clients.bytes()
        };
        self.list.capacity() * size_of::<Entry>() + self.list.iter().map(texts).sum::<usize>()
    }
}

impl Entry {
    fn change(&self, clock: Timestamp, step: Step, ended: Option<(Ending, String)>) -> Change {
        Change {
            number: self.number,
            time: clock.stepped(step),
            condition: self.key.condition,
            concern: self.concern.clone(),
            since: self.since.stepped(step),
            last: self.last.stepped(step),
            weight: Weight {
                exchanges: self.exchanges,
                tokens: self.tokens.count(),
                clients: self.clients.count(),
            },
            evidence: self.evidence.clone(),
            ended,
        }
    }
}

impl Condition {
    /// After how long without an exchange it ends: docs/conditions.md has the table.
    pub(super) const fn remembered_for(self) -> Duration {
        let minutes = match self {
            // A cache of keys holds for so long at the least before anybody can say that it was one.
            Self::KeyRotationValidatorStale
            | Self::KeyRotationTokenStale
            | Self::KeyCompromiseOrPurge
            | Self::ValidatorConfigDrift
            | Self::IssuerKeyOutage => 60,
            Self::StaleClientCache | Self::RefreshLoop | Self::RefreshRace => 5,
            _ => 15,
        };
        Duration::from_secs(minutes * 60)
    }
}
