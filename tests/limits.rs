//! How long a test waits for what must happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
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

/// Counts the time that this machine gives: while a hypervisor takes its processors away, so that
/// nobody gets anything done, it stands still. What a program waits for of its own accord counts in
/// full.
pub struct Stopwatch(Arc<AtomicU32>);

impl Stopwatch {
    /// Begins to count.
    pub fn start() -> Self {
        let ticks = Arc::new(AtomicU32::new(0));
        let counted = Arc::downgrade(&ticks);
        thread::spawn(move || {
            loop {
                thread::sleep(TICK);
                let Some(ticks) = counted.upgrade() else {
                    return;
                };
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self(ticks)
    }

    /// The time given since the start, to some percent.
    pub fn elapsed(&self) -> Duration {
        TICK * self.0.load(Ordering::Relaxed)
    }
}

const TICK: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopwatch_counts_what_is_waited_for() {
        let watch = Stopwatch::start();
        let start = std::time::Instant::now();
        while watch.elapsed() < Duration::from_millis(500) {
            thread::sleep(TICK);
        }
        assert!(start.elapsed() >= Duration::from_millis(500));
    }
}
