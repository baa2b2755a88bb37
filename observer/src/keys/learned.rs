//! Key sets that went by: whose they are, and what they say of a signature.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::place::Place;
use crate::credential::{Credential, Fingerprint, KeySet, Proof, Signature};
use crate::redact;
use crate::time::Timestamp;

/// So many key sets are known. Of more, the one that was seen first goes.
pub const MAX_SETS: usize = 64;
/// So many of one place: the one at hand and those before it.
const MAX_VERSIONS: usize = 4;
/// So many discovery documents are known. Of more, the one that was seen first goes.
const MAX_DECLARED: usize = 64;
/// Of so many tokens is known what the sets said.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// Key sets that went by. At most 32 MiB: 64 sets of 256 keys, which take 2 KiB at most.
pub(super) struct Learned {
    sets: VecDeque<Set>,
    declared: VecDeque<(Place, String)>,
    /// What the sets said of tokens, as long as there were no others.
    checked: LruCache<Fingerprint, Option<Arc<Testimony>>>,
}

struct Set {
    place: Place,
    /// By which the same set is known again.
    digest: [u64; 3],
    keys: KeySet,
    seen: Timestamp,
}

/// What key sets that were seen on the wire say of a signature. Nobody vouches for them: anyone on the
/// wire can serve a false one.
#[derive(Debug, Eq, PartialEq)]
pub struct Testimony {
    /// What they say.
    pub signature: Signature,
    /// The same as a clause, with where the set was seen, and when.
    pub clause: String,
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            sets: VecDeque::new(),
            declared: VecDeque::new(),
            checked: LruCache::sparse(REMEMBERED),
        }
    }
}

impl Learned {
    /// Takes a discovery document, or a hint: the keys of the issuer are at the place.
    pub(super) fn declare(&mut self, place: Place, issuer: String) {
        let new = (place, issuer);
        if !self.declared.contains(&new) {
            if self.declared.len() >= MAX_DECLARED {
                self.declared.pop_front();
            }
            self.declared.push_back(new);
            self.checked.clear();
        }
    }

    /// Who declared that its keys are at the place.
    pub(super) fn declared(&self, place: &Place) -> Option<&str> {
        let mut all = self.declared.iter().rev();
        let (_, issuer) = all.find(|(known, _)| known == place)?;
        Some(issuer)
    }

    /// Takes a key set.
    pub(super) fn add(&mut self, place: &Place, digest: [u64; 3], keys: KeySet, seen: Timestamp) {
        let of_place = |set: &&Set| set.place == *place;
        let latest = self.sets.iter().rev().find(of_place);
        if latest.is_some_and(|set| set.digest == digest) {
            return;
        }
        let versions = self.sets.iter().filter(of_place).count();
        let goes = match versions >= MAX_VERSIONS {
            true => self.sets.iter().position(|set| set.place == *place),
            false => (self.sets.len() >= MAX_SETS).then_some(0),
        };
        if let Some(at) = goes {
            self.sets.remove(at);
        }
        self.sets.push_back(Set {
            place: place.clone(),
            digest,
            keys,
            seen,
        });
        self.checked.clear();
    }

    /// What the sets of a token's issuer say of its signature. `None`: there is none, or nothing to check.
    pub(super) fn testimony(&mut self, credential: &Credential) -> Option<Arc<Testimony>> {
        let (proof, fingerprint) = (credential.proof.as_deref()?, credential.fingerprint?);
        if self.sets.is_empty() {
            return None;
        }
        if let Some(known) = self.checked.get(&fingerprint) {
            return known.clone();
        }
        let kid = credential
            .header
            .as_ref()
            .and_then(|header| header.kid.as_deref());
        let testimony = self.check(proof, kid).map(Arc::new);
        self.checked.put(fingerprint, testimony.clone());
        testimony
    }

    /// Of several sets, the first that has the signature's key decides; then the latest that has its kid;
    /// then the latest.
    fn check(&self, proof: &Proof, kid: Option<&str>) -> Option<Testimony> {
        let mut best: Option<Testimony> = None;
        let own = Place::of_issuer(proof.issuer());
        for set in self.sets.iter().rev() {
            let is_own = own.as_ref().is_some_and(|own| set.place.is_under(own));
            if !is_own && !self.is_declared(set, proof.issuer()) {
                continue;
            }
            let signature = proof.check(&set.keys);
            let rank = |signature: &Signature| match signature {
                Signature::Valid { .. } => 3,
                Signature::Invalid { .. } => 2,
                Signature::KeyNotFound { .. } => 1,
                Signature::NotCheckable | Signature::NotChecked => 0,
            };
            let known = best.as_ref().map_or(0, |best| rank(&best.signature));
            if rank(&signature) > known {
                let clause = set.clause(&signature, kid);
                let is_valid = matches!(signature, Signature::Valid { .. });
                best = Some(Testimony { signature, clause });
                if is_valid {
                    break;
                }
            }
        }
        best
    }

    /// How many sets are known.
    #[cfg(test)]
    pub(super) fn sets(&self) -> usize {
        self.sets.len()
    }

    fn is_declared(&self, set: &Set, issuer: &str) -> bool {
        let is_it = |(place, own): &(Place, String)| *place == set.place && own == issuer;
        self.declared.iter().any(is_it)
    }
}

impl Set {
    fn clause(&self, signature: &Signature, kid: Option<&str>) -> String {
        let origin = format!("{} at {}", self.place.shown(), self.seen);
        let named = |kid: &Option<String>| {
            kid.as_deref()
                .map_or_else(String::new, |kid| format!(" {kid}"))
        };
        match signature {
            Signature::Valid { kid } => format!(
                "the signature is that of the key{} in a key set seen on the wire ({origin}), for which nobody vouches",
                named(kid)
            ),
            Signature::Invalid { kid } => format!(
                "the signature is not that of the key{} in a key set seen on the wire ({origin}), for which nobody vouches",
                named(kid)
            ),
            Signature::KeyNotFound { available } => {
                let kid = redact::label(kid.unwrap_or("(none)"), 128);
                format!(
                    "a key set seen on the wire ({origin}), for which nobody vouches, has no key {kid} for this algorithm; it has {}",
                    available.join(", ")
                )
            }
            Signature::NotCheckable | Signature::NotChecked => String::new(),
        }
    }
}
