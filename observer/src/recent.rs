//! What was found out lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A map that forgets.
///
/// It has two generations. What is asked for is in the younger one, or moves there; when that is full it
/// becomes the older one, and what the older one still had is forgotten. So of all keys those that were
/// used last are known, as many as a generation holds, and never more than twice as many.
///
/// A list in the order of use would touch two neighbours for each look-up, which lie in no cache of the
/// processor; here only the entry itself is touched.
///
/// Keys are digests under a key that nobody knows, or where something lies in memory: nobody outside can
/// choose them, so that little has to be done to spread them.
pub(crate) struct Recent<K, V> {
    young: HashMap<K, V, Spread>,
    old: HashMap<K, V, Spread>,
    generation: usize,
}

type Spread = BuildHasherDefault<Spreading>;

impl<K: Eq + Hash, V> Recent<K, V> {
    /// With nothing in it. `generation`: how many keys are known at least, once there were as many.
    pub(crate) fn new(generation: usize) -> Self {
        Self {
            young: HashMap::default(),
            old: HashMap::default(),
            generation,
        }
    }

    /// What is known under a key.
    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.put(key, value);
        }
        self.young.get(key)
    }

    /// How many keys are known.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Notes what is known under a key.
    pub(crate) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.generation {
            // The room of the older one is used again.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }
}

/// Spreads one number.
#[derive(Default)]
pub(crate) struct Spreading(u64);

impl Hasher for Spreading {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    fn finish(&self) -> u64 {
        // 2^64 divided by the golden ratio: neighbours come to lie far apart.
        let product = u128::from(self.0) * 0x9e37_79b9_7f4a_7c15;
        product as u64 ^ (product >> 64) as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_is_known_and_the_rest_is_bounded() {
        let mut recent = Recent::<u32, u32>::new(10);
        for key in 0..1000 {
            recent.put(key, key + 1);
            for before in key.saturating_sub(9)..=key {
                assert_eq!(
                    recent.get(&before),
                    Some(&(before + 1)),
                    "{before} of {key}"
                );
            }
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.get(&0), None);
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut recent = Recent::<u32, &str>::new(10);
        recent.put(0, "kept");
        for key in 1..1000 {
            recent.put(key, "another");
            assert_eq!(recent.get(&0), Some(&"kept"));
        }
    }
}
