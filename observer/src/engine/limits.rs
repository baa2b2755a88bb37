//! The bounds of the engine.

use std::time::Duration;

/// The bounds of the engine. Every one has its memory cost in docs/resources.md.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long an exchange waits for its answer, by the clock of the data.
    pub exchange_timeout: Duration,
    /// How long an exchange on a socket of this host waits to learn which thread handled it. Zero
    /// where no source will say.
    pub handling_wait: Duration,
    /// How long a hole that no source declared is waited for.
    pub hole_timeout: Duration,
    /// Bytes held behind a hole of one direction; the hole is given up when there are more.
    pub held_per_direction: usize,
    /// Bytes held in all, behind holes and in heads that are not complete; the connections that were
    /// quiet longest are evicted when there are more.
    pub held: usize,
    /// Connections known at a time; those that were quiet longest are evicted when there are more.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exchange_timeout: Duration::from_secs(60),
            handling_wait: Duration::from_millis(20),
            hole_timeout: Duration::from_secs(2),
            held_per_direction: 256 * 1024,
            held: 64 * 1024 * 1024,
            connections: 65_536,
        }
    }
}

impl Limits {
    /// The bounds for captures, where all that was recorded will come. A hole is waited for until TCP has
    /// sent its bytes again, with waits that double each time (RFC 6298), or until the other end shows
    /// that they arrived unseen, or too much is held behind it.
    pub fn of_captures() -> Self {
        Self {
            hole_timeout: Duration::from_secs(60),
            ..Self::default()
        }
    }
}
