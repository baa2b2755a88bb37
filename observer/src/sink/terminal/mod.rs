//! One readable line per rejection.
//!
//! A rejection that repeats is told once, then counted: "… 4,211 more like this". Many different
//! ones are told up to a rate, then counted too. All by the clock of the data, so that a replay says
//! what the live run said.

mod collapse;
mod line;
mod rate;

use std::fmt::Display;

use crate::event::Event;
use crate::history::Change;
use crate::time::Timestamp;

use super::writer::{Losses, Writer};

pub use line::{Style, grouped};

use collapse::{Collapse, More, Told};
use rate::Rate;

/// Tells rejections.
pub struct Terminal {
    writer: Writer,
    style: Style,
    collapse: Collapse,
    rate: Rate,
    unshown: u64,
    day: Option<String>,
}

impl Terminal {
    /// Tells through `writer`.
    pub fn new(writer: Writer, style: Style) -> Self {
        Self {
            writer,
            style,
            collapse: Collapse::default(),
            rate: Rate::default(),
            unshown: 0,
            day: None,
        }
    }

    /// Tells a rejection, or counts it with those like it.
    pub fn tell(&mut self, event: &Event) {
        let kind = collapse::Kind::from(event);
        match self.collapse.take(&kind, event) {
            Told::Again => return,
            Told::First(before) => {
                if let Some(more) = before {
                    self.more(&more);
                }
            }
        }
        if self.rate.allows(event.completed) {
            self.collapse.told(kind, event);
            self.day(event.time);
            let line = line::rejection(event, self.style);
            self.say(&line);
        } else {
            self.unshown += 1;
        }
    }

    /// Tells a condition that began or ended. There are few.
    pub fn condition(&mut self, change: &Change) {
        self.day(change.time);
        let line = line::condition(change, self.style);
        self.say(&line);
    }

    /// Says what has been counted for long enough.
    pub fn pass(&mut self, clock: Timestamp) {
        for more in self.collapse.pass(clock) {
            self.more(&more);
        }
        if self.unshown > 0 && self.rate.recovered(clock) {
            self.say_unshown();
        }
        self.writer.flush();
    }

    /// Says all that was counted, and then `last`.
    pub fn finish(&mut self, last: impl Display) {
        for more in self.collapse.finish() {
            self.more(&more);
        }
        if self.unshown > 0 {
            self.say_unshown();
        }
        self.say(&last);
        self.writer.finish();
    }

    /// What could not be written.
    pub fn losses(&self) -> Losses {
        self.writer.losses()
    }

    /// Whether nobody reads any more.
    pub fn reader_gone(&self) -> bool {
        self.losses().reader_gone()
    }

    fn more(&mut self, more: &More) {
        let line = line::more(more, self.style);
        self.say(&line);
    }

    fn say_unshown(&mut self) {
        let line = line::unshown(std::mem::take(&mut self.unshown), self.style);
        self.say(&line);
    }

    fn day(&mut self, time: Timestamp) {
        let text = time.to_string();
        let day = text.split('T').next().unwrap_or_default();
        if self.day.as_deref() != Some(day) {
            let line = line::day(day, self.style);
            self.day = Some(day.to_owned());
            self.say(&line);
        }
    }

    fn say(&mut self, line: &impl Display) {
        use std::io::Write;
        self.writer.line(|out| {
            // A vector takes all.
            let _ = write!(out, "{line}");
        });
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek};
    use std::time::Duration;

    use super::*;
    use crate::event::sample;
    use crate::sink::writer::{Output, WhenFull};
    use crate::stop::Stop;

    fn terminal() -> (Terminal, File) {
        let file = tempfile::tempfile().unwrap();
        let output = Output::File(file.try_clone().unwrap());
        let writer = Writer::start(output, WhenFull::WaitUnless(Stop::default())).unwrap();
        (Terminal::new(writer, Style::Plain), file)
    }

    fn later(event: &mut Event, by: Duration) {
        event.time = event.time.plus(by);
        event.completed = event.completed.plus(by);
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nothing() {
        let (mut terminal, file) = terminal();
        let mut event = sample::event();
        event.service = "before".into();
        terminal.tell(&event);
        event.time = Timestamp::from_nanos(event.time.nanos() - 3_600_000_000_000);
        for number in 0..300 {
            event.completed = event.completed.plus(Duration::from_secs(1));
            event.service = format!("after-{number}").into();
            terminal.tell(&event);
            terminal.pass(event.completed);
        }
        let said = said(terminal, file);
        let told = said.iter().filter(|line| line.contains("  after-"));
        assert_eq!(told.count(), 300);
    }

    fn said(mut terminal: Terminal, mut file: File) -> Vec<String> {
        terminal.finish("the end");
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_rejection_is_a_line_and_more_like_it_a_number() {
        let (mut terminal, file) = terminal();
        let mut event = sample::event();
        for _ in 0..4212 {
            terminal.tell(&event);
            later(&mut event, Duration::from_micros(10));
        }
        let said = said(terminal, file);
        assert_eq!(
            said,
            [
                "2023-11-14 (UTC)",
                "22:13:20.000  orders:8080  GET /orders/{number}  401  token_expired (proven)  \
                 The token had expired 312 s before.",
                "              … 4,211 more like this, the last at 22:13:20.042: \
                 orders:8080 GET /orders/{number} 401 token_expired",
                "the end",
            ]
        );
    }

    #[test]
    fn one_that_stays_is_told_ever_more_rarely() {
        let (mut terminal, file) = terminal();
        let mut event = sample::event();
        for _ in 0..3600 {
            terminal.tell(&event);
            later(&mut event, Duration::from_secs(1));
            terminal.pass(event.completed);
        }
        let lines = said(terminal, file).len();
        assert!((10..40).contains(&lines), "{lines} lines in an hour");
    }

    #[test]
    fn many_kinds_do_not_flood() {
        let (mut terminal, file) = terminal();
        let mut event = sample::event();
        for number in 0..10_000 {
            event.service = format!("service-{number}").into();
            terminal.tell(&event);
        }
        let said = said(terminal, file);
        assert!(said.len() < 300, "{} lines", said.len());
        let told = said.iter().filter(|line| line.contains("GET")).count();
        let unshown = grouped(10_000 - told as u64);
        assert!(
            said.iter().any(|line| line.contains(&unshown)),
            "{unshown} is not in the last lines"
        );
    }
}
