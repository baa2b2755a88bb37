//! Events as lines of JSON, to a file or a pipe.

use std::sync::Arc;

use crate::event::{ConditionEvent, Event, Lines};
use crate::gap::Gap;
use crate::history::Change;
use crate::time::Timestamp;
use crate::totals::Totals;

use super::Sink;
use super::writer::{Losses, Writer};

/// Which events are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// Every exchange.
    All,
    /// Those that were rejected.
    Rejected,
}

/// Writes one JSON object a line.
pub struct Ndjson {
    writer: Writer,
    which: Which,
    lines: Lines,
}

impl Ndjson {
    /// Writes to `writer`.
    pub fn new(writer: Writer, which: Which) -> Self {
        Self {
            writer,
            which,
            lines: Lines::default(),
        }
    }

    /// What could not be written.
    pub fn losses(&self) -> Losses {
        self.writer.losses()
    }
}

/// Every field of an event is representable, and a vector takes all.
fn told(written: serde_json::Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "an event could not be written as JSON");
    }
}

impl Sink for Ndjson {
    fn wants(&self, refused: bool) -> bool {
        refused || self.which == Which::All
    }

    fn take(&mut self, event: &Arc<Event>) {
        if self.wants(event.is_rejection()) {
            let lines = &mut self.lines;
            self.writer.line(|line| told(lines.write(event, line)));
        }
    }

    fn condition(&mut self, change: &Change) {
        let event = ConditionEvent::from(change);
        self.writer
            .line(|line| told(serde_json::to_writer(line, &event)));
    }

    fn gap(&mut self, gap: &Gap) {
        self.writer
            .line(|line| told(serde_json::to_writer(line, gap)));
    }

    fn pass(&mut self, _: Timestamp, _: &Totals) {
        self.writer.flush();
    }

    fn finish(&mut self, _: &Totals) {
        self.writer.finish();
    }

    fn reader_gone(&self) -> bool {
        self.losses().reader_gone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::time::Duration;

    use super::*;
    use crate::event::sample;
    use crate::gap::After;
    use crate::sink::writer::{Output, WhenFull};
    use crate::stop::Stop;
    use crate::verdict::Outcome;

    fn writer(output: Output) -> Writer {
        Writer::start(output, WhenFull::WaitUnless(Stop::default())).unwrap()
    }

    fn written(which: Which) -> String {
        let mut file = tempfile::tempfile().unwrap();
        let output = Output::File(file.try_clone().unwrap());
        let mut sink = Ndjson::new(writer(output), which);
        let rejected = sample::event();
        let mut accepted = rejected.clone();
        Arc::make_mut(&mut accepted.verdict).outcome = Outcome::Accepted;
        sink.take(&Arc::new(accepted));
        sink.take(&Arc::new(rejected));
        sink.finish(&Totals::default());
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    fn outcomes(text: &str) -> Vec<String> {
        text.lines()
            .map(|line| {
                let event: serde_json::Value = serde_json::from_str(line).unwrap();
                event["verdict"]["outcome"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn every_event_is_a_line() {
        assert_eq!(outcomes(&written(Which::All)), ["accepted", "rejected"]);
    }

    #[test]
    fn a_gap_is_a_line_of_its_own_schema() {
        let mut file = tempfile::tempfile().unwrap();
        let output = Output::File(file.try_clone().unwrap());
        let mut sink = Ndjson::new(writer(output), Which::Rejected);
        let time = Timestamp::from_seconds(1);
        sink.gap(&Gap::new(time, Duration::from_secs(3), After::End));
        sink.finish(&Totals::default());
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert!(text.starts_with(r#"{"schema":"observer.gap/1","#), "{text}");
        assert!(text.contains(r#""seconds":3.0"#), "{text}");
    }

    #[test]
    fn only_the_rejected_are_written_when_asked() {
        assert_eq!(outcomes(&written(Which::Rejected)), ["rejected"]);
    }
}
