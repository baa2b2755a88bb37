//! Refusals since the last acceptance.

use crate::time::Timestamp;

use super::few::Few;
use super::sighting::Why;

/// A row of refusals that no acceptance has interrupted.
#[derive(Clone, Debug, Default)]
pub(super) struct Streak {
    /// When the first and the last were, by the clock of the data.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) count: u32,
    /// Those for a key.
    pub(super) key: u32,
    /// Those for want of any keys.
    pub(super) keys: u32,
    /// Those for which no cause was given.
    pub(super) unsaid: u32,
    /// Which tokens, and from whom; of the first so many.
    pub(super) tokens: Few,
    pub(super) clients: Few,
}

/// How many tokens and clients a row tells apart.
const TOLD_APART: usize = 8;

impl Streak {
    /// Counts a refusal.
    pub(super) fn add(&mut self, clock: Timestamp, why: Why, token: u64, client: u64) {
        if self.count == 0 {
            self.first = clock;
        }
        self.last = self.last.max(clock);
        self.count = self.count.saturating_add(1);
        let special = match why {
            Why::Key => Some(&mut self.key),
            Why::Keys => Some(&mut self.keys),
            Why::Unsaid => Some(&mut self.unsaid),
            _ => None,
        };
        if let Some(count) = special {
            *count = count.saturating_add(1);
        }
        self.tokens.add(token, TOLD_APART);
        self.clients.add(client, TOLD_APART);
    }

    /// From the first to the last, in seconds.
    pub(super) fn seconds(&self) -> u64 {
        self.last.since(self.first).as_secs()
    }

    /// Something was accepted.
    pub(super) fn end(&mut self) {
        if self.count > 0 {
            *self = Self::default();
        }
    }
}
