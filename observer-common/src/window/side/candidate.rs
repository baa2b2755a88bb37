//! Where a head may start, until it is decided whether one does.

use super::super::{Knobs, Mark, PREFIX, Peek, Segment};
use super::{ENDED, FOLLOW, Kind, PENDING, Side};

impl Side {
    /// Makes a place a candidate. One that was never decided was no head.
    #[inline(always)]
    pub(in crate::window) const fn suspect(&mut self, at: u32, other: &Self, knobs: &Knobs) {
        if self.flags & PENDING != 0 {
            self.miss(other, knobs);
        }
        self.candidate = at;
        self.known = 0;
        self.low = 0;
        self.high = 0;
        self.flags = self.flags & !(FOLLOW | ENDED) | PENDING;
    }

    /// Learns what the segment has of the candidate, and decides if that is enough.
    #[inline(always)]
    pub(in crate::window) fn examine<P: Peek>(
        &mut self,
        other: &Self,
        segment: &Segment,
        bytes: &P,
        knobs: &Knobs,
    ) -> Option<Mark> {
        let offset = self
            .candidate
            .wrapping_add(self.known as u32)
            .wrapping_sub(segment.seq);
        if offset >= segment.len {
            return None;
        }
        let (low, high, count) = bytes.at(offset);
        self.learn(low, high, count);
        let mark = bytes.recognise(self.low, self.high, self.known as u32);
        if let Mark::Undecided = mark {
            return None;
        }
        self.flags &= !PENDING;
        let tls = matches!(mark, Mark::ClientHello | Mark::TlsRecord);
        // Bytes of a body may look like TLS; after CONNECT they are.
        let in_body = tls && self.is_http(other) && self.opened_by != Mark::Connect as u8;
        if let Mark::Nothing = mark {
            self.miss(other, knobs);
            return None;
        }
        if in_body {
            self.miss(other, knobs);
            return None;
        }
        self.open(mark, self.candidate, knobs);
        Some(mark)
    }

    /// Appends to what is known of the candidate.
    #[inline(always)]
    const fn learn(&mut self, low: u64, high: u64, count: u32) {
        let known = self.known as u32;
        if known == 0 {
            self.low = low;
            self.high = high;
        } else if known < 8 {
            self.low |= low << (8 * known);
            self.high |= high << (8 * known) | low >> (64 - 8 * known);
        } else if known < PREFIX {
            self.high |= low << (8 * (known - 8));
        }
        let total = known + count;
        self.known = if total < PREFIX { total } else { PREFIX } as u8;
    }

    /// A candidate was no head.
    #[inline(always)]
    const fn miss(&mut self, other: &Self, knobs: &Knobs) {
        self.misses = self.misses.saturating_add(1);
        let upgraded =
            self.opened_by == Mark::Upgrade as u8 || other.opened_by == Mark::Upgrade as u8;
        if upgraded {
            self.kind = Kind::Upgraded as u8;
        } else if self.misses >= knobs.patience && !self.is_http(other) {
            self.kind = Kind::Foreign as u8;
        }
    }
}
