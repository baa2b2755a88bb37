//! Where packets come from: the kernel of this host, or capture files.

pub mod live;
pub mod pcap;

use crate::filter::KernelFilter;
use crate::packet::Batch;
use crate::totals::Totals;

/// Something that fills batches.
pub trait Source {
    /// Why it cannot.
    type Error: std::fmt::Display;

    /// Empties `batch` and fills it with what comes next. A live source waits at most 100 ms and
    /// moves the batch's clock also when there is nothing. `false` when there is no more.
    ///
    /// # Errors
    /// The source failed; what it read before is in the batch.
    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error>;

    /// Captures from now on what this lets through. Nothing is missed meanwhile. A source that cannot
    /// tell captures all, and the filter of the pipeline does the rest.
    ///
    /// # Errors
    /// The filter could not be put in place; the one before still is.
    fn set_filter(&mut self, _filter: &KernelFilter) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Adds what the source knows of itself: what it saw, lost, and could not read.
    fn count(&self, totals: &mut Totals);
}

impl Source for pcap::Captures {
    type Error = pcap::PcapError;

    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error> {
        Self::read(self, batch)
    }

    fn count(&self, totals: &mut Totals) {
        let report = self.report();
        totals.seen = report.segments;
        let skipped = report.skipped;
        totals.position = self.position();
        totals.read.extend([
            ("captures", report.captures),
            ("packets", report.packets),
            ("bytes", report.bytes),
            ("filtered_out", report.filtered),
            ("fragments_joined", report.joined),
            ("packets_without_time", report.untimed),
        ]);
        totals.unread.extend([
            ("link_type_packets", skipped.link_type),
            ("not_ip_packets", skipped.not_ip),
            ("not_tcp_packets", skipped.not_tcp),
            ("fragments", skipped.fragments),
            ("packets_with_cut_headers", skipped.headers_cut),
            ("malformed_packets", skipped.malformed),
            ("unreadable_packets", skipped.unreadable),
            ("packets_with_cut_data", report.cut),
        ]);
    }
}

impl Source for live::Live {
    type Error = live::LiveError;

    fn read(&mut self, batch: &mut Batch) -> Result<bool, Self::Error> {
        batch.clear();
        Self::read(self, batch, live::GLANCE)?;
        Ok(true)
    }

    fn set_filter(&mut self, filter: &KernelFilter) -> Result<(), Self::Error> {
        Self::set_filter(self, filter)
    }

    fn count(&self, totals: &mut Totals) {
        let counters = self.counters();
        totals.seen = counters.seen;
        totals.lost.extend(counters.lost);
        totals.unread.insert("malformed_packets", counters.unparsed);
        totals.bypassed_bytes = counters.bypass_bytes;
        totals.context_seen = counters.context_seen;
        totals.context_lost = counters.context_lost;
        totals.unix_unseen = self.unix_unseen();
        totals.host_clock = self.host_clock();
    }
}
