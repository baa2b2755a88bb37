//! A table of bounded size in which nobody's entries crowd out another's.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::recent::Spreading;

/// Entries by key, each of some owner.
///
/// When the table is full, the owner that has most of it gives up the entry that it did not use for the
/// longest time. So whoever floods a service with what was never seen before makes that service forget,
/// and no other. Owners share [`SHELVES`] shelves.
///
/// Keys are digests under a key that nobody outside knows.
pub(super) struct Table<V> {
    index: HashMap<u64, u32, BuildHasherDefault<Spreading>>,
    slots: Vec<Slot<V>>,
    shelves: Vec<Shelf>,
    fullest: u32,
    /// How many entries are given up before the shelves are compared anew.
    until_compared: u32,
    limit: usize,
}

/// How many shelves there are for owners.
pub(super) const SHELVES: u32 = 1024;
/// How often the shelves are compared: in between, only one that grows can become the fullest.
const COMPARED_EVERY: u32 = 256;
/// Stands for no slot.
const NONE: u32 = u32::MAX;

struct Slot<V> {
    key: u64,
    shelf: u32,
    newer: u32,
    older: u32,
    value: V,
}

#[derive(Clone, Copy)]
struct Shelf {
    newest: u32,
    oldest: u32,
    length: u32,
}

impl<V: Default> Table<V> {
    /// With nothing in it. `limit`: how many entries at most; at least one and fewer than 2³².
    pub(super) fn new(limit: usize) -> Self {
        let empty = Shelf {
            newest: NONE,
            oldest: NONE,
            length: 0,
        };
        Self {
            index: HashMap::default(),
            slots: Vec::new(),
            shelves: vec![empty; SHELVES as usize],
            fullest: 0,
            until_compared: COMPARED_EVERY,
            limit: limit.clamp(1, NONE as usize - 1),
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// How many bytes the table has taken, without what its values point to.
    pub(super) fn bytes(&self) -> usize {
        let index = self.index.capacity() * (size_of::<(u64, u32)>() + 1) * 8 / 7;
        index
            + self.slots.capacity() * size_of::<Slot<V>>()
            + self.shelves.capacity() * size_of::<Shelf>()
    }

    /// What is known under a key, without using it.
    pub(super) fn peek(&self, key: u64) -> Option<&V> {
        let at = *self.index.get(&key)?;
        self.slots.get(at as usize).map(|slot| &slot.value)
    }

    /// The same, to change it.
    pub(super) fn peek_mut(&mut self, key: u64) -> Option<&mut V> {
        let at = *self.index.get(&key)?;
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
    }

    /// What is known under a key, which is used last now.
    pub(super) fn get(&mut self, key: u64) -> Option<&mut V> {
        let at = *self.index.get(&key)?;
        self.touch(at)
    }

    /// What is known under a key, or nothing yet. `shelf`: of whom, below [`SHELVES`].
    pub(super) fn entry(&mut self, key: u64, shelf: u32) -> &mut V {
        let at = match self.index.get(&key) {
            Some(at) => *at,
            None => self.add(key, shelf, V::default()),
        };
        #[expect(clippy::expect_used, reason = "it was found there, or put there")]
        self.touch(at).expect("a slot of the index is there")
    }

    /// Whether something is known under a key.
    pub(super) fn has(&self, key: u64) -> bool {
        self.index.contains_key(&key)
    }

    /// Notes what is known under a key that is not there.
    pub(super) fn put(&mut self, key: u64, shelf: u32, value: V) {
        self.add(key, shelf, value);
    }

    fn add(&mut self, key: u64, shelf: u32, value: V) -> u32 {
        let shelf = shelf % SHELVES;
        if self.index.len() >= self.limit {
            self.give_up();
        }
        let slot = Slot {
            key,
            shelf,
            newer: NONE,
            older: NONE,
            value,
        };
        // The last place is free, or one is added: slots lie together.
        let at = u32::try_from(self.slots.len()).unwrap_or(NONE);
        self.slots.push(slot);
        self.index.insert(key, at);
        self.link(at, shelf);
        if self.shelf(shelf).length > self.shelf(self.fullest).length {
            self.fullest = shelf;
        }
        at
    }

    /// Takes away what is known under a key.
    pub(super) fn remove(&mut self, key: u64) -> Option<V> {
        let at = self.index.remove(&key)?;
        self.unlink(at);
        let gone = self.slots.swap_remove(at as usize);
        // The last slot lies in its place now.
        if let Some(moved) = self.slots.get(at as usize) {
            let (key, shelf, newer, older) = (moved.key, moved.shelf, moved.newer, moved.older);
            self.index.insert(key, at);
            match self.slots.get_mut(newer as usize) {
                Some(slot) => slot.older = at,
                None => self.shelf_mut(shelf).newest = at,
            }
            match self.slots.get_mut(older as usize) {
                Some(slot) => slot.newer = at,
                None => self.shelf_mut(shelf).oldest = at,
            }
        }
        Some(gone.value)
    }

    fn touch(&mut self, at: u32) -> Option<&mut V> {
        let shelf = self.slots.get(at as usize)?.shelf;
        if self.shelf(shelf).newest != at {
            self.unlink(at);
            self.link(at, shelf);
        }
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
    }

    fn give_up(&mut self) {
        self.until_compared = self.until_compared.saturating_sub(1);
        if self.until_compared == 0 || self.shelf(self.fullest).length == 0 {
            self.until_compared = COMPARED_EVERY;
            let longest = (0..SHELVES).rev().max_by_key(|at| self.shelf(*at).length);
            self.fullest = longest.unwrap_or_default();
        }
        let oldest = self.shelf(self.fullest).oldest;
        if let Some(key) = self.slots.get(oldest as usize).map(|slot| slot.key) {
            self.remove(key);
        }
    }

    fn shelf(&self, at: u32) -> Shelf {
        self.shelves.get(at as usize).copied().unwrap_or(Shelf {
            newest: NONE,
            oldest: NONE,
            length: 0,
        })
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "below SHELVES, as many as there are"
    )]
    fn shelf_mut(&mut self, at: u32) -> &mut Shelf {
        &mut self.shelves[(at % SHELVES) as usize]
    }

    fn link(&mut self, at: u32, shelf: u32) {
        let newest = self.shelf(shelf).newest;
        if let Some(slot) = self.slots.get_mut(at as usize) {
            (slot.newer, slot.older) = (NONE, newest);
        }
        match self.slots.get_mut(newest as usize) {
            Some(slot) => slot.newer = at,
            None => self.shelf_mut(shelf).oldest = at,
        }
        let shelf = self.shelf_mut(shelf);
        shelf.newest = at;
        shelf.length += 1;
    }

    fn unlink(&mut self, at: u32) {
        let Some(slot) = self.slots.get(at as usize) else {
            return;
        };
        let (shelf, newer, older) = (slot.shelf, slot.newer, slot.older);
        match self.slots.get_mut(newer as usize) {
            Some(slot) => slot.older = older,
            None => self.shelf_mut(shelf).newest = older,
        }
        match self.slots.get_mut(older as usize) {
            Some(slot) => slot.newer = newer,
            None => self.shelf_mut(shelf).oldest = newer,
        }
        let shelf = self.shelf_mut(shelf);
        shelf.length = shelf.length.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_of_one_owner_leaves_the_others_alone() {
        let mut table = Table::<u64>::new(1000);
        for key in 0..100 {
            table.put(key, 1, key);
        }
        for key in 100..100_000 {
            table.put(key, 2, key);
            assert!(table.len() <= 1000);
        }
        assert!((0..100).all(|key| table.peek(key) == Some(&key)));
        assert!((99_100..100_000).all(|key| table.peek(key) == Some(&key)));
    }

    #[test]
    fn many_owners_share_what_there_is() {
        let mut table = Table::<u64>::new(1000);
        for key in 0..900 {
            table.put(key, 1, key);
        }
        for key in 900..10_000 {
            table.put(key, 2 + u32::try_from(key % 9).unwrap(), key);
        }
        let left = (0..900).filter(|key| table.peek(*key).is_some()).count();
        assert!((50..=200).contains(&left), "{left} of a fair 100");
        assert!(
            (0..900 - left as u64).all(|key| table.peek(key).is_none()),
            "the oldest went first"
        );
    }

    proptest! {
        /// Of one owner it is a list in the order of use.
        #[test]
        fn it_is_what_a_list_would_be(steps in proptest::collection::vec((0u64..40, 0u8..3), 0..400)) {
            const LIMIT: usize = 10;
            let mut table = Table::<u64>::new(LIMIT);
            let mut list = VecDeque::<u64>::new();
            for (key, what) in steps {
                let there = list.iter().position(|one| *one == key);
                match what {
                    0 => {
                        let known = table.get(key).copied();
                        prop_assert_eq!(known, there.map(|_| key));
                        if let Some(at) = there {
                            list.remove(at);
                            list.push_back(key);
                        }
                    }
                    1 => {
                        *table.entry(key, 7) = key;
                        match there {
                            Some(at) => drop(list.remove(at)),
                            None if list.len() == LIMIT => drop(list.pop_front()),
                            None => {}
                        }
                        list.push_back(key);
                    }
                    _ => {
                        prop_assert_eq!(table.remove(key), there.map(|_| key));
                        list.retain(|one| *one != key);
                    }
                }
                prop_assert_eq!(table.len(), list.len());
                for key in 0..40 {
                    prop_assert_eq!(table.peek(key).is_some(), list.contains(&key));
                }
            }
        }
    }
}
