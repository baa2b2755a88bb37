//! Which kids an issuer's tokens and key sets have had, and who fetched the sets.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::place::Place;
use crate::credential::Signer;
use crate::time::Timestamp;

/// So many issuers are known. Of more, the one that was silent for longest goes, and one whose key set
/// was seen after all others.
pub const MAX_ISSUERS: usize = 128;
/// So many kids of an issuer are known. Of more, the one that was silent for longest goes, and one that
/// was in a key set after all others.
pub const MAX_KIDS: usize = 64;
/// So many fetches of an issuer are known, and as many of nobody: the latest.
pub const MAX_FETCHES: usize = 16;
/// So many kids of a fetched set are named.
pub const MAX_NAMED: usize = 16;

/// The two ends of a fetch see it within so much time of each other.
const BOTH_ENDS: Duration = Duration::from_secs(2);

/// What was seen of the keys of issuers. All text in it may be shown. At most 12 MiB.
#[derive(Default, Serialize)]
pub struct Timeline {
    /// In about the order of how often something is seen of them, so that they need no index.
    #[serde(serialize_with = "in_order")]
    issuers: Vec<Issuer>,
    /// Fetches of which nobody knows for whose tokens they are.
    unclaimed: VecDeque<Fetch>,
}

/// An issuer, by the `iss` of tokens or of a discovery document.
#[derive(Default, Serialize)]
pub struct Issuer {
    /// Its name, as it is shown.
    pub issuer: String,
    /// When anything of it was last seen.
    #[serde(serialize_with = "time")]
    pub last: Timestamp,
    /// The key ids seen.
    pub kids: Vec<Kid>,
    /// The latest fetches of its key set and its discovery document, oldest first.
    pub fetches: VecDeque<Fetch>,
    /// Its URL, where its name is one.
    #[serde(skip)]
    pub(super) base: Option<Place>,
    /// See [`Signer`].
    #[serde(skip)]
    by: u64,
}

/// A key id.
#[derive(Default, Serialize)]
pub struct Kid {
    /// As it is shown. `None`: of tokens without a kid.
    pub kid: Option<String>,
    /// When it was in a token that was let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Span>,
    /// When it was in a token that was refused, whatever for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Span>,
    /// When it was in a key set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_set: Option<Span>,
    /// See [`Signer`].
    #[serde(skip)]
    by: u64,
}

/// From when until when something was seen, and how often.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Span {
    /// First.
    #[serde(serialize_with = "time")]
    pub first: Timestamp,
    /// Last.
    #[serde(serialize_with = "time")]
    pub last: Timestamp,
    /// In so many exchanges; where both ends are watched, each counts.
    pub count: u64,
}

/// Somebody fetched a key set or a discovery document, or tried to.
#[derive(Clone, Serialize)]
pub struct Fetch {
    /// When it was asked for.
    #[serde(serialize_with = "time")]
    pub time: Timestamp,
    /// Who asked.
    pub client: Client,
    /// Who answered: the service, as it is called everywhere.
    #[serde(serialize_with = "text")]
    pub service: Arc<str>,
    /// Host and path.
    pub url: String,
    /// The status of the answer. `None`: there was none.
    pub status: Option<u16>,
    /// For how many seconds the client may keep it: `max-age` of Cache-Control (RFC 9111 section
    /// 5.2.2.1), 0 for `no-store` and `no-cache`. `None`: the answer does not say.
    pub max_age: Option<u32>,
    /// What came of it.
    pub result: Fetched,
    #[serde(skip)]
    pub(super) place: Place,
    /// By which the two ends of one fetch are known to be one.
    #[serde(skip)]
    pub(super) seq: u32,
}

/// Who fetched.
#[derive(Clone, Default, Serialize)]
pub struct Client {
    /// From where. `None`: over a unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The name of its process, where it was seen at its own end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// The id of its process, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// What came of a fetch.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fetched {
    /// A key set.
    KeySet {
        /// How many keys are in it.
        keys: usize,
        /// The kids of those that can check signatures, at most [`MAX_NAMED`].
        kids: Vec<String>,
    },
    /// A discovery document.
    Discovery,
    /// Nothing that could be read, and why.
    Unread(&'static str),
}

impl Span {
    pub(super) fn grow(span: &mut Option<Self>, time: Timestamp) {
        let span = span.get_or_insert(Self {
            first: time,
            last: time,
            count: 0,
        });
        span.first = span.first.min(time);
        span.last = span.last.max(time);
        span.count += 1;
    }
}

impl Kid {
    /// When it was first seen anywhere.
    pub fn first(&self) -> Option<Timestamp> {
        self.spans().map(|span| span.first).min()
    }

    /// When it was last seen anywhere.
    pub fn last(&self) -> Option<Timestamp> {
        self.spans().map(|span| span.last).max()
    }

    fn spans(&self) -> impl Iterator<Item = &Span> {
        [&self.accepted, &self.refused, &self.in_set]
            .into_iter()
            .flatten()
    }
}

impl Timeline {
    /// The issuer with this name, as it is shown.
    pub fn issuer(&self, issuer: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|known| known.issuer == issuer)
    }

    /// All issuers, in no order.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.iter()
    }

    /// Fetches of which nobody knows for whose tokens they are, oldest first.
    pub fn unclaimed(&self) -> impl Iterator<Item = &Fetch> {
        self.unclaimed.iter()
    }

    /// Notes something of the issuer with this name, which was seen now.
    pub(super) fn note(&mut self, name: &str, now: Timestamp, note: impl FnOnce(&mut Issuer)) {
        self.note_by(Signer::of_issuer(name), || name, now, note);
    }

    /// The same. `by`: what stands for the name, which is only asked for when the issuer is new.
    pub(super) fn note_by<'a>(
        &mut self,
        by: u64,
        name: impl FnOnce() -> &'a str,
        now: Timestamp,
        note: impl FnOnce(&mut Issuer),
    ) {
        let at = self.issuers.iter().position(|known| known.by == by);
        if let Some(issuer) = at.and_then(|at| self.issuers.get_mut(at)) {
            issuer.last = issuer.last.max(now);
            note(issuer);
            if let Some(at) = at.filter(|at| *at > 0) {
                self.issuers.swap(at - 1, at);
            }
            return;
        }
        self.make_room();
        let name = name();
        let mut issuer = Issuer {
            issuer: name.to_owned(),
            last: now,
            base: Place::of_issuer(name),
            by,
            ..Issuer::default()
        };
        if let Some(base) = issuer.base.clone() {
            issuer.claim(&mut self.unclaimed, |place| place.is_under(&base));
        }
        note(&mut issuer);
        self.issuers.push(issuer);
    }

    /// Gives an issuer what was fetched at a place before it was known whose it is.
    pub(super) fn claim(&mut self, name: &str, place: &Place) {
        let mut issuers = self.issuers.iter_mut();
        if let Some(issuer) = issuers.find(|known| known.issuer == name) {
            issuer.claim(&mut self.unclaimed, |known| known == place);
        }
    }

    /// Adds a fetch for the tokens of an issuer, or of nobody knows whom. Of the two ends of one fetch it
    /// is told twice, and known once.
    pub(super) fn fetched(&mut self, fetch: Fetch, issuer: Option<&str>) {
        match issuer {
            Some(issuer) => self.note(issuer, fetch.time, |issuer| {
                issuer.note_set(&fetch);
                add(&mut issuer.fetches, fetch);
            }),
            None => add(&mut self.unclaimed, fetch),
        }
    }

    fn make_room(&mut self) {
        if self.issuers.len() < MAX_ISSUERS {
            return;
        }
        let rank = |issuer: &Issuer| {
            let has_set = issuer.kids.iter().any(|kid| kid.in_set.is_some());
            (has_set, issuer.last)
        };
        let all = self.issuers.iter().enumerate();
        if let Some((oldest, _)) = all.min_by_key(|(_, issuer)| rank(issuer)) {
            self.issuers.remove(oldest);
        }
    }
}

#[cfg(test)]
impl Timeline {
    /// Somebody fetched the key set of an issuer at a second, and got these kids, if it is there.
    pub(crate) fn fetch_of(
        &mut self,
        issuer: &str,
        client: &str,
        second: i64,
        status: Option<u16>,
        kids: &[&str],
    ) {
        let url = format!("{issuer}/certs");
        let fetch = Fetch {
            time: Timestamp::from_seconds(second),
            client: Client {
                address: Some(client.parse().unwrap()),
                ..Client::default()
            },
            service: "id".into(),
            place: Place::of_url(&url).unwrap(),
            url,
            status,
            max_age: status.filter(|status| *status == 200).map(|_| 600),
            result: match kids {
                [] => Fetched::Unread("no JSON"),
                kids => Fetched::KeySet {
                    keys: kids.len(),
                    kids: kids.iter().map(|kid| (*kid).to_owned()).collect(),
                },
            },
            seq: 0,
        };
        self.fetched(fetch, Some(issuer));
    }
}

impl Issuer {
    /// What was seen of a kid, as it is shown.
    pub fn kid(&self, kid: Option<&str>) -> Option<&Kid> {
        self.kids.iter().find(|known| known.kid.as_deref() == kid)
    }

    fn claim(&mut self, unclaimed: &mut VecDeque<Fetch>, is_own: impl Fn(&Place) -> bool) {
        let all = std::mem::take(unclaimed).into_iter();
        let (own, others) = all.partition::<VecDeque<_>, _>(|fetch| is_own(&fetch.place));
        *unclaimed = others;
        for fetch in own {
            self.note_set(&fetch);
            if self.fetches.len() >= MAX_FETCHES {
                self.fetches.pop_front();
            }
            self.fetches.push_back(fetch);
        }
    }

    /// Notes the kids of a key set.
    fn note_set(&mut self, fetch: &Fetch) {
        if let Fetched::KeySet { kids, .. } = &fetch.result {
            for kid in kids {
                let (by, name) = (Signer::of_kid(Some(kid)), || Some(kid.as_str()));
                self.note_by(by, name, |kid| Span::grow(&mut kid.in_set, fetch.time));
            }
        }
    }

    /// Notes something of a kid. `by`: what stands for it, which is only asked for when it is new.
    pub(super) fn note_by<'a>(
        &mut self,
        by: u64,
        kid: impl FnOnce() -> Option<&'a str>,
        note: impl FnOnce(&mut Kid),
    ) {
        let is_it = |known: &&mut Kid| known.by == by;
        if let Some(known) = self.kids.iter_mut().find(is_it) {
            return note(known);
        }
        if self.kids.len() >= MAX_KIDS {
            let rank = |kid: &Kid| (kid.in_set.is_some(), kid.last());
            let all = self.kids.iter().enumerate();
            if let Some((at, _)) = all.min_by_key(|(_, kid)| rank(kid)) {
                self.kids.remove(at);
            }
        }
        let mut new = Kid {
            kid: kid().map(str::to_owned),
            by,
            ..Kid::default()
        };
        note(&mut new);
        self.kids.push(new);
    }
}

/// Adds a fetch, once of its two ends.
fn add(to: &mut VecDeque<Fetch>, fetch: Fetch) {
    let same = |known: &&mut Fetch| {
        let apart = known
            .time
            .since(fetch.time)
            .max(fetch.time.since(known.time));
        known.seq == fetch.seq && known.place == fetch.place && apart < BOTH_ENDS
    };
    if let Some(known) = to.iter_mut().rev().find(same) {
        if known.client.process.is_none() {
            known.client = fetch.client;
        }
        return;
    }
    if to.len() >= MAX_FETCHES {
        to.pop_front();
    }
    to.push_back(fetch);
}

fn text<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn time<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

fn in_order<S: Serializer>(issuers: &[Issuer], to: S) -> Result<S::Ok, S::Error> {
    let mut all: Vec<&Issuer> = issuers.iter().collect();
    all.sort_by(|one, other| one.issuer.cmp(&other.issuer));
    to.collect_seq(all)
}
