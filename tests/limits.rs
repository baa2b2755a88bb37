//! How long a test waits for what must happen.

use std::time::Duration;

/// A limit for this machine: emulated ones are some ten times slower, and say so in
/// `OBSERVER_TEST_SLOWNESS`.
pub fn limit(limit: Duration) -> Duration {
    limit * slowness()
}

/// By how much this machine is slower than those on which the limits were chosen.
pub fn slowness() -> u32 {
    std::env::var("OBSERVER_TEST_SLOWNESS").map_or(1, |factor| {
        factor
            .parse()
            .unwrap_or_else(|_| panic!("OBSERVER_TEST_SLOWNESS is no number: {factor}"))
    })
}
