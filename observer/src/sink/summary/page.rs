//! The summary as a person reads it.

use std::fmt::{self, Display};

use crate::exchange::Side;
use crate::time::Timestamp;
use crate::totals::{Counts, Totals};

use super::super::terminal::grouped;
use super::{Encrypted, Summary, Unwritten, unseen};

/// What [`Summary::with`] gives.
pub(super) struct Page<'a> {
    pub(super) summary: &'a Summary,
    pub(super) totals: &'a Totals,
    pub(super) unwritten: Option<Unwritten>,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(f)?;
        self.exchanges(f)?;
        self.rejections(f)?;
        self.conditions(f)?;
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

    fn conditions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions = &self.summary.conditions;
        if conditions.is_empty() {
            return Ok(());
        }
        let count = conditions.len() as u64 + self.summary.conditions_beyond;
        writeln!(
            f,
            "{} (inferred)",
            counted(count, "condition", "conditions")
        )?;
        let columns = ["SERVICE", "CONDITION", "COUNT", "TOKENS", "SINCE", "ENDED"];
        let mut table = vec![columns.map(str::to_owned)];
        table.extend(conditions.iter().map(|change| {
            let ended = match &change.ended {
                None => "-".to_owned(),
                Some((how, _)) => format!("{} {how}", moment(change.time)),
            };
            [
                change.concern.service.to_string(),
                change.condition.to_string(),
                grouped(change.weight.exchanges),
                grouped(change.weight.tokens.into()),
                moment(change.since),
                ended,
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

pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
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
