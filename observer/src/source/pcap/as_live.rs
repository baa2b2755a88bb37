//! What the kernel programs would have shipped of a capture.
//!
//! The rule is the one that they run ([`observer_common::window`]). What it needs besides the bytes, a
//! socket knows and a capture shows: where the data without a hole ends.

use std::num::NonZeroUsize;

use lru::LruCache;
use observer_common::window::{self, Knobs, PREFIX, Peek, Side};

use crate::packet::{ConnectionKey, Direction, Flags};

/// How many connections are remembered; of the one that was silent for longest the state is lost, as
/// if it had just been found in its middle. At most 24 MiB, and 16 MiB
/// more if every direction is full of holes.
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// How many runs of bytes behind holes are remembered for a direction.
const MAX_RUNS: usize = 16;
/// A hole is not waited for when so much came behind it: the capture lost it.
const MAX_HOLE: u32 = 4 * 1024 * 1024;

/// The state of the rule for all connections of a capture.
pub(super) struct AsLive {
    knobs: Knobs,
    connections: LruCache<ConnectionKey, [Flow; 2]>,
}

/// A segment to look at.
pub(super) struct Offered<'a> {
    pub(super) direction: Direction,
    pub(super) seq: u32,
    pub(super) flags: Flags,
    pub(super) payload: &'a [u8],
    pub(super) wire_len: u32,
}

/// What of a segment would have been shipped.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    /// Where it starts in the payload.
    pub(super) offset: u32,
    /// How many bytes were wanted.
    pub(super) len: u32,
    /// How many bytes of the direction were left out before.
    pub(super) skipped: u64,
}

impl AsLive {
    pub(super) fn new(knobs: Knobs) -> Self {
        Self {
            knobs,
            connections: LruCache::new(MAX_CONNECTIONS),
        }
    }

    /// What would have been shipped of a segment. Nothing of its data may be wanted where its flags
    /// matter: those a live run learns by another way.
    pub(super) fn look(&mut self, key: ConnectionKey, segment: &Offered<'_>) -> Wanted {
        let flows = self.connections.get_or_insert_mut(key, Default::default);
        if segment.flags.syn && !segment.flags.ack {
            *flows = Default::default();
        }
        let [forward, reverse] = flows;
        let (own, other) = match segment.direction {
            Direction::Forward => (forward, &*reverse),
            Direction::Reverse => (reverse, &*forward),
        };
        own.look(other, segment, &self.knobs)
    }
}

/// One direction of a connection.
#[derive(Default)]
struct Flow {
    side: Side,
    /// The end of the data without a hole, once something was seen.
    expected: Option<u32>,
    /// Bytes that came behind a hole, in order.
    runs: Vec<(u32, u32)>,
    skipped: u64,
}

impl Flow {
    fn look(&mut self, other: &Self, segment: &Offered<'_>, knobs: &Knobs) -> Wanted {
        // A keep-alive probe repeats a byte that was sent long ago (RFC 9293 section 3.8.4).
        let probe = self.expected.is_none() && segment.wire_len == 1 && segment.payload == [0];
        if segment.wire_len == 0 || probe {
            if segment.flags.syn || probe {
                self.expected = Some(segment.seq.wrapping_add(1));
            }
            return Wanted {
                offset: 0,
                len: 0,
                skipped: self.skipped,
            };
        }
        let expected = *self.expected.get_or_insert(segment.seq);
        let decision = window::decide(
            &mut self.side,
            &other.side,
            &window::Segment {
                seq: segment.seq,
                len: segment.wire_len,
                expected,
                early: false,
            },
            &Bytes {
                captured: segment.payload,
                wire_len: segment.wire_len,
            },
            knobs,
        );
        let end = segment.seq.wrapping_add(segment.wire_len);
        let before = self.skipped;
        self.advance(expected, segment.seq, end);
        if decision.len == 0 {
            let fresh = ahead(expected, end).min(segment.wire_len);
            self.skipped += u64::from(fresh);
            return Wanted {
                offset: 0,
                len: 0,
                skipped: before,
            };
        }
        let behind = segment.wire_len - decision.offset - decision.len;
        self.skipped = decision.skipped + u64::from(behind);
        Wanted {
            offset: decision.offset,
            len: decision.len,
            skipped: decision.skipped,
        }
    }

    /// Moves the end of the data without a hole.
    fn advance(&mut self, mut expected: u32, seq: u32, end: u32) {
        if ahead(expected, seq) > 0 {
            let place = self
                .runs
                .partition_point(|(start, _)| ahead(expected, *start) < ahead(expected, seq));
            self.runs.insert(place, (seq, end));
            let farthest = self.runs.last().map_or(0, |(_, end)| ahead(expected, *end));
            if (self.runs.len() > MAX_RUNS || farthest > MAX_HOLE)
                && let Some((start, _)) = self.runs.first()
            {
                expected = *start;
            }
        } else if ahead(expected, end) > 0 {
            expected = end;
        }
        while let Some((start, end)) = self.runs.first().copied()
            && ahead(expected, start) == 0
        {
            self.runs.remove(0);
            if ahead(expected, end) > 0 {
                expected = end;
            }
        }
        self.expected = Some(expected);
    }
}

/// How far `b` lies beyond `a` in sequence space; 0 when it does not.
fn ahead(a: u32, b: u32) -> u32 {
    u32::try_from(b.wrapping_sub(a).cast_signed()).unwrap_or(0)
}

/// The bytes of a segment, as far as they were captured.
struct Bytes<'a> {
    captured: &'a [u8],
    wire_len: u32,
}

impl Peek for Bytes<'_> {
    fn at(&self, offset: u32) -> (u64, u64, u32) {
        let mut words = [0; PREFIX as usize];
        let rest = self.captured.get(offset as usize..).unwrap_or_default();
        let mut count = 0;
        for (place, byte) in words.iter_mut().zip(rest) {
            *place = *byte;
            count += 1;
        }
        let word = u128::from_le_bytes(words);
        (word as u64, (word >> 64) as u64, count)
    }

    fn is_of_issuer(&self, offset: u32) -> bool {
        let request = self.captured.get(offset as usize..).unwrap_or_default();
        window::is_of_issuer(&window::line_words(request))
    }

    fn last(&self) -> u32 {
        if self.captured.len() < self.wire_len as usize {
            return 0;
        }
        let tail = self.captured.len().saturating_sub(4);
        let bytes = self.captured.get(tail..).unwrap_or_default();
        bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: ConnectionKey = ConnectionKey::Socket(1);

    fn offered(seq: u32, payload: &[u8]) -> Offered<'_> {
        Offered {
            direction: Direction::Forward,
            seq,
            flags: Flags::default(),
            payload,
            wire_len: payload.len() as u32,
        }
    }

    #[test]
    fn a_body_is_left_out_and_counted() {
        let mut rule = AsLive::new(Knobs::DEFAULT);
        let head = b"POST /a HTTP/1.1\r\nContent-Length: 60000\r\n\r\n";
        let body = [b'x'; 20_000];
        let wanted = rule.look(KEY, &offered(100, head));
        assert_eq!((wanted.offset, wanted.len, wanted.skipped), (0, 43, 0));
        let mut seq = 143;
        for part in 0..3 {
            let wanted = rule.look(KEY, &offered(seq, &body));
            assert_eq!((wanted.len, wanted.skipped), (0, part * 20_000));
            seq += 20_000;
        }
        let next = rule.look(KEY, &offered(seq, b"GET /b HTTP/1.1\r\n\r\n"));
        assert_eq!((next.len, next.skipped), (19, 60_000));
    }

    #[test]
    fn a_repeated_segment_is_not_wanted_again() {
        let mut rule = AsLive::new(Knobs::DEFAULT);
        let head = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(rule.look(KEY, &offered(u32::MAX - 3, head)).len, 28);
        assert_eq!(rule.look(KEY, &offered(u32::MAX - 3, head)).len, 0);
    }

    #[test]
    fn a_probe_is_no_start() {
        let mut rule = AsLive::new(Knobs::DEFAULT);
        let head = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(rule.look(KEY, &offered(999, b"\0")).len, 0);
        assert_eq!(rule.look(KEY, &offered(1000, head)).len, 28);
    }

    #[test]
    fn memory_is_as_documented() {
        // The map has two pointers more for each entry, and a table that is at most 8/7 full.
        let entry = size_of::<ConnectionKey>() + size_of::<[Flow; 2]>() + 5 * size_of::<usize>();
        let most = entry * MAX_CONNECTIONS.get();
        assert!(most <= 24 * 1024 * 1024, "{most}");
        assert!(most > 20 * 1024 * 1024, "{most}");
    }

    #[test]
    fn a_syn_starts_anew() {
        let mut rule = AsLive::new(Knobs::DEFAULT);
        let head = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        rule.look(KEY, &offered(1000, head));
        let syn = Offered {
            flags: Flags {
                syn: true,
                ..Flags::default()
            },
            ..offered(100, b"")
        };
        rule.look(KEY, &syn);
        assert_eq!(rule.look(KEY, &offered(101, head)).len, 28);
    }

    #[test]
    fn reordered_bytes_close_their_hole_and_a_lost_one_is_given_up() {
        let mut flow = Flow::default();
        flow.advance(u32::MAX - 9, 10, 20);
        flow.advance(flow.expected.unwrap(), 0, 10);
        assert_eq!(flow.expected, Some(u32::MAX - 9));
        flow.advance(flow.expected.unwrap(), u32::MAX - 9, 0);
        assert_eq!((flow.expected, flow.runs.len()), (Some(20), 0));
        flow.advance(20, 30 + MAX_HOLE, 40 + MAX_HOLE);
        assert_eq!(flow.expected, Some(40 + MAX_HOLE));
        for run in 0..100 {
            let seq = 100 + MAX_HOLE + 20 * run;
            flow.advance(flow.expected.unwrap(), seq, seq + 10);
            assert!(flow.runs.len() <= MAX_RUNS);
        }
    }
}
