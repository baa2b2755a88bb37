//! The clock of the data.
//!
//! Past the source nothing reads the wall clock: a stage knows only the time at which a packet was
//! captured. That is why a replay says what the live run said.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;

/// Nanoseconds since the Unix epoch, as captured.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Later than everything.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the Unix epoch; saturates.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time, later by `by`; saturates.
    pub fn plus(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)),
        )
    }
}

/// How far the time of day was set, while the clock of the data went on.
///
/// A live source takes its clock from one that is never set, so that durations and waits are right
/// whatever becomes of the time of day; what leaves is moved by this to the time of day.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Step(i64);

impl Step {
    /// From nanoseconds: above zero when it was set forward.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }
}

impl Timestamp {
    /// The time of day that a time of the data stands for.
    pub const fn stepped(self, by: Step) -> Self {
        Self(self.0.saturating_add(by.0))
    }
}

/// RFC 3339 in UTC with microseconds.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => {
                let time = time.to_zoned(TimeZone::UTC);
                write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
            }
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_microseconds_in_utc() {
        let time = Timestamp::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.123456Z");
    }

    #[test]
    fn since_never_goes_below_zero() {
        let early = Timestamp::from_seconds(1);
        let late = Timestamp::from_seconds(3);
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
