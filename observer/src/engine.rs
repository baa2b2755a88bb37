//! From items to exchanges: connections, streams, messages and their pairing, in shards.

use std::time::Duration;

/// The bounds of the engine. Every one has its memory cost in docs/resources.md.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long an exchange waits for its answer, by the clock of the data.
    pub exchange_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exchange_timeout: Duration::from_secs(60),
        }
    }
}
