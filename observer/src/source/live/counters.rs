//! What the kernel programs and the reader counted.

use aya::maps::{MapData, PerCpuArray};
use observer_common::counter::{COUNTERS, Counter, LOST, name};

use crate::totals::{Counts, Said};

/// What was counted since the programs were attached. `seen` is what was submitted plus all of
/// `lost`; what was submitted and not yet delivered waits in the ring.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Segments of which the window rule wanted something.
    pub seen: u64,
    /// Segments that the kernel handed over.
    pub submitted: u64,
    /// Segments that were put into batches.
    pub delivered: u64,
    /// Segments that were wanted and lost, by reason.
    pub lost: Counts,
    /// Wanted bytes that did not fit into the record of their segment.
    pub bytes_cut: u64,
    /// TCP segments whose headers could not be taken apart.
    pub unparsed: u64,
    /// Records of the context plane that were due.
    pub context_seen: u64,
    /// Records of the context plane that the ring had no room for.
    pub context_lost: u64,
    /// Bytes read from and written to TCP sockets of which no packet was seen.
    pub bypass_bytes: u64,
    /// Calls that moved those bytes.
    pub bypass_calls: u64,
    /// Directions of connections that were left alone, by what they carry: `tls`, `http2`,
    /// `upgraded`, `foreign`.
    pub left_alone: Counts,
}

/// What the reader counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reader {
    /// Segments put into batches.
    pub(super) delivered: u64,
    /// Records that could not be taken apart.
    pub(super) undecodable: u64,
    /// Segments under a listening socket's cookie whose connection never showed.
    pub(super) unclaimed: u64,
}

/// Adds the counts of all CPUs, and the reader's own. Without the map the kernel's counts are 0.
pub(super) fn read(map: &PerCpuArray<MapData, [u64; COUNTERS]>, reader: &Reader) -> Counters {
    let sums = sums(map);
    let of = |counter: Counter| sums.get(counter as usize).copied().unwrap_or(0);
    let mut lost: Counts = LOST
        .iter()
        .map(|reason| (name(*reason), of(*reason)))
        .collect();
    lost.insert("undecodable", reader.undecodable);
    lost.insert("unclaimed", reader.unclaimed);
    let left_alone = [
        Counter::Tls,
        Counter::Http2,
        Counter::Upgraded,
        Counter::Foreign,
    ];
    Counters {
        seen: of(Counter::SegmentsWanted),
        submitted: of(Counter::SegmentsSubmitted),
        delivered: reader.delivered,
        lost,
        bytes_cut: of(Counter::BytesCut),
        unparsed: of(Counter::Unparsed),
        context_seen: of(Counter::ContextWanted),
        context_lost: of(Counter::ContextLost),
        bypass_bytes: of(Counter::BypassBytes),
        bypass_calls: of(Counter::BypassCalls),
        left_alone: left_alone
            .iter()
            .map(|kind| (name(*kind), of(*kind)))
            .collect(),
    }
}

/// How much was written to unix sockets that are not seen.
pub(super) fn unix_unseen(map: &PerCpuArray<MapData, [u64; COUNTERS]>) -> Said {
    let sums = sums(map);
    let of = |counter: Counter| sums.get(counter as usize).copied().unwrap_or(0);
    Said {
        bytes: of(Counter::UnixUnseenBytes),
        calls: of(Counter::UnixUnseenCalls),
    }
}

fn sums(map: &PerCpuArray<MapData, [u64; COUNTERS]>) -> [u64; COUNTERS] {
    let mut sums = [0u64; COUNTERS];
    if let Ok(cpus) = map.get(&0, 0) {
        for cpu in cpus.iter() {
            for (sum, count) in sums.iter_mut().zip(cpu) {
                *sum = sum.saturating_add(*count);
            }
        }
    }
    sums
}
