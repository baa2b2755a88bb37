//! Who spoke when.

use std::collections::VecDeque;

use crate::packet::Direction;
use crate::time::Timestamp;

/// When the directions took turns to speak, lately.
#[derive(Default)]
pub(super) struct Turns {
    began: VecDeque<(Timestamp, Direction)>,
}

/// So many turns are remembered.
const MAX_TURNS: usize = 8;
/// So many while a direction waits behind a hole: what waits there will be read late.
const MAX_BEHIND: usize = 64;

impl Turns {
    /// Notes that a direction spoke. `waits`: one waits behind a hole.
    pub(super) fn hear(&mut self, direction: Direction, now: Timestamp, waits: bool) {
        if self.began.back().is_some_and(|(_, of)| *of == direction) {
            return;
        }
        let most = if waits { MAX_BEHIND } else { MAX_TURNS };
        while self.began.len() >= most {
            self.began.pop_front();
        }
        self.began.push_back((now, direction));
    }

    /// Memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        self.began.capacity() * size_of::<(Timestamp, Direction)>()
    }

    /// Whether a turn of the direction against `direction` began between two times.
    pub(super) fn other_between(
        &self,
        direction: Direction,
        after: Timestamp,
        before: Timestamp,
    ) -> bool {
        let later = self.began.iter().rev().take_while(|(at, _)| *at > after);
        later
            .filter(|(_, of)| *of != direction)
            .any(|(at, _)| *at < before)
    }
}
