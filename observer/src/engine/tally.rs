//! What the engine counts.

use std::ops::AddAssign;

use crate::protocol::Protocol;

/// What the engine has counted since it began. Independent of the number of threads.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Connections in which a head of HTTP/1 was read.
    pub http1: u64,
    /// Connections that began with the preface of HTTP/2 in clear text.
    pub http2: u64,
    /// Connections in which TLS was recognised.
    pub tls: u64,
    /// Connections that began with something else.
    pub other: u64,
    /// Exchanges given out, whole or in part.
    pub exchanges: u64,
    /// Exchanges without an answer.
    pub unanswered: u64,
    /// Exchanges without a request.
    pub unasked: u64,
    /// Heads of which a part is missing.
    pub heads_cut: u64,
    /// What stood where a head must and was none.
    pub heads_bad: u64,
    /// How often the place in a stream was lost, so that heads after it had to be sought.
    pub places_lost: u64,
    /// Holes that nobody declared and that were given up.
    pub holes_given_up: u64,
    /// Those that were given up because too much was held behind them.
    pub holes_forced: u64,
    /// Bytes that were wanted and did not come.
    pub bytes_missing: u64,
    /// Connections evicted because there were too many.
    pub evicted_for_number: u64,
    /// Connections evicted because too many bytes were held.
    pub evicted_for_memory: u64,
    /// Connections that are known now.
    pub connections: u64,
    /// Bytes that are held now.
    pub held: u64,
}

impl Tally {
    /// Connections by protocol, by a stable name.
    pub fn protocols(&self) -> [(&'static str, u64); 4] {
        [
            ("http/1.1", self.http1),
            ("http/2", self.http2),
            ("tls", self.tls),
            ("other", self.other),
        ]
    }

    /// What was given up, by a stable name of the reason.
    pub fn given_up(&self) -> [(&'static str, u64); 5] {
        [
            ("evicted_for_memory", self.evicted_for_memory),
            ("evicted_for_number", self.evicted_for_number),
            ("head_bad", self.heads_bad),
            ("head_cut", self.heads_cut),
            ("stream_hole", self.holes_given_up),
        ]
    }

    pub(super) fn count(&mut self, protocol: Protocol) {
        match protocol {
            Protocol::Undecided => {}
            Protocol::Http1 => self.http1 += 1,
            Protocol::Http2 => self.http2 += 1,
            Protocol::Tls => self.tls += 1,
            Protocol::Other => self.other += 1,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self {
            http1,
            http2,
            tls,
            other: unreadable,
            exchanges,
            unanswered,
            unasked,
            heads_cut,
            heads_bad,
            places_lost,
            holes_given_up,
            holes_forced,
            bytes_missing,
            evicted_for_number,
            evicted_for_memory,
            connections,
            held,
        } = other;
        self.http1 += http1;
        self.http2 += http2;
        self.tls += tls;
        self.other += unreadable;
        self.exchanges += exchanges;
        self.unanswered += unanswered;
        self.unasked += unasked;
        self.heads_cut += heads_cut;
        self.heads_bad += heads_bad;
        self.places_lost += places_lost;
        self.holes_given_up += holes_given_up;
        self.holes_forced += holes_forced;
        self.bytes_missing += bytes_missing;
        self.evicted_for_number += evicted_for_number;
        self.evicted_for_memory += evicted_for_memory;
        self.connections += connections;
        self.held += held;
    }
}
