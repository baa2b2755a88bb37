//! From the kernel's clock to the time of day.

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::time::Timestamp;

/// How far the time of day is ahead of CLOCK_MONOTONIC. Measured again and again, because the time of
/// day may be set; small differences are noise of the measurement and change nothing, or the order of
/// two records might.
pub(super) struct Clock {
    ahead: i64,
}

/// What counts as a step of the time of day, in nanoseconds.
const STEP: i64 = 1_000_000;

impl Clock {
    pub(super) fn new() -> Self {
        Self { ahead: measure() }
    }

    /// Looks whether the time of day was set.
    pub(super) fn check(&mut self) {
        self.adopt(measure());
    }

    fn adopt(&mut self, ahead: i64) {
        if ahead.saturating_sub(self.ahead).saturating_abs() > STEP {
            self.ahead = ahead;
        }
    }

    /// The time of day of a record.
    pub(super) fn time(&self, monotonic: u64) -> Timestamp {
        let monotonic = i64::try_from(monotonic).unwrap_or(i64::MAX);
        Timestamp::from_nanos(monotonic.saturating_add(self.ahead))
    }

    /// The time of day now.
    pub(super) fn now(&self) -> Timestamp {
        let now = nanos(clock_gettime(ClockId::Monotonic));
        Timestamp::from_nanos(now.saturating_add(self.ahead))
    }
}

/// The time of day between two looks at the monotonic clock.
fn measure() -> i64 {
    let before = nanos(clock_gettime(ClockId::Monotonic));
    let day = nanos(clock_gettime(ClockId::Realtime));
    let after = nanos(clock_gettime(ClockId::Monotonic));
    let middle = before.saturating_add(after.saturating_sub(before) / 2);
    day.saturating_sub(middle)
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
    fn only_a_step_changes_the_offset() {
        let mut clock = Clock { ahead: 1_000 };
        clock.adopt(900_000);
        assert_eq!(clock.time(5).nanos(), 1_005);
        clock.adopt(60_000_000_000);
        assert_eq!(clock.time(5).nanos(), 60_000_000_005);
    }
}
