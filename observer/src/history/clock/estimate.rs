//! An interval in which the offset of a clock lies, and what says so.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// What an offset was read from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// The `Date` field of answers, which has whole seconds and may be a proxy's.
    Date,
    /// What the server printed of its own time.
    Printed,
    /// That it called a token expired, or too early.
    Refusal,
}

/// How far a clock is ahead of ours, in milliseconds, and what says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offset {
    /// At the least; below zero when it is behind.
    pub low: i64,
    /// At the most.
    pub high: i64,
    /// How many readings of each source it rests on, in the order of [`Source`].
    pub readings: [u32; 3],
}

/// One reading.
#[derive(Clone, Copy, Debug)]
pub(in crate::history) struct Reading {
    /// In milliseconds; `None`: it may be anything.
    pub(in crate::history) low: Option<i64>,
    pub(in crate::history) high: Option<i64>,
    pub(in crate::history) source: Source,
}

/// What readings say together.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::history) struct Estimate {
    low: Option<i64>,
    high: Option<i64>,
    readings: [u32; 3],
    first: Timestamp,
    last: Timestamp,
}

/// After so long it begins anew: clocks drift and are set.
const LASTS: Duration = Duration::from_secs(600);
/// So many readings are wanted, and so much time between the first and the last, before it is believed: an
/// answer may come out of a cache, with a `Date` that gets older by more than it leaves open.
const READINGS: u32 = 3;
const SPAN: Duration = Duration::from_secs(4);

impl Estimate {
    /// Takes a reading.
    pub(in crate::history) fn take(&mut self, reading: Reading, clock: Timestamp) {
        let Reading { low, high, source } = reading;
        let is_old = clock.since(self.first) > LASTS;
        let (low, high) = if is_old || self.readings == [0; 3] {
            self.readings = [0; 3];
            self.first = clock;
            (low, high)
        } else {
            (low.max(self.low), least(high, self.high))
        };
        let contradicts = low.zip(high).is_some_and(|(low, high)| low > high);
        if contradicts {
            // It was set, or another answers here.
            (self.low, self.high) = (reading.low, reading.high);
            self.readings = [0; 3];
            self.first = clock;
        } else {
            (self.low, self.high) = (low, high);
        }
        if let Some(count) = self.readings.get_mut(source as usize) {
            *count = count.saturating_add(1);
        }
        self.last = clock;
    }

    /// What is known, where that is bounded to both sides and may be believed.
    pub(in crate::history) fn offset(&self) -> Option<Offset> {
        let (low, high) = self.low.zip(self.high)?;
        let count: u32 = self.readings.iter().sum();
        let lasted = self.last.since(self.first) >= SPAN;
        (count >= READINGS && lasted).then_some(Offset {
            low,
            high,
            readings: self.readings,
        })
    }

    /// By how many milliseconds it is ahead at the least.
    pub(in crate::history) fn at_least(&self) -> Option<i64> {
        self.low
    }

    /// At the most.
    pub(in crate::history) fn at_most(&self) -> Option<i64> {
        self.high
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

impl Offset {
    /// Whether the clock is off by more than this, in milliseconds.
    pub const fn is_beyond(&self, millis: i64) -> bool {
        self.low > millis || self.high < -millis
    }

    /// The offset that is nearest to none, in milliseconds.
    pub const fn nearest(&self) -> i64 {
        if self.low > 0 {
            self.low
        } else if self.high < 0 {
            self.high
        } else {
            0
        }
    }
}

/// "239 to 241 s ahead of ours (Date of 31 answers)".
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |millis: i64| seconds(millis.unsigned_abs());
        if self.low >= 0 {
            let (low, high) = (seconds(self.low), seconds(self.high));
            write!(f, "{low} to {high} s ahead of ours")?;
        } else if self.high <= 0 {
            let (low, high) = (seconds(self.high), seconds(self.low));
            write!(f, "{low} to {high} s behind ours")?;
        } else {
            let (low, high) = (seconds(self.low), seconds(self.high));
            write!(f, "between {low} s behind and {high} s ahead of ours")?;
        }
        let [dates, printed, refusals] = self.readings;
        let sources = [
            (dates, "Date of", "answer"),
            (printed, "printed in", "answer"),
            (refusals, "by", "refusal"),
        ];
        let mut before = " (";
        for (count, how, what) in sources {
            if count > 0 {
                let plural = if count == 1 { "" } else { "s" };
                write!(f, "{before}{how} {count} {what}{plural}")?;
                before = ", ";
            }
        }
        if before == ", " {
            f.write_str(")")
        } else {
            Ok(())
        }
    }
}

/// As a person says it: whole seconds where they are many.
pub(in crate::history) fn seconds(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{}.{}", millis / 1000, millis % 1000 / 100),
        _ => ((millis + 500) / 1000).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(low: i64, high: i64) -> Reading {
        Reading {
            low: Some(low),
            high: Some(high),
            source: Source::Date,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + second)
    }

    #[test]
    fn readings_narrow_each_other() {
        let mut estimate = Estimate::default();
        for (second, low, high) in [(0, -800, 1300), (1, -200, 1900), (4, -500, 1100)] {
            assert_eq!(estimate.offset(), None);
            estimate.take(date(low, high), at(second));
        }
        let offset = estimate.offset().unwrap();
        assert_eq!((offset.low, offset.high), (-200, 1100));
        assert!(!offset.is_beyond(0));
        assert_eq!(
            offset.to_string(),
            "between 0.2 s behind and 1.1 s ahead of ours (Date of 3 answers)"
        );
    }

    #[test]
    fn what_contradicts_begins_anew() {
        let mut estimate = Estimate::default();
        for second in 0..5 {
            estimate.take(date(0, 1000), at(second));
        }
        estimate.take(date(240_000, 241_000), at(6));
        assert_eq!(estimate.offset(), None, "one answer may be a cache's");
        estimate.take(date(239_500, 240_500), at(7));
        estimate.take(date(239_500, 240_500), at(10));
        let offset = estimate.offset().unwrap();
        assert_eq!((offset.low, offset.high), (240_000, 240_500));
        assert!(offset.is_beyond(5000));
        assert_eq!(
            offset.to_string(),
            "240 to 241 s ahead of ours (Date of 3 answers)"
        );
    }

    #[test]
    fn an_answer_out_of_a_cache_is_never_believed() {
        let mut estimate = Estimate::default();
        for second in 0..100 {
            // The same Date again and again.
            estimate.take(date(-second * 1000, 2000 - second * 1000), at(second));
            assert!(
                estimate
                    .offset()
                    .is_none_or(|offset| !offset.is_beyond(5000)),
                "{second}"
            );
        }
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut estimate = Estimate::default();
        for second in [0, 2, 5] {
            estimate.take(date(0, 100), at(second));
        }
        estimate.take(date(-50, 1000), at(1000));
        assert_eq!(estimate.offset(), None);
    }
}
