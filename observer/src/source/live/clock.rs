//! From the kernel's clock to the clock of the data, and to the time of day.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::time::{Step, Timestamp};

/// The clock of the data: CLOCK_MONOTONIC, as far ahead as the time of day was when it began. It is
/// never set, so durations are right. Where the time of day has been set since, the difference is
/// measured again and again; small ones are noise of the measurement and change nothing.
pub(super) struct Clock {
    ahead: i64,
    step: i64,
}

/// What counts as a step of the time of day, in nanoseconds.
const NOISE: i64 = 1_000_000;
/// How long a measurement may take, in nanoseconds.
const SHARP: i64 = 50_000;
/// How often the first is tried.
const TRIES: u32 = 100;

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            ahead: (0..TRIES).find_map(|_| measure()).unwrap_or_else(|| {
                nanos(clock_gettime(ClockId::Realtime))
                    .saturating_sub(nanos(clock_gettime(ClockId::Monotonic)))
            }),
            step: 0,
        }
    }

    /// Looks whether the time of day was set.
    pub(super) fn check(&mut self) {
        if let Some(ahead) = measure() {
            self.adopt(ahead);
        }
    }

    fn adopt(&mut self, ahead: i64) {
        let step = ahead.saturating_sub(self.ahead);
        if step.saturating_sub(self.step).saturating_abs() > NOISE {
            self.step = step;
        }
    }

    /// The time of a record.
    pub(super) fn time(&self, monotonic: u64) -> Timestamp {
        let monotonic = i64::try_from(monotonic).unwrap_or(i64::MAX);
        Timestamp::from_nanos(monotonic.saturating_add(self.ahead))
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        let now = nanos(clock_gettime(ClockId::Monotonic));
        Timestamp::from_nanos(now.saturating_add(self.ahead))
    }

    /// How far the time of day was set since the beginning.
    pub(super) fn step(&self) -> Step {
        Step::from_nanos(self.step)
    }
}

/// How far the time of day is ahead, as it is between two looks at the monotonic clock.
/// `None`: something came between the looks, and they say little.
fn measure() -> Option<i64> {
    let before = nanos(clock_gettime(ClockId::Monotonic));
    let day = nanos(clock_gettime(ClockId::Realtime));
    let after = nanos(clock_gettime(ClockId::Monotonic));
    let took = after.saturating_sub(before);
    (took <= SHARP).then(|| day.saturating_sub(before.saturating_add(took / 2)))
}

fn nanos(time: Timespec) -> i64 {
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn now_is_the_time_of_day() {
        let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = Clock::new().now().nanos();
        let difference = now - i64::try_from(day.as_nanos()).unwrap();
        assert!(difference.abs() < 1_000_000_000, "{difference} ns apart");
    }

    #[test]
    fn a_step_moves_the_time_of_day_and_not_the_clock() {
        const HOUR: i64 = 3_600_000_000_000;
        let mut clock = Clock {
            ahead: 1_000,
            step: 0,
        };
        clock.adopt(900_000);
        assert_eq!(clock.step(), Step::default(), "noise");
        for (ahead, day) in [(HOUR, HOUR + 5), (-HOUR, -HOUR + 5), (1_000, 1_005)] {
            clock.adopt(ahead);
            assert_eq!(clock.time(5).nanos(), 1_005);
            assert_eq!(clock.time(5).stepped(clock.step()).nanos(), day);
        }
    }
}
