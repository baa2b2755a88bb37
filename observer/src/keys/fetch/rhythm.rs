//! When keys are fetched again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// When keys are fetched again.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// No sooner, whatever the answer says, and for a kid that is not there: 30 s.
    pub cooldown: Duration,
    /// Where the answer does not say for how long it is good: 10 min.
    pub usual: Duration,
    /// After the first failure: 5 s. It doubles with each.
    pub retry: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_secs(30),
            usual: Duration::from_secs(600),
            retry: Duration::from_secs(5),
        }
    }
}

impl Rhythm {
    /// No later, whatever the answer says.
    pub const LONGEST: Duration = Duration::from_secs(3600);
    /// No later after failures.
    pub const LONGEST_RETRY: Duration = Duration::from_secs(600);

    /// After a set came. `max_age`: for how long it is good.
    pub(super) fn after_success(&self, max_age: Option<Duration>) -> Duration {
        let good = max_age.unwrap_or(self.usual);
        jittered(good.min(Self::LONGEST)).max(self.cooldown)
    }

    /// After so many failures in a row.
    pub(super) fn after_failure(&self, failures: u32) -> Duration {
        let doubled = 1_u32 << failures.saturating_sub(1).min(16);
        jittered(self.retry.saturating_mul(doubled).min(Self::LONGEST_RETRY))
    }
}

/// Between three quarters of it and all of it, so that a fleet that starts together does not ask together.
fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().hash_one(Instant::now());
    let part = f64::from((random >> 48) as u16) / f64::from(u16::MAX);
    time.mul_f64(1.0 - part / 4.0)
}
