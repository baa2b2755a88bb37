//! Segments that came in under the cookie of a listening socket.
//!
//! With TCP_DEFER_ACCEPT, Fast Open, or a request that rides on the handshake's last segment, the
//! first data of a connection arrives before its socket exists. It is held until the socket shows,
//! which has the same addresses and goes on in sequence.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::packet::{Direction, Segment};
use crate::time::Timestamp;

/// A segment without a connection.
pub(super) struct Held {
    pub(super) time: Timestamp,
    pub(super) segment: Segment,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Segments that wait for their connection, by its own address and its peer's.
#[derive(Default)]
pub(super) struct Waiting {
    by_addresses: HashMap<(SocketAddr, SocketAddr), Vec<Held>>,
    count: usize,
}

/// How many segments wait at most: 16 KiB each, and hardly ever more than a few.
const MOST: usize = 512;
/// How long one waits, by the clock of the data. The socket shows when it answers.
const PATIENCE: Duration = Duration::from_secs(10);

impl Waiting {
    /// Holds a segment. Gives how many are given up for it: the oldest, because a socket that is to
    /// come shows within milliseconds, and a flood of what starts like a request does not.
    pub(super) fn hold(&mut self, held: Held) -> u64 {
        let mut given_up = 0;
        if self.count >= MOST {
            given_up = self.expire(held.time);
        }
        if self.count >= MOST {
            given_up += self.give_up_oldest();
        }
        let key = (held.segment.target, held.segment.source);
        self.by_addresses.entry(key).or_default().push(held);
        self.count += 1;
        given_up
    }

    /// What waits for the connection of which this is a segment, and how many segments waited that
    /// are not of it.
    pub(super) fn claim(&mut self, segment: &Segment) -> (Vec<Held>, u64) {
        if self.count == 0 {
            return (Vec::new(), 0);
        }
        let (local, remote) = match segment.direction {
            Direction::Forward => (segment.source, segment.target),
            Direction::Reverse => (segment.target, segment.source),
        };
        let Some(mut held) = self.by_addresses.remove(&(local, remote)) else {
            return (Vec::new(), 0);
        };
        let all = held.len();
        self.count = self.count.saturating_sub(all);
        if segment.direction == Direction::Reverse {
            held.retain(|held| goes_on(&held.segment, segment.seq));
        }
        let strange = u64::try_from(all - held.len()).unwrap_or(u64::MAX);
        (held, strange)
    }

    fn give_up_oldest(&mut self) -> u64 {
        let oldest = self
            .by_addresses
            .iter()
            .filter_map(|(key, held)| Some((held.first()?.time, *key)))
            .min_by_key(|(time, _)| *time);
        let held = oldest.and_then(|(_, key)| self.by_addresses.remove(&key));
        let count = held.map_or(0, |held| held.len());
        self.count = self.count.saturating_sub(count);
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Gives up what has waited too long. Gives how many that were.
    pub(super) fn expire(&mut self, now: Timestamp) -> u64 {
        let before = self.count;
        self.by_addresses.retain(|_, held| {
            held.retain(|held| now.since(held.time) < PATIENCE);
            !held.is_empty()
        });
        self.count = self.by_addresses.values().map(Vec::len).sum();
        u64::try_from(before - self.count).unwrap_or(u64::MAX)
    }
}

/// Whether `seq` lies after a segment, and not far.
fn goes_on(held: &Segment, seq: u32) -> bool {
    const FAR: u32 = 1024 * 1024;
    seq.wrapping_sub(held.seq) < FAR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Flags, Tail};

    fn segment(direction: Direction, client_port: u16, seq: u32) -> Segment {
        let server = SocketAddr::from(([10, 0, 0, 1], 80));
        let client = SocketAddr::from(([10, 0, 0, 2], client_port));
        let (source, target) = match direction {
            Direction::Forward => (server, client),
            Direction::Reverse => (client, server),
        };
        Segment {
            direction,
            source,
            target,
            seq,
            flags: Flags::default(),
            payload: 0..0,
            wire_len: 100,
            tail: Tail::Whole,
            skipped: 0,
            lost: 0,
            moved: None,
            listener: true,
        }
    }

    fn held(client_port: u16, second: i64) -> Held {
        Held {
            time: Timestamp::from_seconds(second),
            segment: segment(Direction::Reverse, client_port, 1_000),
            bytes: Zeroizing::new(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        }
    }

    fn claimed(waiting: &mut Waiting, segment: &Segment) -> (usize, u64) {
        let (held, strange) = waiting.claim(segment);
        (held.len(), strange)
    }

    #[test]
    fn the_answer_of_the_child_claims_the_request() {
        let mut waiting = Waiting::default();
        waiting.hold(held(1, 0));
        waiting.hold(held(2, 0));
        let answer = |port| segment(Direction::Forward, port, 9);
        assert_eq!(claimed(&mut waiting, &answer(3)), (0, 0));
        assert_eq!(claimed(&mut waiting, &answer(2)), (1, 0));
        assert_eq!(claimed(&mut waiting, &answer(2)), (0, 0));
    }

    #[test]
    fn what_goes_on_elsewhere_is_another_connection() {
        let mut waiting = Waiting::default();
        waiting.hold(held(1, 0));
        let before = segment(Direction::Reverse, 1, 900);
        assert_eq!(claimed(&mut waiting, &before), (0, 1));
        waiting.hold(held(1, 0));
        let after = segment(Direction::Reverse, 1, 1_100);
        assert_eq!(claimed(&mut waiting, &after), (1, 0));
    }

    #[test]
    fn what_nobody_claims_is_given_up_and_counted() {
        let mut waiting = Waiting::default();
        let given_up: u64 = (0..600).map(|port| waiting.hold(held(port, 0))).sum();
        assert_eq!((waiting.count, given_up), (MOST, 600 - MOST as u64));
        // The last to come is there.
        let answer = segment(Direction::Forward, 599, 9);
        assert_eq!(claimed(&mut waiting, &answer), (1, 0));
        assert_eq!(waiting.hold(held(700, 100)), 0);
        assert_eq!(waiting.hold(held(701, 100)), MOST as u64 - 1);
        assert_eq!(waiting.expire(Timestamp::from_seconds(200)), 2);
    }
}
