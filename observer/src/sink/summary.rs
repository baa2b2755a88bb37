//! What a run saw, in one screen.

mod unseen;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{self, Display};
use std::sync::Arc;

use lru::DefaultHasher;

use crate::event::Event;
use crate::exchange::Side;
use crate::redact;
use crate::time::Timestamp;
use crate::totals::{Counts, Totals};
use crate::verdict::Cause;

use super::terminal::grouped;
use super::writer::Losses;

/// Counts for the end.
#[derive(Default)]
pub struct Summary {
    sides: BTreeMap<Side, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    rejections: HashMap<(Arc<str>, Option<Cause>), Rejections, DefaultHasher>,
    tokens: usize,
    tls: BTreeMap<String, Encrypted>,
}

impl Summary {
    /// Counts an exchange, from whatever side.
    pub fn exchange(&mut self, side: Side, time: Timestamp) {
        *self.sides.entry(side).or_default() += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    /// Counts a rejection: once, whatever the number of its sides.
    pub fn rejection(&mut self, event: &Event) {
        let mut key = (Arc::clone(&event.service), event.verdict.cause);
        if self.rejections.len() >= ROWS && !self.rejections.contains_key(&key) {
            key = (OTHER.into(), None);
        }
        let row = self
            .rejections
            .entry(key)
            .or_insert_with(|| Rejections::new(event.time));
        row.count += 1;
        row.first = row.first.min(event.time);
        row.last = row.last.max(event.time);
        let Some(fingerprint) = event.fingerprint() else {
            return;
        };
        if self.tokens < TOKENS {
            self.tokens += usize::from(row.tokens.insert(fingerprint.0));
        } else if !row.tokens.contains(&fingerprint.0) {
            row.tokens_beyond = true;
        }
    }

    /// Counts a TLS connection to a service, from whatever side. `server_name` is text from the wire.
    pub fn tls(&mut self, service: &str, side: Side, server_name: Option<&str>) {
        let known = self.tls.len() < ROWS || self.tls.contains_key(service);
        let service = if known { service } else { OTHER };
        let row = self.tls.entry(service.to_owned()).or_default();
        *row.sides.entry(side).or_default() += 1;
        let Some(name) = server_name.map(|name| redact::label(name, MAX_SERVER_NAME)) else {
            return;
        };
        if row.names.len() < NAMES {
            row.names.insert(name);
        } else if !row.names.contains(&name) {
            row.names_beyond = true;
        }
    }

    /// The summary, with what the run knows of itself.
    pub fn with<'a>(
        &'a self,
        totals: &'a Totals,
        unwritten: Option<Unwritten>,
    ) -> impl Display + 'a {
        Page {
            summary: self,
            totals,
            unwritten,
        }
    }
}

/// Lines of events that could not be written.
pub struct Unwritten {
    lines: u64,
    why: String,
}

impl Unwritten {
    /// What a writer lost. `None`: nothing, or its reader left, and wants no more.
    pub fn of(losses: &Losses) -> Option<Self> {
        let lines = losses.write_failed() + losses.queue_full();
        (lines > 0 && !losses.reader_gone()).then(|| Self {
            lines,
            why: losses
                .last_error()
                .unwrap_or_else(|| "the reader was too slow".to_owned()),
        })
    }
}

/// TLS connections to a service.
#[derive(Default)]
struct Encrypted {
    sides: BTreeMap<Side, u64>,
    /// Which servers were asked for.
    names: BTreeSet<String>,
    names_beyond: bool,
}

impl Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both ends of a connection on this host are one connection.
        let count = self.sides.values().copied().max().unwrap_or(0);
        f.write_str(&counted(count, "TLS connection", "TLS connections"))?;
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        match (names.as_slice(), self.names_beyond) {
            ([], _) => Ok(()),
            (names, false) => write!(f, " for {}", names.join(", ")),
            (names, true) => write!(f, " for {} and others", names.join(", ")),
        }
    }
}

struct Rejections {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    tokens: HashSet<u64, DefaultHasher>,
    tokens_beyond: bool,
}

impl Rejections {
    fn new(time: Timestamp) -> Self {
        Self {
            count: 0,
            first: time,
            last: time,
            tokens: HashSet::default(),
            tokens_beyond: false,
        }
    }
}

/// So many pairs of service and cause, and services with TLS, are told apart: about 200 bytes each.
const ROWS: usize = 1000;
/// So many pairs of row and fingerprint are told apart: about 20 bytes each.
const TOKENS: usize = 100_000;
/// So many names that servers were asked for by are shown of each service.
const NAMES: usize = 3;
/// The longest of them, in bytes.
const MAX_SERVER_NAME: usize = 64;
/// Stands for what is beyond.
const OTHER: &str = "other";

struct Page<'a> {
    summary: &'a Summary,
    totals: &'a Totals,
    unwritten: Option<Unwritten>,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(f)?;
        self.exchanges(f)?;
        self.rejections(f)?;
        self.connections(f)?;
        if let Some(unseen) = &self.totals.unix_unseen {
            unseen::write(f, unseen)?;
        }
        self.missing(f)
    }
}

impl Page<'_> {
    fn read(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\n")?;
        let shown = list(&self.totals.read);
        if shown.is_empty() {
            return Ok(());
        }
        writeln!(f, "read: {shown}")
    }

    fn exchanges(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides = &self.summary.sides;
        let count = sides.values().sum();
        f.write_str(&counted(count, "exchange", "exchanges"))?;
        if count > 0 {
            let sides: Vec<_> = sides
                .iter()
                .map(|(side, count)| format!("{} {}", grouped(*count), place(*side)))
                .collect();
            write!(f, " ({})", sides.join(", "))?;
        }
        if let (Some(first), Some(last)) = (self.summary.first, self.summary.last) {
            write!(f, ", from {} to {}", moment(first), moment(last))?;
        }
        f.write_str("\n")
    }

    fn rejections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.summary.rejections.iter().collect();
        if rows.is_empty() {
            return f.write_str("no rejections\n");
        }
        rows.sort_by(|(a_key, a), (b_key, b)| b.count.cmp(&a.count).then(a_key.cmp(b_key)));
        let total = rows.iter().map(|(_, row)| row.count).sum();
        writeln!(f, "{}", counted(total, "rejection", "rejections"))?;
        let mut table =
            vec![["SERVICE", "CAUSE", "COUNT", "TOKENS", "FIRST", "LAST"].map(str::to_owned)];
        table.extend(rows.into_iter().map(|((service, cause), row)| {
            let more = if row.tokens_beyond { "+" } else { "" };
            [
                service.to_string(),
                cause.map_or_else(|| "-".to_owned(), |cause| cause.to_string()),
                grouped(row.count),
                format!("{}{more}", grouped(row.tokens.len() as u64)),
                moment(row.first),
                moment(row.last),
            ]
        }));
        write_table(f, &table)
    }

    fn connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.totals.connections.is_empty() {
            let ends = [Side::Client, Side::Server]
                .iter()
                .any(|side| self.summary.sides.contains_key(side));
            let each = if ends { ", each end for itself" } else { "" };
            writeln!(f, "connections{each}: {}", list(&self.totals.connections))?;
        }
        for (service, encrypted) in &self.summary.tls {
            writeln!(f, "  {service}: {encrypted}, contents not readable yet")?;
        }
        Ok(())
    }

    fn missing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = self.totals;
        if let Some(Unwritten { lines, why }) = &self.unwritten {
            let lines = counted(*lines, "line", "lines");
            writeln!(f, "{lines} of events were not written: {why}")?;
        } else if totals.is_whole() {
            return f.write_str("nothing was lost\n");
        }
        for (what, counts) in [
            ("lost", &totals.lost),
            ("left out", &totals.unread),
            ("given up", &totals.given_up),
        ] {
            let shown = list(counts);
            if !shown.is_empty() {
                writeln!(f, "{what}: {shown}")?;
            }
        }
        if totals.bypassed_bytes > 0 {
            let bytes = counted(totals.bypassed_bytes, "byte", "bytes");
            writeln!(f, "went past the packet probes: {bytes}")?;
        }
        if totals.context_lost > 0 {
            let exchanges = counted(totals.context_lost, "record", "records");
            writeln!(f, "lost of who handled what: {exchanges}")?;
        }
        Ok(())
    }
}

/// A time to the millisecond.
fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..23)
        .map_or_else(|| text.clone(), |short| format!("{short}Z"))
}

fn place(side: Side) -> &'static str {
    match side {
        Side::Client => "at clients",
        Side::Server => "at servers",
        Side::Wire => "on the wire",
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// What is not zero, largest first.
fn list(counts: &Counts) -> String {
    let mut counts: Vec<_> = counts.iter().filter(|(_, count)| **count > 0).collect();
    counts.sort_by(|(_, a), (_, b)| b.cmp(a));
    let shown: Vec<_> = counts
        .into_iter()
        .map(|(name, count)| format!("{} {}", grouped(*count), name.replace('_', " ")))
        .collect();
    shown.join(", ")
}

/// Columns as wide as their widest cell, numbers to the right.
fn write_table<const N: usize>(f: &mut fmt::Formatter<'_>, table: &[[String; N]]) -> fmt::Result {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for row in table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let number =
                cell.starts_with(|first: char| first.is_ascii_digit()) && !cell.contains('T');
            line += &if number {
                format!("  {cell:>width$}")
            } else {
                format!("  {cell:<width$}")
            };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Fingerprint;
    use crate::event::sample;

    #[test]
    fn a_summary_reads_at_once() {
        let mut summary = Summary::default();
        let mut event = sample::event();
        for number in 0..1200 {
            Arc::make_mut(event.credential.as_mut().unwrap()).fingerprint =
                Some(Fingerprint(number % 3));
            summary.exchange(event.side, event.time);
            summary.rejection(&event);
        }
        Arc::make_mut(&mut event.verdict).cause = Some(Cause::KeyNotFound);
        summary.exchange(event.side, event.time);
        summary.rejection(&event);
        for _ in 0..812 {
            summary.tls("nginx:443", Side::Server, Some("api.example"));
            summary.tls("nginx:443", Side::Client, Some("api.example"));
        }
        let totals = Totals {
            connections: Counts::from([("http1", 3), ("tls", 812)]),
            lost: Counts::from([("ring_full", 7)]),
            ..Totals::default()
        };
        let page = summary.with(&totals, None).to_string();
        assert_eq!(
            page,
            "
1,201 exchanges (1,201 at servers), from 2023-11-14T22:13:20.000Z to 2023-11-14T22:13:20.000Z
1,201 rejections
  SERVICE      CAUSE          COUNT  TOKENS  FIRST                     LAST
  orders:8080  token_expired  1,200       3  2023-11-14T22:13:20.000Z  2023-11-14T22:13:20.000Z
  orders:8080  key_not_found      1       1  2023-11-14T22:13:20.000Z  2023-11-14T22:13:20.000Z
connections, each end for itself: 812 tls, 3 http1
  nginx:443: 812 TLS connections for api.example, contents not readable yet
lost: 7 ring full
"
        );
    }

    #[test]
    fn nothing_is_said_plainly() {
        let page = Summary::default()
            .with(&Totals::default(), None)
            .to_string();
        assert_eq!(page, "\n0 exchanges\nno rejections\nnothing was lost\n");
        let unwritten = Unwritten {
            lines: 1234,
            why: "No space left on device".to_owned(),
        };
        let page = Summary::default()
            .with(&Totals::default(), Some(unwritten))
            .to_string();
        assert_eq!(
            page,
            "\n0 exchanges\nno rejections\n\
             1,234 lines of events were not written: No space left on device\n"
        );
    }

    #[test]
    fn rows_and_tokens_are_bounded() {
        let mut summary = Summary::default();
        let mut event = sample::event();
        for number in 0..2 * TOKENS as u64 {
            event.service = format!("service-{}", number % (2 * ROWS as u64)).into();
            Arc::make_mut(event.credential.as_mut().unwrap()).fingerprint =
                Some(Fingerprint(number));
            summary.rejection(&event);
        }
        assert_eq!(summary.rejections.len(), ROWS + 1);
        assert_eq!(summary.tokens, TOKENS);
        let held: usize = summary
            .rejections
            .values()
            .map(|row| row.tokens.len())
            .sum();
        assert_eq!(held, TOKENS);
    }
}
