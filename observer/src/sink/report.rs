//! What a person reads: a line per rejection as it comes, and a summary at the end.

use std::sync::Arc;

use crate::event::Event;
use crate::exchange::Side;
use crate::history::Change;
use crate::time::Timestamp;
use crate::totals::Totals;

use super::ends::OnePerExchange;
use super::summary::{Summary, Unwritten};
use super::terminal::Terminal;
use super::writer::Losses;
use super::{Glance, Sink};

/// Tells each rejection once, from the side that knows most.
pub struct Report {
    ends: OnePerExchange,
    lines: Lines,
    summary: Summary,
    terminal: Terminal,
    events: Option<Losses>,
}

/// Whether rejections are told as they come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lines {
    /// A line each, and the summary.
    Told,
    /// The summary alone.
    Silent,
}

impl Report {
    /// Reports on `terminal`.
    pub fn new(terminal: Terminal, lines: Lines) -> Self {
        Self {
            ends: OnePerExchange::default(),
            lines,
            summary: Summary::default(),
            terminal,
            events: None,
        }
    }

    /// Says at the end how much of the events could not be written. Their sink must come before.
    pub fn telling(mut self, events: Option<Losses>) -> Self {
        self.events = events;
        self
    }

    /// What could not be written.
    pub fn losses(&self) -> Losses {
        self.terminal.losses()
    }
}

impl Sink for Report {
    fn wants(&self, refused: bool) -> bool {
        refused
    }

    fn glance(&mut self, glance: &Glance<'_>) {
        self.summary.exchange(glance.side, glance.time);
        self.ends.glance(glance);
    }

    fn take(&mut self, event: &Arc<Event>) {
        self.summary.exchange(event.side, event.time);
        let Self {
            ends,
            lines,
            summary,
            terminal,
            ..
        } = self;
        ends.take(event, &mut |event| tell(*lines, summary, terminal, event));
    }

    fn tls(&mut self, service: &str, side: Side, server_name: Option<&str>) {
        self.summary.tls(service, side, server_name);
    }

    fn condition(&mut self, change: &Change) {
        self.summary.condition(change);
        if self.lines == Lines::Told {
            self.terminal.condition(change);
        }
    }

    fn pass(&mut self, clock: Timestamp, _: &Totals) {
        let Self {
            ends,
            lines,
            summary,
            terminal,
            ..
        } = self;
        ends.pass(clock, &mut |event| tell(*lines, summary, terminal, event));
        terminal.pass(clock);
    }

    fn finish(&mut self, totals: &Totals) {
        let Self {
            ends,
            lines,
            summary,
            terminal,
            events,
        } = self;
        ends.finish(&mut |event| tell(*lines, summary, terminal, event));
        let unwritten = events.as_ref().and_then(Unwritten::of);
        terminal.finish(summary.with(totals, unwritten));
    }

    fn reader_gone(&self) -> bool {
        self.terminal.reader_gone()
    }
}

fn tell(lines: Lines, summary: &mut Summary, terminal: &mut Terminal, event: &Event) {
    summary.rejection(event);
    if lines == Lines::Told {
        terminal.tell(event);
    }
}
