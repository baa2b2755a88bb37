//! The names of the counts, as metrics and reports give them.

use super::Counter;

/// The counts of the packet plane that say what was lost: with [`Counter::SegmentsSubmitted`] they
/// add up to [`Counter::SegmentsWanted`].
pub const LOST: [Counter; 3] = [
    Counter::LostRingFull,
    Counter::LostUnreadable,
    Counter::LostNoState,
];

/// A count's name. For a loss, its reason.
pub const fn name(counter: Counter) -> &'static str {
    match counter {
        Counter::SegmentsWanted => "segments_wanted",
        Counter::SegmentsSubmitted => "segments_submitted",
        Counter::LostRingFull => "ring_full",
        Counter::LostUnreadable => "unreadable",
        Counter::LostNoState => "no_state",
        Counter::BytesCut => "bytes_cut",
        Counter::Unparsed => "unparsed",
        Counter::ContextWanted => "context_wanted",
        Counter::ContextSubmitted => "context_submitted",
        Counter::ContextLost => "context_ring_full",
        Counter::BypassBytes => "bypass_bytes",
        Counter::BypassCalls => "bypass_calls",
        Counter::Tls => "tls",
        Counter::Http2 => "http2",
        Counter::Upgraded => "upgraded",
        Counter::Foreign => "foreign",
        Counter::UnixUnseenBytes => "unix_unseen_bytes",
        Counter::UnixUnseenCalls => "unix_unseen_calls",
    }
}
