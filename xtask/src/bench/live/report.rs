//! A table for each load, as docs/performance.md has it.

use super::super::spread::Spread;
use super::load::{Load, Run};
use super::mode::{Account, Mode};

/// The runs of each mode, in the order of [`Mode::ALL`]: those with the same place were neighbours.
pub(super) fn print(load: &Load, runs: &[Vec<(Run, Option<Account>)>], seconds: u32) {
    let rounds = runs.first().map_or(0, Vec::len);
    println!("\n### {}\n", load.name());
    println!("{rounds} alternations of {seconds} s; least / first quartile / median.\n");
    println!(
        "| | {} |",
        Mode::ALL.map(|mode| mode.name().to_owned()).join(" | ")
    );
    println!("|---|{}", "---|".repeat(Mode::ALL.len()));
    let table = Table { runs };
    table.measured("per second", Times, |run| Some(run.per_second));
    table.measured("p50 in µs", Times, |run| run.p50_us);
    table.measured("p99 in µs", Times, |run| run.p99_us);
    table.measured("CPU of the server per request in ns", Plus, |run| {
        run.server_ns
    });
    table.accounted("CPU of the agent per exchange and side in ns", |all| {
        let each = all
            .iter()
            .filter(|account| account.exchanges > 0.0)
            .map(|account| account.cpu_ns / account.exchanges)
            .collect::<Vec<_>>();
        (!each.is_empty()).then(|| three(Spread::of(each), 0))
    });
    table.accounted("records lost", |all| {
        let sum = |of: fn(&Account) -> f64| all.iter().map(of).sum::<f64>();
        let (lost, seen) = (sum(|account| account.lost), sum(|account| account.seen));
        Some(format!("{lost:.0} of {seen:.0}"))
    });
}

/// How a run is compared with its neighbour without observer.
#[derive(Clone, Copy)]
enum Compared {
    Times,
    Plus,
}
use Compared::{Plus, Times};

struct Table<'a> {
    runs: &'a [Vec<(Run, Option<Account>)>],
}

impl Table<'_> {
    /// A row of what was measured, and one of each run compared with its neighbour.
    fn measured(&self, name: &str, compared: Compared, of: fn(&Run) -> Option<f64>) {
        let values: Vec<Vec<f64>> = self
            .runs
            .iter()
            .map(|runs| runs.iter().filter_map(|(run, _)| of(run)).collect())
            .collect();
        let Some(alone) = values.first().filter(|values| !values.is_empty()) else {
            return;
        };
        let cells = values
            .iter()
            .map(|values| three(Spread::of(values.clone()), 0));
        row(name, cells.collect());
        let (name, digits) = match compared {
            Times => (format!("{name}, of its neighbour's"), 3),
            Plus => (format!("{name}, more than its neighbour"), 0),
        };
        let pairs = values.iter().enumerate().map(|(at, values)| {
            if at == 0 {
                return String::new();
            }
            let pairs = values
                .iter()
                .zip(alone)
                .map(|(value, alone)| match compared {
                    Times => value / alone,
                    Plus => value - alone,
                });
            three(Spread::of(pairs.collect()), digits)
        });
        row(&name, pairs.collect());
    }

    fn accounted(&self, name: &str, of: impl Fn(&[Account]) -> Option<String>) {
        let cells: Vec<_> = self
            .runs
            .iter()
            .map(|runs| {
                let all: Vec<_> = runs.iter().filter_map(|(_, account)| *account).collect();
                if all.is_empty() { None } else { of(&all) }
            })
            .collect();
        if cells.iter().any(Option::is_some) {
            row(
                name,
                cells.into_iter().map(Option::unwrap_or_default).collect(),
            );
        }
    }
}

fn row(name: &str, cells: Vec<String>) {
    println!("| {name} | {} |", cells.join(" | "));
}

fn three(spread: Spread, digits: usize) -> String {
    format!(
        "{:.digits$} / {:.digits$} / {:.digits$}",
        spread.least, spread.quartile, spread.middle
    )
}
