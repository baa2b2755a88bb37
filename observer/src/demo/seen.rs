//! What observer saw of the demo, as a table. The column of what was sent is the demo's own word, put
//! beside what was concluded without it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Event;
use crate::exchange::Side;
use crate::sink::Sink;
use crate::time::Timestamp;
use crate::totals::Totals;
use crate::verdict::{Cause, Certainty, Outcome};

use super::story;

/// A sink that keeps what it takes. Clones share it.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Arc<Event>>>>);

impl Kept {
    /// What there is so far, as a table.
    pub fn table(&self) -> Table {
        let mut events = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        events.sort_by_key(|event| event.time);
        Table::of(&events)
    }

    /// Whether the last request of the story is there, as seen from both ends.
    pub fn has_the_end(&self) -> bool {
        let last = story::STORY.last().map(|step| step.path);
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        [Side::Client, Side::Server].iter().all(|side| {
            events.iter().any(|event| {
                event.side == *side
                    && event.request.as_ref().map(|request| request.path.as_str()) == last
            })
        })
    }
}

impl Sink for Kept {
    fn take(&mut self, event: &Arc<Event>) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() < MOST {
            events.push(Arc::clone(event));
        }
    }

    fn pass(&mut self, _: Timestamp, _: &Totals) {}

    fn finish(&mut self, _: &Totals) {}
}

/// More than the story has, by far: for those who go on after it.
const MOST: usize = 4096;

/// Refused requests, one row for all services that came to the same.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    /// Exchanges seen where they were answered, and those among them that were let in.
    answered: usize,
    accepted: usize,
    /// Exchanges seen where they were asked.
    asked: usize,
}

#[derive(Debug)]
struct Row {
    path: String,
    services: Vec<String>,
    status: Option<u16>,
    cause: Option<Cause>,
    certainty: Option<Certainty>,
    sentence: String,
}

impl Table {
    fn of(events: &[Arc<Event>]) -> Self {
        let mut table = Self::default();
        for event in events {
            if event.side == Side::Client {
                table.asked += 1;
                continue;
            }
            table.answered += 1;
            if event.verdict.outcome == Outcome::Accepted {
                table.accepted += 1;
            } else {
                table.add(event);
            }
        }
        table
    }

    fn add(&mut self, event: &Event) {
        let path = event
            .request
            .as_ref()
            .map_or("", |request| request.path.as_str());
        let same = self.rows.iter_mut().find(|row| {
            row.path == path
                && row.status == event.status()
                && row.cause == event.verdict.cause
                && row.certainty == event.verdict.certainty
        });
        match same {
            Some(row) => {
                if !row.services.iter().any(|known| **known == *event.service) {
                    row.services.push(event.service.to_string());
                }
            }
            None => self.rows.push(Row {
                path: path.to_owned(),
                services: vec![event.service.to_string()],
                status: event.status(),
                cause: event.verdict.cause,
                certainty: event.verdict.certainty,
                sentence: event.verdict.explanation.clone(),
            }),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "SERVICE", "", "CAUSE", "CERTAINTY", "WHAT WAS SENT")?;
        for row in &self.rows {
            row.fmt(f)?;
        }
        let Self {
            answered,
            accepted,
            asked,
            ..
        } = self;
        write!(
            f,
            "\n{answered} answers seen, {accepted} of them let a token in"
        )?;
        match asked {
            0 => f.write_str("."),
            _ => write!(f, "; {asked} seen from the other end too."),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        line(
            f,
            &self.services.join(", "),
            &status,
            self.cause.map_or("-", Cause::id),
            self.certainty.map_or("-", Certainty::id),
            story::sent(&self.path).unwrap_or(&self.path),
        )?;
        let mut width = 0;
        for word in self.sentence.split_whitespace() {
            if width == 0 || width + 1 + word.len() > WIDTH {
                let end = if width == 0 { "" } else { "\n" };
                write!(f, "{end}{INDENT}{word}")?;
                width = INDENT.len() + word.len();
            } else {
                write!(f, " {word}")?;
                width += 1 + word.len();
            }
        }
        writeln!(f)
    }
}

fn line(
    f: &mut fmt::Formatter<'_>,
    service: &str,
    status: &str,
    cause: &str,
    certainty: &str,
    sent: &str,
) -> fmt::Result {
    writeln!(
        f,
        "{service:<13} {status:<3}  {cause:<26} {certainty:<15} {sent}"
    )
}

/// As wide as the first two columns.
const INDENT: &str = "                   ";
/// Lines of text are broken here.
const WIDTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    #[test]
    fn services_that_came_to_the_same_share_a_row() {
        let mut kept = Kept::default();
        let mut event = sample::event();
        kept.take(&Arc::new(event.clone()));
        event.service = "edge".into();
        kept.take(&Arc::new(event.clone()));
        Arc::make_mut(&mut event.verdict).cause = Some(Cause::SignatureInvalid);
        Arc::make_mut(&mut event.verdict).explanation = "word ".repeat(20);
        kept.take(&Arc::new(event.clone()));
        event.side = Side::Client;
        kept.take(&Arc::new(event));
        assert_eq!(
            kept.table().to_string(),
            "\
SERVICE            CAUSE                      CERTAINTY       WHAT WAS SENT
orders:8080, edge 401  token_expired              proven          /orders/{number}
                   The token had expired 312 s before.
edge          401  signature_invalid          proven          /orders/{number}
                   word word word word word word word word word word word word word word word word
                   word word word word

3 answers seen, 0 of them let a token in; 1 seen from the other end too."
        );
    }
}
