//! What is remembered of each token, key, issuer, client, place and service.

use std::sync::Arc;

use crate::history::clock::{Estimate, Offset};
use crate::history::few::Few;
use crate::history::scene::Jwt;
use crate::history::streak::Streak;
use crate::time::Timestamp;

/// A token, where it was accepted and where refused.
#[derive(Default)]
pub(in crate::history) struct Token {
    /// When it was first seen, by the clock of the data.
    pub(in crate::history) first: Timestamp,
    /// What a place does with it: the one that had it last. Of place 0 before any had.
    latest: Trial,
    /// What others do that had it before.
    others: Vec<Trial>,
    /// Clients since a time.
    pub(in crate::history) clients: Few,
    pub(in crate::history) clients_since: Timestamp,
    pub(in crate::history) last_client: u64,
    /// Exchanges in that time.
    pub(in crate::history) uses: u32,
    /// What the traffic of authorization servers told of it.
    pub(in crate::history) birth: Option<Box<Birth>>,
}

/// What an authorization server was seen to say of a token.
#[derive(Default)]
pub(in crate::history) struct Birth {
    /// What it is, where it is no access token.
    pub(in crate::history) kind: Option<usize>,
    pub(in crate::history) issued: Option<Timestamp>,
    /// When another was issued in its place.
    pub(in crate::history) replaced: Option<Timestamp>,
    pub(in crate::history) revoked: Option<Timestamp>,
    /// The first refresh token that it descends from.
    pub(in crate::history) chain: u64,
}

/// A refresh token.
#[derive(Default)]
pub(in crate::history) struct Refresh {
    /// The first one that it descends from.
    pub(in crate::history) chain: u64,
    /// The access token that came with it.
    pub(in crate::history) access: u64,
    /// When it was used last, by whom, and whether that failed.
    pub(in crate::history) used: Option<(Timestamp, u64, bool)>,
}

/// What a place does with a token.
#[derive(Default)]
pub(in crate::history) struct Trial {
    pub(in crate::history) place: u64,
    pub(in crate::history) service: u64,
    pub(in crate::history) accepted: u32,
    pub(in crate::history) last_accepted: Timestamp,
    /// Refusals since.
    pub(in crate::history) refused: u32,
    pub(in crate::history) first_refused: Timestamp,
    pub(in crate::history) last_refused: Timestamp,
    /// A bit for each endpoint that accepted it.
    pub(in crate::history) endpoints: u64,
    /// Where the target lies that was asked for last: it needs no bit again.
    pub(in crate::history) target: usize,
    /// What kind of token it is there: it need not be looked into again.
    pub(in crate::history) jwt: Option<Jwt>,
}

/// How many places a token is remembered at.
const TRIALS: usize = 8;

/// What a place does with a key, or with a kind of tokens.
#[derive(Default)]
pub(in crate::history) struct Use {
    pub(in crate::history) accepted: u64,
    pub(in crate::history) first_accepted: Timestamp,
    pub(in crate::history) last_accepted: Timestamp,
    /// A bit for each endpoint that accepted one.
    pub(in crate::history) endpoints: u64,
    /// Refusals since.
    pub(in crate::history) streak: Streak,
}

/// A key of an issuer.
#[derive(Default)]
pub(in crate::history) struct Kid {
    pub(in crate::history) first_accepted: Timestamp,
    pub(in crate::history) last_accepted: Timestamp,
    /// Where it was refused since.
    pub(in crate::history) refused_at: Few,
    /// Refusals for its key anywhere since it was accepted last.
    pub(in crate::history) streak: Streak,
}

/// An issuer.
#[derive(Default)]
pub(in crate::history) struct Issuer {
    /// The latest keys that were accepted of it, with when they were first.
    pub(in crate::history) kids: Vec<(u64, Timestamp, Arc<str>)>,
    /// Refusals because of `nbf` or `iat`, and where.
    pub(in crate::history) early: Streak,
    pub(in crate::history) early_at: Few,
}

/// How many keys of an issuer are remembered.
pub(in crate::history) const ISSUER_KIDS: usize = 8;

/// Who asks a service.
#[derive(Default)]
pub(in crate::history) struct Client {
    /// Refusals with a token since the last acceptance.
    pub(in crate::history) streak: Streak,
    /// Of those, tokens that were new and young when they were refused.
    pub(in crate::history) fresh: Streak,
}

/// Who checks.
#[derive(Default)]
pub(in crate::history) struct Place {
    /// The clock by `Date`, which a proxy may have written.
    pub(in crate::history) date: Estimate,
    /// The clock by what the validator itself says and does.
    pub(in crate::history) own: Estimate,
    /// When an answer was last looked at for its `Date`.
    pub(in crate::history) looked: Timestamp,
    /// When its process started, by its own word and by the clock of the data when that was seen.
    pub(in crate::history) started: Option<Timestamp>,
    /// Who it is, as its refusals gave it away for certain.
    pub(in crate::history) validator: Option<Box<str>>,
    /// Refusals that say expired of what is not, and too early of what is not.
    pub(in crate::history) ahead: Streak,
    pub(in crate::history) behind: Streak,
    /// Refusals of what a sibling accepts.
    pub(in crate::history) disputes: Streak,
}

/// A service.
#[derive(Default)]
pub(in crate::history) struct Service {
    pub(in crate::history) last_accepted: Timestamp,
    /// Of which issuers and for whom it accepts tokens, and how many it did.
    pub(in crate::history) issuers: Vec<Accepts>,
    pub(in crate::history) audiences: Vec<Accepts>,
    /// Whether it takes ID tokens, and refresh tokens.
    pub(in crate::history) takes: [bool; 2],
    pub(in crate::history) refused: [Streak; 2],
    /// At which lengths tokens come cut.
    pub(in crate::history) cuts: Vec<(usize, Streak)>,
    /// The offsets of the clocks of its places that were told last.
    pub(in crate::history) clocks: Vec<(u64, (i64, i64))>,
}

/// Something that a service accepts.
pub(in crate::history) struct Accepts {
    pub(in crate::history) digest: u64,
    pub(in crate::history) text: Arc<str>,
    pub(in crate::history) count: u32,
}

/// How many issuers and audiences of a service are remembered.
pub(in crate::history) const ACCEPTED: usize = 8;

impl Token {
    /// Whether no place had it yet.
    pub(in crate::history) fn is_new(&self) -> bool {
        self.latest.place == 0
    }

    /// What places do with it.
    pub(in crate::history) fn trials(&self) -> impl Iterator<Item = &Trial> {
        let latest = Some(&self.latest).filter(|latest| latest.place != 0);
        latest.into_iter().chain(&self.others)
    }

    /// What a place does with it, where that had it.
    pub(in crate::history) fn at(&self, place: u64) -> Option<&Trial> {
        self.trials().find(|trial| trial.place == place)
    }

    /// The same, to count it there again.
    pub(in crate::history) fn at_mut(&mut self, place: u64) -> Option<&mut Trial> {
        let mut trials = std::iter::once(&mut self.latest).chain(&mut self.others);
        trials.find(|trial| trial.place == place)
    }

    /// What a place does with it, which has it last now. Of many places those are remembered that had it last.
    pub(in crate::history) fn trial(&mut self, place: u64, service: u64) -> &mut Trial {
        if self.latest.place != place {
            let mut others = self.others.iter_mut();
            match others.find(|trial| trial.place == place) {
                Some(known) => std::mem::swap(&mut self.latest, known),
                None => {
                    let new = Trial {
                        place,
                        service,
                        ..Trial::default()
                    };
                    let before = std::mem::replace(&mut self.latest, new);
                    self.keep(before);
                }
            }
        }
        &mut self.latest
    }

    fn keep(&mut self, trial: Trial) {
        let last = |trial: &Trial| trial.last_accepted.max(trial.last_refused);
        if trial.place == 0 {
            return;
        }
        if self.others.len() < TRIALS - 1 {
            self.others.reserve_exact(1);
            self.others.push(trial);
            return;
        }
        let oldest = self.others.iter_mut().min_by_key(|other| last(other));
        if let Some(oldest) = oldest.filter(|oldest| last(oldest) <= last(&trial)) {
            *oldest = trial;
        }
    }
}

impl Use {
    /// Counts an acceptance.
    pub(in crate::history) fn accept(&mut self, clock: Timestamp, endpoint: u64) {
        if self.accepted == 0 {
            self.first_accepted = clock;
        }
        self.accepted += 1;
        self.last_accepted = clock;
        self.endpoints |= endpoint;
        self.streak.end();
    }
}

impl Service {
    /// The clock of a place was read. Gives that of all of them together, where that is news.
    pub(in crate::history) fn clock_of(&mut self, place: u64, offset: Offset) -> Option<Offset> {
        let bounds = (offset.low, offset.high);
        match self.clocks.iter_mut().find(|(one, _)| *one == place) {
            Some((_, known)) if *known == bounds => return None,
            Some((_, known)) => *known = bounds,
            None => {
                if self.clocks.len() >= ACCEPTED {
                    self.clocks.remove(0);
                }
                self.clocks.push((place, bounds));
            }
        }
        let all = self.clocks.iter().map(|(_, bounds)| *bounds);
        let (low, high) = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        Some(Offset {
            low,
            high,
            ..offset
        })
    }

    /// Notes that tokens with this are accepted: what was accepted more often stays.
    pub(in crate::history) fn accepts(
        list: &mut Vec<Accepts>,
        digest: u64,
        text: impl FnOnce() -> Arc<str>,
    ) {
        if let Some(one) = list.iter_mut().find(|one| one.digest == digest) {
            one.count = one.count.saturating_add(1);
            return;
        }
        if list.len() >= ACCEPTED {
            let rarest = list.iter().enumerate().min_by_key(|(_, one)| one.count);
            if let Some(at) = rarest.map(|(at, _)| at) {
                list.remove(at);
            }
        }
        list.push(Accepts {
            digest,
            text: text(),
            count: 1,
        });
    }
}
