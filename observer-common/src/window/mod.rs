//! What of a TCP connection is worth copying: heads, and the start of what a refusal says.
//!
//! The rule looks at one direction of one connection. It opens a window in sequence space where a
//! head starts, closes it where the head ends, and lets everything else pass with a count. Windows
//! are places in the stream, not moments in time, so reordering and retransmission do not confuse
//! them. It is one pure function, [`decide`]: the kernel programs run it on packets and
//! `observer replay --as-live` runs it on captures, so both see the same bytes.
//!
//! **Where a head may start** (a candidate): the first bytes of a direction that were ever seen, the
//! first after data flowed the other way, and the first after a segment that ended a head. Up to
//! [`PREFIX`] bytes decide; until they are known a candidate is copied, because heads come in
//! one-byte segments too. On a connection that is known to be HTTP, the start of any segment that
//! would not be copied anyway is looked at as well: that finds pipelined answers.
//!
//! **What is copied**: see [`Knobs`].
//!
//! **What is ours**: after [`Knobs::patience`] candidates without a head the connection is left
//! alone for good, as it is once TLS, the HTTP/2 preface or an upgrade is recognised.

mod mark;
mod side;
mod target;

pub use mark::{Mark, PREFIX, recognise};
pub use side::{Kind, Side};
pub use target::{LINE, LINE_WORDS, is_of_issuer, line_words};

/// How much is copied. All in bytes, except `patience`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Knobs {
    /// From the start of a request's head; closed early by a segment that ends in CRLFCRLF, unless it
    /// [`is_of_issuer`].
    pub request: u32,
    /// From the start of a 1xx, 2xx or 3xx answer; closed early likewise.
    pub answer: u32,
    /// From the start of a 1xx, 2xx or 3xx answer to a request that [`is_of_issuer`].
    pub issuer: u32,
    /// From the start of a 4xx or 5xx answer.
    pub refusal: u32,
    /// From the end of the head of a 4xx or 5xx answer, when a segment ends there.
    pub refusal_body: u32,
    /// From the start of a TLS ClientHello.
    pub hello: u32,
    /// After how many candidates without a head a connection is left alone.
    pub patience: u32,
}

impl Knobs {
    /// What is used unless the operator says otherwise.
    pub const DEFAULT: Self = Self {
        request: 16 * 1024,
        answer: 1024,
        issuer: 64 * 1024,
        refusal: 8 * 1024,
        refusal_body: 4 * 1024,
        hello: 2 * 1024,
        patience: 16,
    };
}

impl Default for Knobs {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What TCP says of a segment that carries data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// The sequence number of its first byte.
    pub seq: u32,
    /// How many bytes it carries.
    pub len: u32,
    /// The first sequence number of this direction that its receiver has not got (`rcv_nxt`) or that
    /// its sender has not sent (`snd_nxt`). What lies before is old, what lies [`FAR`] beyond is
    /// forged. A capture gives the end of what it has seen without a hole.
    pub expected: u32,
    /// The connection was opened under our eyes, and yet bytes of this direction came before this
    /// segment: they came in under the cookie of the listening socket, and a head may go on here.
    pub early: bool,
}

/// A segment that starts this far beyond what is expected is not of the connection. Larger than any
/// receive window that Linux gives by default (6 MiB).
pub const FAR: u32 = 16 * 1024 * 1024;

/// The bytes of a segment, read only when they decide.
pub trait Peek {
    /// Up to [`PREFIX`] bytes from `offset` on, as two little-endian words (the first byte is the
    /// lowest), zero where there is none, and how many there are. `offset` is inside the segment.
    fn at(&self, offset: u32) -> (u64, u64, u32);

    /// Says what starts with those bytes: [`recognise`]. The kernel programs call it as a function that
    /// the verifier looks at by itself, or the ways through it would multiply with those through the
    /// rule.
    #[inline(always)]
    fn recognise(&self, low: u64, high: u64, known: u32) -> Mark {
        recognise(low, high, known)
    }

    /// Whether the request line that starts at `offset` is [`is_of_issuer`], as far as it is in the
    /// segment. `offset` is inside the segment.
    fn is_of_issuer(&self, offset: u32) -> bool;

    /// The last four bytes, big-endian (the last byte is the lowest). Of a shorter segment: what it
    /// has, in the lowest places, zero above.
    fn last(&self) -> u32;
}

/// What to do with a segment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    /// Where the wanted bytes start in the segment.
    pub offset: u32,
    /// How many are wanted; 0: nothing.
    pub len: u32,
    /// Bytes of this direction left out by rule before `offset`, since it was first seen.
    pub skipped: u64,
    /// Bytes of this direction wanted and lost before this segment, since it was first seen.
    pub lost: u64,
    /// What was recognised with this segment.
    pub mark: Option<Mark>,
}

/// Decides what of a segment is copied, and brings `own`, the state of its direction, up to date.
/// `other` is the state of the other direction: only read, because another CPU may write it.
///
/// When what was wanted could not be copied, call [`Side::lose`].
#[inline(always)]
pub fn decide<P: Peek>(
    own: &mut Side,
    other: &Side,
    segment: &Segment,
    bytes: &P,
    knobs: &Knobs,
) -> Decision {
    if segment.len == 0 || own.is_done(other) {
        return Decision::default();
    }
    let ahead = distance(segment.expected, segment.seq);
    let end = segment.seq.wrapping_add(segment.len);
    if ahead > FAR as i32 || distance(segment.expected, end) <= 0 {
        return Decision::default();
    }

    let first = own.see(segment.expected);
    let before = own.next();
    let fresh = distance(before, end) > 0;
    let mut found = None;
    if fresh {
        if first && segment.early && other.is_silent() {
            own.go_on(before, knobs);
        } else if own.turned(other, first) {
            own.suspect(before, other, knobs);
        }
        own.advance(end, other);
    }
    let mut at = segment.seq;
    if own.is_pending() {
        at = own.candidate();
        found = own.examine(other, segment, bytes, knobs);
    } else if fresh && segment.seq == before && own.is_http(other) && own.wants_less(segment, knobs)
    {
        let (low, high, known) = bytes.at(0);
        let mark = bytes.recognise(low, high, known);
        if mark.is_head() {
            own.open(mark, segment.seq, knobs);
            found = Some(mark);
        }
    }
    match found {
        Some(Mark::Request) if is_of_issuer_at(at, segment, bytes) => {
            own.stay_open(at, knobs.request);
        }
        Some(Mark::Answer) if other.is_of_issuer() => own.stay_open(at, knobs.issuer),
        _ => {}
    }

    let (from, to) = own.wanted(segment, knobs);
    own.close(segment, before, bytes, knobs);
    let decision = own.account(segment, from, to, found);
    own.expire();
    decision
}

/// Whether a request that starts at `at` is of an issuer, as far as the segment shows it.
#[inline(always)]
fn is_of_issuer_at<P: Peek>(at: u32, segment: &Segment, bytes: &P) -> bool {
    distance(segment.seq, at) >= 0 && bytes.is_of_issuer(at.wrapping_sub(segment.seq))
}

/// From `a` forward to `b` in sequence space; negative when `b` lies before.
#[inline(always)]
const fn distance(a: u32, b: u32) -> i32 {
    b.wrapping_sub(a) as i32
}

#[cfg(test)]
mod tests;
