//! The state of one direction of a connection.

mod candidate;

use super::{Decision, FAR, Knobs, Mark, Peek, Segment, distance};

/// What a direction turned out to carry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Kind {
    /// Not known yet.
    #[default]
    Unknown = 0,
    /// HTTP/1: a head was seen.
    Http = 1,
    /// TLS: nothing after the ClientHello is copied.
    Tls = 2,
    /// HTTP/2: nothing after the preface is copied.
    Http2 = 3,
    /// Something else since a 101 answer.
    Upgraded = 4,
    /// Nothing that observer reads.
    Foreign = 5,
}

/// The state of one direction of a connection. Lives in the kernel's socket storage, one per
/// direction, so that two CPUs never write the same words.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Side {
    /// What is known of the candidate, as [`super::recognise`] takes it, is `low` and `high`. They lie apart
    /// so that clearing both is two stores and not a call of memset, a loop of bytes in BPF.
    low: u64,
    /// Bytes left out by rule.
    skipped: u64,
    high: u64,
    /// Bytes wanted and lost.
    lost: u64,
    /// The end of what was seen.
    next: u32,
    /// How many segments brought new data.
    turns: u32,
    /// The other direction's `turns` when this direction last brought new data.
    heard: u32,
    /// The window.
    start: u32,
    end: u32,
    /// Where the candidate starts.
    candidate: u32,
    /// The last four bytes before `next`.
    tail: u32,
    /// Where a head ended beyond a candidate that is not decided.
    ending: u32,
    /// How many heads were found.
    heads: u32,
    /// Candidates without a head since the last head.
    misses: u32,
    /// How many bytes of the candidate are known.
    known: u8,
    /// A [`Kind`].
    kind: u8,
    /// What starts the window: a [`Mark`], or 0 for bytes that go on from elsewhere.
    opened_by: u8,
    /// See the constants.
    flags: u8,
    reserved: u32,
}

const SEEN: u8 = 1;
const OPEN: u8 = 1 << 1;
const PENDING: u8 = 1 << 2;
/// The next new byte is a candidate, whatever the other direction does.
const FOLLOW: u8 = 1 << 3;
/// `ending` holds.
const ENDED: u8 = 1 << 4;
/// The last head is of a request to an issuer, or of its answer: what follows the head is wanted too.
const ISSUER: u8 = 1 << 5;

/// How many bytes of a TLS record that is no ClientHello, or of an HTTP/2 preface, are copied: enough
/// to recognise them by.
const TASTE: u32 = 24;
/// A window is forgotten when its direction is this far beyond it: late segments still find it, and
/// sequence numbers that wrapped do not.
const STALE: i32 = 1024 * 1024;
const _: () = assert!((STALE as u32) < FAR);

const END_OF_HEAD: u32 = u32::from_be_bytes(*b"\r\n\r\n");

impl Side {
    /// What the direction turned out to carry.
    #[inline(always)]
    pub const fn kind(&self) -> Kind {
        match self.kind {
            1 => Kind::Http,
            2 => Kind::Tls,
            3 => Kind::Http2,
            4 => Kind::Upgraded,
            5 => Kind::Foreign,
            _ => Kind::Unknown,
        }
    }

    /// How many heads were found in this direction.
    #[inline(always)]
    pub const fn heads(&self) -> u32 {
        self.heads
    }

    /// Whether nothing of this direction is wanted ever again.
    #[inline(always)]
    pub const fn is_done(&self, other: &Self) -> bool {
        let ours = self.kind <= Kind::Http as u8 && other.kind <= Kind::Http as u8;
        !ours && (self.flags & OPEN == 0 || distance(self.end, self.next) >= 0)
    }

    /// Whether data of this direction was ever looked at.
    #[inline(always)]
    pub const fn is_seen(&self) -> bool {
        self.flags & SEEN != 0
    }

    /// How many bytes were left out by rule, and how many were wanted and lost.
    #[inline(always)]
    pub const fn missing(&self) -> (u64, u64) {
        (self.skipped, self.lost)
    }

    /// Counts bytes that were wanted and could not be copied.
    #[inline(always)]
    pub const fn lose(&mut self, bytes: u32) {
        self.lost = self.lost.wrapping_add(bytes as u64);
    }

    /// Goes on at `expected` after a time in which nobody looked. What came meanwhile is left out by
    /// rule.
    #[inline(always)]
    pub const fn resume(&mut self, expected: u32) {
        if self.flags & SEEN == 0 {
            return;
        }
        let passed = distance(self.next, expected);
        if passed > 0 {
            self.skipped = self.skipped.wrapping_add(passed as u64);
            self.next = expected;
        }
        self.flags = SEEN | FOLLOW;
        self.known = 0;
    }

    /// Takes the first look at the direction. True when it was the first.
    #[inline(always)]
    pub(super) const fn see(&mut self, expected: u32) -> bool {
        let first = self.flags & SEEN == 0;
        if first {
            self.flags |= SEEN;
            self.next = expected;
        }
        first
    }

    /// The end of what was seen.
    #[inline(always)]
    pub const fn next(&self) -> u32 {
        self.next
    }

    #[inline(always)]
    pub(super) const fn is_silent(&self) -> bool {
        self.turns == 0
    }

    #[inline(always)]
    pub(super) const fn is_pending(&self) -> bool {
        self.flags & PENDING != 0
    }

    #[inline(always)]
    pub(super) const fn is_http(&self, other: &Self) -> bool {
        self.kind == Kind::Http as u8 || other.kind == Kind::Http as u8
    }

    /// Whether the next new byte may start a head.
    #[inline(always)]
    pub(super) const fn turned(&self, other: &Self, first: bool) -> bool {
        first || self.heard != other.turns || self.flags & FOLLOW != 0
    }

    /// Opens a window on a head whose start came by another way.
    #[inline(always)]
    pub(super) const fn go_on(&mut self, at: u32, knobs: &Knobs) {
        self.opened_by = 0;
        self.start = at;
        self.end = at.wrapping_add(knobs.request);
        self.flags |= OPEN;
    }

    /// Notes that new data came, up to `end`.
    #[inline(always)]
    pub(super) const fn advance(&mut self, end: u32, other: &Self) {
        self.heard = other.turns;
        self.turns = self.turns.wrapping_add(1);
        self.next = end;
    }

    /// Where the candidate starts.
    #[inline(always)]
    pub(super) const fn candidate(&self) -> u32 {
        self.candidate
    }

    /// Whether the last head was of a request to an issuer.
    #[inline(always)]
    pub(super) const fn is_of_issuer(&self) -> bool {
        self.flags & ISSUER != 0
    }

    /// The head that was just found, at `at`, is of a request to an issuer or of its answer: the window
    /// is this long, and the end of the head does not close it.
    #[inline(always)]
    pub(super) const fn stay_open(&mut self, at: u32, len: u32) {
        self.end = at.wrapping_add(len);
        self.flags = self.flags & !FOLLOW | ISSUER;
    }

    /// Opens the window that a mark deserves. A window that the mark lies in or that it follows
    /// without a gap is prolonged instead, for the sake of late segments.
    #[inline(always)]
    pub(super) const fn open(&mut self, mark: Mark, at: u32, knobs: &Knobs) {
        let (kind, len) = match mark {
            Mark::Request | Mark::Connect => (Kind::Http, knobs.request),
            Mark::Answer | Mark::Upgrade => (Kind::Http, knobs.answer),
            Mark::Refusal => (Kind::Http, knobs.refusal),
            Mark::ClientHello => (Kind::Tls, self.record_len(knobs.hello)),
            Mark::TlsRecord => (Kind::Tls, TASTE),
            Mark::Http2 => (Kind::Http2, TASTE),
            Mark::Undecided | Mark::Nothing => return,
        };
        if mark.is_head() {
            self.heads = self.heads.wrapping_add(1);
        }
        let inside = distance(self.start, at) >= 0 && distance(at, self.end) >= 0;
        if self.flags & OPEN == 0 || !inside {
            self.start = at;
        }
        self.end = at.wrapping_add(len);
        self.kind = kind as u8;
        self.opened_by = mark as u8;
        self.misses = 0;
        self.flags = self.flags & !(FOLLOW | ISSUER) | OPEN;
        if self.flags & ENDED != 0 {
            self.flags &= !ENDED;
            if distance(at, self.ending) > 0 {
                self.end_head(self.ending, knobs);
            }
        }
    }

    /// How long the TLS record of the candidate is, header and all, and at most `limit`.
    #[inline(always)]
    const fn record_len(&self, limit: u32) -> u32 {
        let len = ((self.low >> 24) as u8 as u32) << 8 | (self.low >> 32) as u8 as u32;
        if len + 5 < limit { len + 5 } else { limit }
    }

    /// Whether the window, if there is one, leaves something of the segment out.
    #[inline(always)]
    pub(super) const fn wants_less(&self, segment: &Segment, knobs: &Knobs) -> bool {
        let (from, to) = self.wanted(segment, knobs);
        to.wrapping_sub(from) < segment.len
    }

    /// The part of a segment that lies in the window or at a candidate, as offsets.
    #[inline(always)]
    pub(super) const fn wanted(&self, segment: &Segment, knobs: &Knobs) -> (u32, u32) {
        let open = self.flags & OPEN != 0;
        let (mut start, mut end) = (self.start, self.end);
        if self.flags & PENDING != 0 {
            let limit = self.candidate.wrapping_add(knobs.request);
            if !open || distance(self.candidate, start) > 0 {
                start = self.candidate;
            }
            if !open || distance(end, limit) > 0 {
                end = limit;
            }
        } else if !open {
            return (0, 0);
        }
        let from = distance(segment.seq, start);
        let to = distance(segment.seq, end);
        let from = if from < 0 { 0 } else { from as u32 };
        let to = if to < 0 {
            0
        } else if to as u32 > segment.len {
            segment.len
        } else {
            to as u32
        };
        if from < to { (from, to) } else { (0, 0) }
    }

    /// Ends the head if the segment ends in an empty line. `before` is where the direction's data
    /// ended before the segment.
    #[inline(always)]
    pub(super) fn close<P: Peek>(
        &mut self,
        segment: &Segment,
        before: u32,
        bytes: &P,
        knobs: &Knobs,
    ) {
        if self.flags & (OPEN | PENDING) == 0 {
            return;
        }
        let end = segment.seq.wrapping_add(segment.len);
        if end != self.next || before == end {
            return;
        }
        let last = bytes.last();
        self.tail = match segment.len {
            1..=3 if segment.seq == before => {
                let bits = 8 * segment.len;
                self.tail << bits | last & ((1 << bits) - 1)
            }
            _ => last,
        };
        if self.tail != END_OF_HEAD {
            return;
        }
        if self.flags & PENDING != 0 {
            self.ending = end;
            self.flags |= ENDED;
        }
        let inside = distance(self.start, end) > 0 && distance(end, self.end) >= 0;
        if self.flags & OPEN != 0 && inside {
            self.end_head(end, knobs);
        }
    }

    /// A head ends at `at`: what remains of its window is what a refusal's body deserves.
    #[inline(always)]
    const fn end_head(&mut self, at: u32, knobs: &Knobs) {
        if self.opened_by == Mark::Refusal as u8 {
            let end = at.wrapping_add(knobs.refusal_body);
            if distance(end, self.end) > 0 {
                self.end = end;
            }
        } else if self.flags & ISSUER == 0 && self.kind <= Kind::Http as u8 {
            self.end = at;
            self.flags |= FOLLOW;
        }
    }

    /// Counts what is left out, and says what to do.
    #[inline(always)]
    pub(super) const fn account(
        &mut self,
        segment: &Segment,
        from: u32,
        to: u32,
        mark: Option<Mark>,
    ) -> Decision {
        // What lies before `expected` was copied or counted when it first came.
        let old = distance(segment.seq, segment.expected);
        let old = if old > 0 { old as u32 } else { 0 };
        let from = if from > old { from } else { old };
        let (from, to) = if from < to { (from, to) } else { (old, old) };
        let skipped = self.skipped.wrapping_add(from.wrapping_sub(old) as u64);
        self.skipped = skipped.wrapping_add(segment.len.wrapping_sub(to) as u64);
        Decision {
            offset: from,
            len: to.wrapping_sub(from),
            skipped,
            lost: self.lost,
            mark,
        }
    }

    /// Forgets a window and a candidate that lie behind.
    #[inline(always)]
    pub(super) const fn expire(&mut self) {
        if self.flags & OPEN != 0 && distance(self.end, self.next) > STALE {
            self.flags &= !OPEN;
        }
        if self.flags & PENDING != 0 && distance(self.candidate, self.next) > STALE {
            self.flags &= !PENDING;
        }
    }
}
