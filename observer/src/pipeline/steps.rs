//! When the time of day was set, and how far.

use std::collections::VecDeque;

use crate::time::{Step, Timestamp};

/// What was added to the clock of the data to have the time of day, and after when.
pub(super) struct Steps {
    /// The latest last. What came before the first had the step of the first.
    since: VecDeque<(Timestamp, Step)>,
    clock: Timestamp,
}

/// How many steps are remembered, for exchanges that began before the latest.
const REMEMBERED: usize = 64;

impl Default for Steps {
    fn default() -> Self {
        Self {
            since: VecDeque::from([(Timestamp::default(), Step::default())]),
            clock: Timestamp::default(),
        }
    }
}

impl Steps {
    /// Notes the step at the end of a batch. A new one was made since the batch before.
    pub(super) fn note(&mut self, step: Step, clock: Timestamp) {
        if self.since.back().is_none_or(|(_, last)| *last != step) {
            if self.since.len() >= REMEMBERED {
                self.since.pop_front();
            }
            self.since.push_back((self.clock, step));
        }
        self.clock = clock;
    }

    /// The step that was made last before a time.
    pub(super) fn at(&self, time: Timestamp) -> Step {
        self.since
            .iter()
            .rev()
            .find(|(since, _)| *since < time)
            .or(self.since.front())
            .map(|(_, step)| *step)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_has_the_step_that_was_made_before_it() {
        let second = Timestamp::from_seconds;
        let step = Step::from_nanos;
        let mut steps = Steps::default();
        steps.note(step(0), second(10));
        steps.note(step(7), second(11));
        steps.note(step(7), second(12));
        steps.note(step(-5), second(13));
        for (time, wanted) in [(0, 0), (10, 0), (11, 7), (12, 7), (13, -5), (99, -5)] {
            assert_eq!(steps.at(second(time)), step(wanted), "{time}");
        }
    }

    #[test]
    fn so_many_are_remembered() {
        let mut steps = Steps::default();
        for second in 0..1000 {
            steps.note(Step::from_nanos(second), Timestamp::from_seconds(second));
        }
        assert_eq!(steps.since.len(), REMEMBERED);
        assert_eq!(steps.at(Timestamp::default()), Step::from_nanos(936));
    }
}
