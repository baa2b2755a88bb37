//! The reassembly of one direction of a connection.

use std::time::Duration;

use super::store::Store;
use super::{Gap, Piece};
use crate::packet::Tail;
use crate::time::Timestamp;

/// Puts the segments of one direction in order.
///
/// A *position* is a sequence number that does not wrap: its low 32 bits are the sequence number.
///
/// Every method that gives pieces takes a function that receives them and says up to which position
/// it does not care for bytes (0: it wants all): the rest of a body, mostly. Nothing waits for a hole
/// in there, and nothing in there is held.
#[derive(Default)]
pub struct Assembler {
    next: Option<u64>,
    skipped: u64,
    lost: u64,
    store: Store,
    unwanted: u64,
    fin: Option<Fin>,
    ended: bool,
    given_up_at: Option<Timestamp>,
}

/// One segment of the direction.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The sequence number of the first byte.
    pub seq: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// How many there were on the wire.
    pub wire_len: u64,
    /// Why the others are missing.
    pub tail: Tail,
    /// Bytes skipped by rule before it, since the direction began.
    pub skipped: u64,
    /// Bytes lost before it.
    pub lost: u64,
    /// It closes the direction.
    pub fin: bool,
    /// When it was captured.
    pub time: Timestamp,
}

impl<'a> Incoming<'a> {
    /// `len` bytes of it from `from` on. The close belongs to no part.
    pub(super) fn part(&self, from: u64, len: u64) -> Self {
        let have = self.bytes.len() as u64;
        let (start, end) = (from.min(have), (from + len).min(have));
        Self {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most the length of a slice"
            )]
            bytes: self
                .bytes
                .get(start as usize..end as usize)
                .unwrap_or_default(),
            wire_len: len,
            fin: false,
            ..*self
        }
    }
}

#[derive(Clone, Copy)]
struct Fin {
    position: u64,
    skipped: u64,
    lost: u64,
}

/// Positions start above this, so that bytes from before the first seen have one too.
const ORIGIN: u64 = 1 << 32;

impl Assembler {
    /// Tells where the direction begins: the sequence number after that of the SYN.
    pub fn begin(&mut self, seq: u32) {
        self.next.get_or_insert(ORIGIN | u64::from(seq));
    }

    /// Where the next byte lies, once anything was seen.
    pub fn position(&self) -> Option<u64> {
        self.next
    }

    /// Bytes of memory held behind holes.
    pub fn held(&self) -> usize {
        self.store.held()
    }

    /// Whether FIN came and everything before it was given.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether something waits behind a hole.
    pub fn waits(&self) -> bool {
        !self.store.is_empty() || self.fin.is_some()
    }

    /// When the present hole is given up.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.given_up_at
    }

    /// Gives the present hole up at `deadline` at the latest: the other direction has shown that its
    /// bytes arrived unseen.
    pub fn hurry(&mut self, deadline: Timestamp) {
        if let Some(at) = &mut self.given_up_at {
            *at = (*at).min(deadline);
        }
    }

    /// Takes a segment. `patience` is how long a new hole is waited for from `now` on.
    pub fn push(
        &mut self,
        incoming: Incoming<'_>,
        now: Timestamp,
        patience: Duration,
        mut give: impl FnMut(Piece<'_>) -> u64,
    ) {
        if self.ended {
            return;
        }
        let position = self.locate(&incoming);
        let end = position + incoming.wire_len;
        let before = self.next;
        if incoming.fin {
            self.fin.get_or_insert(Fin {
                position: end,
                skipped: incoming.skipped,
                lost: incoming.lost,
            });
        }
        if incoming.wire_len > 0 && end > self.next.unwrap_or(position) {
            if self.goes_through(position, end, &incoming) {
                self.close_hole(position, incoming.skipped, incoming.lost, &mut give);
                self.deliver(position, &incoming, &mut give);
            } else {
                self.store.insert(position, &incoming);
            }
        }
        self.drain(&mut give);
        if !self.waits() {
            self.given_up_at = None;
        } else if self.given_up_at.is_none() || self.next != before {
            self.given_up_at = Some(now.plus(patience));
        }
    }

    /// Gives up the present hole. Gives it and what waited right behind it.
    pub fn give_up(
        &mut self,
        now: Timestamp,
        patience: Duration,
        mut give: impl FnMut(Piece<'_>) -> u64,
    ) {
        let ahead = self.store.first_counts().zip(self.store.first());
        let target = match (ahead, self.fin) {
            (Some(((skipped, lost), position)), _) => Some((position, skipped, lost)),
            (None, Some(fin)) => Some((fin.position, fin.skipped, fin.lost)),
            (None, None) => None,
        };
        if let Some((position, skipped, lost)) = target {
            self.close_hole(position, skipped, lost, &mut give);
            self.drain(&mut give);
        }
        self.given_up_at = self.waits().then(|| now.plus(patience));
    }

    /// The position of a segment: the one with its sequence number that is nearest to where the next
    /// one would be after all declared holes. Bodies larger than the sequence space end up right.
    fn locate(&mut self, incoming: &Incoming<'_>) -> u64 {
        let declared = self.declared(incoming.skipped, incoming.lost);
        // What the source counted before the first segment is a hole at the start.
        let before = declared.min(ORIGIN / 2);
        let first = || (ORIGIN | u64::from(incoming.seq)) - before;
        let next = *self.next.get_or_insert_with(first);
        let expected = next + declared;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sequence numbers are the low half"
        )]
        let distance = incoming.seq.wrapping_sub(expected as u32).cast_signed();
        expected.saturating_add_signed(i64::from(distance))
    }

    /// How many bytes the source has declared missing since the last one that was given.
    fn declared(&self, skipped: u64, lost: u64) -> u64 {
        // A source that counts wrongly must not move a position out of the number range.
        const MOST: u64 = 1 << 48;
        let declared = skipped.saturating_sub(self.skipped).min(MOST)
            + lost.saturating_sub(self.lost).min(MOST);
        declared.min(MOST)
    }

    /// Whether a segment needs not be stored: nothing is missing before it that could still come, and
    /// nothing that came earlier lies behind its first byte.
    fn goes_through(&self, position: u64, end: u64, incoming: &Incoming<'_>) -> bool {
        self.store.first().is_none_or(|first| first >= end)
            && self.may_pass(position, incoming.skipped, incoming.lost)
    }

    /// Whether the hole before `position` is one that nothing waits for.
    fn may_pass(&self, position: u64, skipped: u64, lost: u64) -> bool {
        let next = self
            .next
            .unwrap_or(position)
            .max(self.unwanted.min(position));
        position <= next || position - next <= self.declared(skipped, lost)
    }

    /// Gives everything from the store that can be given now, and the end.
    fn drain(&mut self, give: &mut impl FnMut(Piece<'_>) -> u64) {
        while let (Some(position), Some((skipped, lost))) =
            (self.store.first(), self.store.first_counts())
        {
            if !self.may_pass(position, skipped, lost) {
                return;
            }
            self.close_hole(position, skipped, lost, give);
            if let Some((position, waiting)) = self.store.take_first() {
                let incoming = Incoming {
                    #[expect(clippy::cast_possible_truncation, reason = "the low half")]
                    seq: position as u32,
                    bytes: &waiting.bytes,
                    wire_len: waiting.wire_len,
                    tail: waiting.tail,
                    skipped: waiting.skipped,
                    lost: waiting.lost,
                    fin: false,
                    time: waiting.time,
                };
                self.deliver(position, &incoming, give);
            }
        }
        if let Some(fin) = self.fin
            && self.may_pass(fin.position, fin.skipped, fin.lost)
        {
            self.close_hole(fin.position, fin.skipped, fin.lost, give);
            self.fin = None;
            self.ended = true;
            give(Piece::End);
        }
    }

    /// Gives the gap between the next byte and `position`, if there is one.
    fn close_hole(
        &mut self,
        position: u64,
        skipped: u64,
        lost: u64,
        give: &mut impl FnMut(Piece<'_>) -> u64,
    ) {
        let next = self.next.unwrap_or(position);
        if position <= next {
            return;
        }
        let hole = position - next;
        let unwanted = self.unwanted.min(position).saturating_sub(next);
        let by_rule = skipped.saturating_sub(self.skipped).min(hole).max(unwanted);
        let gap = Gap {
            position: next,
            skipped: by_rule,
            cut: 0,
            lost: hole - by_rule,
        };
        self.skipped = self.skipped.max(skipped);
        self.lost = self.lost.max(lost);
        self.next = Some(position);
        self.unwanted = give(Piece::Gap(gap));
    }

    /// Gives what is new of a segment that begins at or before the next byte, and its missing tail.
    fn deliver(
        &mut self,
        position: u64,
        incoming: &Incoming<'_>,
        give: &mut impl FnMut(Piece<'_>) -> u64,
    ) {
        let next = self.next.unwrap_or(position);
        let old = next.saturating_sub(position);
        if old >= incoming.wire_len {
            return;
        }
        let fresh = incoming.part(old, incoming.wire_len - old);
        let captured = fresh.bytes.len() as u64;
        let missing = fresh.wire_len - captured;
        self.skipped = self.skipped.max(incoming.skipped);
        self.lost = self.lost.max(incoming.lost);
        self.next = Some(next + fresh.wire_len);
        if captured > 0 {
            self.unwanted = give(Piece::Bytes {
                position: next,
                time: fresh.time,
                bytes: fresh.bytes,
            });
        }
        if missing > 0 {
            // The source counts the tail it left out in the records that follow.
            let by_rule = fresh.tail == Tail::Unwanted;
            self.skipped += if by_rule { missing } else { 0 };
            self.unwanted = give(Piece::Gap(Gap {
                position: next + captured,
                skipped: if by_rule { missing } else { 0 },
                cut: if by_rule { 0 } else { missing },
                lost: 0,
            }));
        }
    }
}
