//! Who spoke when.

use crate::packet::Direction;
use crate::time::Timestamp;

/// When the directions took turns to speak, lately.
#[derive(Default)]
pub(super) struct Turns {
    began: [Option<(Timestamp, Direction)>; 8],
    last: usize,
}

impl Turns {
    pub(super) fn hear(&mut self, direction: Direction, now: Timestamp) {
        let last = self.began.get(self.last).copied().flatten();
        if last.is_none_or(|(_, of)| of != direction) {
            self.last = (self.last + 1) % self.began.len();
            self.began[self.last] = Some((now, direction));
        }
    }

    /// Whether a turn of the direction against `direction` began between two times.
    pub(super) fn other_between(
        &self,
        direction: Direction,
        after: Timestamp,
        before: Timestamp,
    ) -> bool {
        let mut turns = self.began.iter().flatten();
        turns.any(|(at, of)| *of != direction && *at > after && *at < before)
    }
}
