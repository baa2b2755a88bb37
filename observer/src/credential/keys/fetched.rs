//! Key sets that are fetched while observer runs, shared by whoever fetches them and whoever checks
//! signatures with them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::KeySet;

/// Key sets by issuer, as they are now. Issuers are those that the operator named, so few.
#[derive(Default)]
pub struct Fetched {
    sets: RwLock<HashMap<String, Held>>,
    /// Changes with every set that comes: what was found out before is out of date.
    generation: AtomicU64,
    /// Issuers of which a kid was wanted that their set does not have.
    missed: Mutex<Vec<String>>,
    bell: Condvar,
    states: Mutex<Vec<State>>,
}

/// A set, and whether it came just now.
struct Held {
    set: Arc<KeySet>,
    fresh: bool,
    /// A key was missed, and whoever fetches knows.
    asked: AtomicBool,
}

/// How the fetching of an issuer's keys goes.
#[derive(Clone)]
pub struct State {
    /// The issuer.
    pub issuer: String,
    /// How often it ended how, by the words of docs/metrics.md.
    pub results: Vec<(&'static str, u64)>,
    /// How many keys there are now.
    pub keys: usize,
    /// When they came.
    pub since: Option<Instant>,
}

impl Fetched {
    /// Counts how a fetch ended.
    pub fn count(&self, issuer: &str, result: &'static str) {
        self.state(issuer, |state| {
            match state.results.iter_mut().find(|(known, _)| *known == result) {
                Some((_, count)) => *count += 1,
                None => state.results.push((result, 1)),
            }
        });
    }

    /// Puts a set that was fetched in the place of the one before.
    pub fn put(&self, issuer: &str, set: KeySet) {
        self.state(issuer, |state| {
            state.keys = set.0.len();
            state.since = Some(Instant::now());
        });
        let held = Held {
            set: Arc::new(set),
            fresh: true,
            asked: AtomicBool::new(false),
        };
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        sets.insert(issuer.to_owned(), held);
        drop(sets);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// From here on a kid that the issuer's set does not have may have come since.
    pub fn age(&self, issuer: &str) {
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = sets.get_mut(issuer) {
            held.fresh = false;
        }
    }

    /// Waits until a kid is missed, at most so long. Gives the issuers.
    pub fn missed(&self, at_most: Duration) -> Vec<String> {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .bell
            .wait_timeout_while(missed, at_most, |missed| missed.is_empty());
        let (mut missed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut missed)
    }

    /// How the fetching of each issuer's keys goes.
    pub fn states(&self) -> Vec<State> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.clone()
    }

    /// Changes with every set that comes.
    pub(in crate::credential) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The set of an issuer.
    pub(super) fn of(&self, issuer: &str) -> Option<Arc<KeySet>> {
        // Most runs fetch nothing.
        if self.generation() == 0 {
            return None;
        }
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        sets.get(issuer).map(|held| Arc::clone(&held.set))
    }

    /// Says that the set of an issuer does not have a key. Gives whether it is so new that the issuer has
    /// no such key; else it is fetched again, and nothing is known until then.
    pub(super) fn miss(&self, issuer: &str) -> bool {
        let sets = self.sets.read().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = sets.get(issuer) else {
            return true;
        };
        if !held.asked.swap(true, Ordering::Relaxed) {
            let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
            missed.push(issuer.to_owned());
            self.bell.notify_one();
        }
        held.fresh
    }

    fn state(&self, issuer: &str, change: impl FnOnce(&mut State)) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.iter_mut().find(|state| state.issuer == issuer) {
            Some(state) => change(state),
            None => {
                let mut state = State {
                    issuer: issuer.to_owned(),
                    results: Vec::new(),
                    keys: 0,
                    since: None,
                };
                change(&mut state);
                states.push(state);
            }
        }
    }
}
