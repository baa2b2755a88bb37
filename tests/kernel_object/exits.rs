//! How a program ends.

use std::collections::BTreeSet;

use crate::code::{EXIT, Section};

/// Whether every way out of a program goes through "r0 = 1".
pub fn always_give_one(section: &Section) -> bool {
    let places = section.walk();
    let targets: BTreeSet<_> = places
        .iter()
        .filter_map(|(at, it)| at.checked_add_signed(it.jump()? + 1))
        .collect();
    let exits: Vec<_> = places
        .iter()
        .enumerate()
        .filter(|(_, (_, it))| it.opcode == EXIT)
        .collect();
    !exits.is_empty()
        && exits.iter().all(|(index, (at, _))| {
            let before = index.checked_sub(1).and_then(|index| places.get(index));
            let sets_one = before.is_some_and(|(_, it)| {
                // r0 = 1, of 64 or 32 bits.
                matches!(it.opcode, 0xb7 | 0xb4) && it.target == 0 && it.immediate == 1
            });
            sets_one && !targets.contains(at)
        })
}
