//! How many lines a reader can follow.

use std::time::Duration;

use crate::time::Timestamp;

/// A bucket of lines that fills with time.
pub(super) struct Rate {
    left: u32,
    filled: Timestamp,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            left: BURST,
            filled: Timestamp::default(),
        }
    }
}

impl Rate {
    /// Takes a line out of the bucket, if there is one.
    pub(super) fn allows(&mut self, time: Timestamp) -> bool {
        self.fill(time);
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }

    /// Whether the bucket is half full again: the flood is over.
    pub(super) fn recovered(&mut self, clock: Timestamp) -> bool {
        self.fill(clock);
        self.left >= BURST / 2
    }

    fn fill(&mut self, time: Timestamp) {
        let lines = time.since(self.filled).as_nanos() / EVERY.as_nanos();
        if lines > 0 {
            self.left = u32::try_from(lines)
                .unwrap_or(BURST)
                .saturating_add(self.left)
                .min(BURST);
            self.filled = time;
        }
    }
}

/// So many lines may come at once.
const BURST: u32 = 200;
/// A line more after so long.
const EVERY: Duration = Duration::from_millis(50);
