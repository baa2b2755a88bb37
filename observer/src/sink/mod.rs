//! Where events go.

pub mod ends;
pub mod ndjson;
pub mod progress;
pub mod prometheus;
pub mod report;
pub mod summary;
pub mod terminal;
pub mod writer;

use std::sync::Arc;

use crate::event::Event;
use crate::exchange::Side;
use crate::gap::Gap;
use crate::time::Timestamp;
use crate::totals::Totals;

/// Something that takes events. It never blocks the capture.
pub trait Sink: Send {
    /// Takes one event.
    fn take(&mut self, event: &Arc<Event>);

    /// Takes a TLS connection to a service, seen from a side, whose contents nobody here can read. The
    /// name that its client asked for is text from the wire.
    fn tls(&mut self, _service: &str, _side: Side, _server_name: Option<&str>) {}

    /// Takes for how long nobody watched before this run, once and before all else.
    fn gap(&mut self, _gap: &Gap) {}

    /// Says how far the clock of the data has come, and what the run knows of itself by now. Called
    /// at the end of every batch, also where there was no event.
    fn pass(&mut self, clock: Timestamp, totals: &Totals);

    /// Writes what is held back: there are no more events.
    fn finish(&mut self, totals: &Totals);

    /// Whether nobody is there any more to read what this writes.
    fn reader_gone(&self) -> bool {
        false
    }
}
