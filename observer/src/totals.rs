//! What a run knows of itself: how much it saw, and what it did not.

use std::collections::BTreeMap;

/// Counts by a stable name.
pub type Counts = BTreeMap<&'static str, u64>;

/// What a run knows of itself, since its start.
///
/// `seen` equals what was delivered to the engine plus all of `lost`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Totals {
    /// Segments that were wanted.
    pub seen: u64,
    /// Segments that were wanted and did not arrive, by reason.
    pub lost: Counts,
    /// What the source had and could not read, by reason.
    pub unread: Counts,
    /// Connections by protocol.
    pub connections: Counts,
    /// What the engine gave up, by reason: connections evicted, streams with gaps, heads cut.
    pub given_up: Counts,
    /// Connections whose bytes went past the probes (sockmap, SMC).
    pub bypassed: u64,
}

impl Totals {
    /// Everything that is missing, by reason.
    pub fn missing(&self) -> u64 {
        [&self.lost, &self.unread, &self.given_up]
            .into_iter()
            .flat_map(BTreeMap::values)
            .sum::<u64>()
            .saturating_add(self.bypassed)
    }
}
