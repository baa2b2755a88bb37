//! Two directions of a stream on which the rule decides what is copied.

use super::super::*;

pub(super) const KNOBS: Knobs = Knobs::DEFAULT;

pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Peek for Bytes<'_> {
    fn at(&self, offset: u32) -> (u64, u64, u32) {
        let rest = &self.0[offset as usize..];
        let len = rest.len().min(PREFIX as usize);
        let mut all = [0; PREFIX as usize];
        all[..len].copy_from_slice(&rest[..len]);
        let word = u128::from_le_bytes(all);
        (word as u64, (word >> 64) as u64, len as u32)
    }

    fn is_of_issuer(&self, offset: u32) -> bool {
        is_of_issuer(&line_words(&self.0[offset as usize..]))
    }

    fn last(&self) -> u32 {
        let tail = &self.0[self.0.len().saturating_sub(4)..];
        tail.iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte))
    }
}

/// A connection under the rule: what TCP would say of each segment, and what was copied.
pub(super) struct Wire {
    pub(super) sides: [Side; 2],
    /// The receiver's frontier and what came beyond it.
    pub(super) expected: [u32; 2],
    pub(super) ahead: [Vec<(u32, u32)>; 2],
    /// (sequence number, bytes) copied.
    pub(super) copied: [Vec<(u32, Vec<u8>)>; 2],
    pub(super) last: Decision,
}

pub(super) const OUT: usize = 0;
pub(super) const IN: usize = 1;

impl Wire {
    pub(super) fn new(starts: [u32; 2]) -> Self {
        Self {
            sides: [Side::default(); 2],
            expected: starts,
            ahead: [Vec::new(), Vec::new()],
            copied: [Vec::new(), Vec::new()],
            last: Decision::default(),
        }
    }

    pub(super) fn at(&mut self, way: usize, seq: u32, bytes: &[u8]) -> Decision {
        let other = self.sides[1 - way];
        let segment = Segment {
            seq,
            len: bytes.len() as u32,
            expected: self.expected[way],
            early: false,
        };
        let decision = decide(
            &mut self.sides[way],
            &other,
            &segment,
            &Bytes(bytes),
            &KNOBS,
        );
        if decision.len > 0 {
            let from = decision.offset as usize;
            let part = bytes[from..from + decision.len as usize].to_vec();
            self.copied[way].push((seq.wrapping_add(decision.offset), part));
        }
        self.ahead[way].push((seq, seq.wrapping_add(bytes.len() as u32)));
        self.deliver(way);
        self.last = decision;
        decision
    }

    pub(super) fn deliver(&mut self, way: usize) {
        loop {
            let frontier = self.expected[way];
            let next = self.ahead[way]
                .iter()
                .find(|(from, to)| distance(*from, frontier) >= 0 && distance(frontier, *to) > 0);
            match next {
                Some((_, to)) => self.expected[way] = *to,
                None => return,
            }
        }
    }

    /// The next bytes in order.
    pub(super) fn send(&mut self, way: usize, bytes: &[u8]) -> Decision {
        self.at(way, self.expected[way], bytes)
    }

    /// What was copied, put in order from `start` on up to the first hole.
    pub(super) fn text(&self, way: usize, start: u32) -> Vec<u8> {
        let mut text = Vec::new();
        loop {
            let at = start.wrapping_add(text.len() as u32);
            let part = self.copied[way].iter().find(|(seq, part)| {
                let inside = distance(*seq, at);
                inside >= 0 && (inside as usize) < part.len()
            });
            match part {
                Some((seq, part)) => text.extend_from_slice(&part[distance(*seq, at) as usize..]),
                None => return text,
            }
        }
    }
}

pub(super) const REQUEST: &[u8] =
    b"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n";
pub(super) const KEYS: &[u8] = b"GET /jwks HTTP/1.1\r\nHost: a\r\n\r\n";
pub(super) const ACCEPTED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
pub(super) const REFUSED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9000\r\n\r\n";
