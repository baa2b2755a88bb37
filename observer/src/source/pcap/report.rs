//! What was read of the captures, and what was not.

use std::collections::BTreeMap;

use super::error::Ending;
use super::link::LinkType;
use crate::time::Timestamp;

/// Counts of everything that was in the captures: nothing is left out silently.
///
/// `packets == segments + acknowledgements + unwanted + filtered + joined + skipped.total()`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many captures were opened.
    pub captures: u64,
    /// Packets read.
    pub packets: u64,
    /// Captured bytes of these packets.
    pub bytes: u64,
    /// TCP segments that were handed on: with data, or with SYN, FIN or RST.
    pub segments: u64,
    /// TCP segments without data and without a flag that matters.
    pub acknowledgements: u64,
    /// Segments that the kernel programs would not have shipped: see [`super::Captures::as_live`].
    pub unwanted: u64,
    /// TCP segments that a filter did not let through: see [`super::Captures::only`].
    pub filtered: u64,
    /// Fragments that were put together with others. The last one of each packet is not among them: it
    /// stands for the packet.
    pub joined: u64,
    /// Segments, of those handed on, whose data was cut by the snap length or the end of the file.
    pub cut: u64,
    /// Packets that say no time of their own (simple packets of pcapng): the time of the packet before
    /// was taken.
    pub untimed: u64,
    /// Packets that were left out.
    pub skipped: Skipped,
    /// Packets of pcapng interfaces whose link type is not read, by link type.
    pub unread_links: BTreeMap<LinkType, u64>,
    /// Captures that ended before their end, in the order in which that was found.
    pub endings: Vec<Ending>,
    /// The time of the earliest packet.
    pub first: Option<Timestamp>,
    /// The time of the latest packet.
    pub last: Option<Timestamp>,
}

/// Packets that were left out, by reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Skipped {
    /// Of an interface whose link type is not read.
    pub link_type: u64,
    /// Not IP: ARP, LLDP, encrypted Wi-Fi, ...
    pub not_ip: u64,
    /// IP, but not TCP.
    pub not_tcp: u64,
    /// Fragments of IP packets that were not put together: some of their packet are missing, or contradict
    /// each other, or were there already.
    pub fragments: u64,
    /// Cut before the end of the TCP header: the snap length is too small to see anything.
    pub headers_cut: u64,
    /// Headers that contradict themselves.
    pub malformed: u64,
    /// Larger than any packet can be, or in a pcapng section of a version that is not known.
    pub unreadable: u64,
}

impl Skipped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.link_type
            + self.not_ip
            + self.not_tcp
            + self.fragments
            + self.headers_cut
            + self.malformed
            + self.unreadable
    }
}
