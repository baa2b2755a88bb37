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
    candidates: Vec<Cause>,
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
        let path = event.request.as_ref().map_or("", |request| &request.path);
        let same = self.rows.iter_mut().find(|row| {
            row.path == path
                && row.status == event.status()
                && row.cause == event.verdict.cause
                && row.certainty == event.verdict.certainty
        });
        match same {
            Some(row) => {
                if !row.services.contains(&event.service) {
                    row.services.push(event.service.clone());
                }
            }
            None => self.rows.push(Row {
                path: path.to_owned(),
                services: vec![event.service.clone()],
                status: event.status(),
                cause: event.verdict.cause,
                certainty: event.verdict.certainty,
                candidates: event.verdict.candidates.clone(),
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
        write!(
            f,
            "\n{} answers seen at the services, {} of them let in; {} seen at those who asked.",
            self.answered, self.accepted, self.asked
        )
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
        writeln!(f, "{INDENT}{}", self.sentence)?;
        if !self.candidates.is_empty() {
            let names: Vec<_> = self.candidates.iter().map(|cause| cause.id()).collect();
            writeln!(f, "{INDENT}Also possible: {}.", names.join(", "))?;
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    #[test]
    fn services_that_came_to_the_same_share_a_row() {
        let mut kept = Kept::default();
        let mut event = sample::event();
        kept.take(&Arc::new(event.clone()));
        event.service = "edge".to_owned();
        kept.take(&Arc::new(event.clone()));
        event.verdict.cause = Some(Cause::SignatureInvalid);
        event.verdict.candidates.clear();
        kept.take(&Arc::new(event.clone()));
        event.side = Side::Client;
        kept.take(&Arc::new(event));
        assert_eq!(
            kept.table().to_string(),
            "\
SERVICE            CAUSE                      CERTAINTY       WHAT WAS SENT
orders:8080, edge 401  token_expired              proven          /orders/{number}
                   The token had expired 312 s before.
                   Also possible: token_revoked.
edge          401  signature_invalid          proven          /orders/{number}
                   The token had expired 312 s before.

3 answers seen at the services, 0 of them let in; 1 seen at those who asked."
        );
    }
}
