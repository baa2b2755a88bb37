//! What came of it: printed, and kept in docs/lab.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use observer::verdict::Cause;

use crate::catalogue::Algorithm;
use crate::judge::Standing;
use crate::requests::REQUESTS;
use crate::run::{Cell, Column, Sight};

/// Of the cells in which token or server give the cause away, so many must be right, in percent.
const RIGHT: usize = 99;

/// Prints all, and writes the page. Gives whether the targets were met.
///
/// # Errors
/// When the page cannot be written.
pub fn tell(columns: &[Column], sights: &[Sight], page: Option<&Path>) -> Result<bool, String> {
    let text = compose(columns, sights).map_err(|error| error.to_string())?;
    println!("{text}");
    if let Some(page) = page {
        let whole = format!("{HEAD}\n{text}");
        std::fs::write(page, whole).map_err(|error| format!("{}: {error}", page.display()))?;
    }
    Ok(sights.iter().all(|sight| Totals::of(sight).are_met()))
}

const HEAD: &str = include_str!("head.md");

/// How many cells stand how.
#[derive(Default)]
struct Totals {
    all: usize,
    accepted: usize,
    given_away: usize,
    right: usize,
    honest: usize,
    misled: usize,
    false_: usize,
    misstated: usize,
}

impl Totals {
    fn of(sight: &Sight) -> Self {
        let mut totals = Self::default();
        for cell in &sight.cells {
            totals.add(cell);
        }
        totals
    }

    fn add(&mut self, cell: &Cell) {
        self.all += 1;
        self.given_away += usize::from(cell.standing.was_given_away());
        self.misstated += usize::from(cell.misstatement.is_some());
        match &cell.standing {
            Standing::Accepted => self.accepted += 1,
            Standing::Right => self.right += 1,
            Standing::Honest => self.honest += 1,
            Standing::Missed(_) => {}
            Standing::Misled(_) => self.misled += 1,
            Standing::False(_) => self.false_ += 1,
        }
    }

    fn are_met(&self) -> bool {
        self.right * 100 >= self.given_away * RIGHT && self.misled == 0 && self.false_ == 0
    }
}

fn compose(columns: &[Column], sights: &[Sight]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let shown = sights.first();
    totals(&mut out, sights)?;
    validators(&mut out, columns, shown)?;
    if let Some(sight) = shown {
        causes(&mut out, sight)?;
        grid(&mut out, columns, sight)?;
        misstatements(&mut out, columns, sight)?;
    }
    faults(&mut out, columns, sights)?;
    Ok(out)
}

fn totals(out: &mut String, sights: &[Sight]) -> std::fmt::Result {
    writeln!(out, "## Totals\n")?;
    writeln!(
        out,
        "| What observer had | Exchanges | Let in | Given away | Named | Not given away | Named or honest | Certain of what is not so |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for sight in sights {
        let totals = Totals::of(sight);
        let rest = totals.honest + totals.misled;
        let share = match totals.given_away {
            0 => 100.0,
            all => 100.0 * totals.right as f64 / all as f64,
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} ({share:.1} %) | {rest} | {} | {} |",
            sight.name,
            totals.all,
            totals.accepted,
            totals.given_away,
            totals.right,
            totals.honest,
            totals.false_
        )?;
    }
    writeln!(out)
}

fn validators(out: &mut String, columns: &[Column], sight: Option<&Sight>) -> std::fmt::Result {
    writeln!(out, "## Validators\n")?;
    writeln!(
        out,
        "| # | Validator | Language | Versions | Signed with | Leeway | Let in | Refused | Misstated | Not right |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    for (at, column) in columns.iter().enumerate() {
        let mut totals = Totals::default();
        let cells = sight.map_or(&[][..], |sight| &sight.cells);
        for cell in cells.iter().filter(|cell| cell.column == at) {
            totals.add(cell);
        }
        let validator = column.validator;
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} s | {} | {} | {} | {} |",
            at + 1,
            column.name(),
            validator.language,
            column.versions,
            match validator.algorithm {
                Algorithm::Es256 => "ES256",
                Algorithm::Hs256 => "HS256",
                Algorithm::Rs256 => "RS256",
            },
            validator.leeway,
            totals.accepted,
            totals.all - totals.accepted,
            totals.misstated,
            totals.all - totals.accepted - totals.right - totals.honest
        )?;
    }
    writeln!(out)
}

/// The matrix: what was true, by what was given.
fn causes(out: &mut String, sight: &Sight) -> std::fmt::Result {
    writeln!(out, "## Cause given against cause true\n")?;
    let given = |cell: &Cell| match cell.given.cause.as_str() {
        "" => cell.given.outcome.clone(),
        cause => cause.to_owned(),
    };
    let order = |id: &String| {
        let place = Cause::ALL.iter().position(|cause| cause.id() == id);
        place.map_or(0, |place| place + 1)
    };
    let mut names: Vec<String> = sight.cells.iter().map(given).collect();
    names.sort_by_key(|id| (order(id), id.clone()));
    names.dedup();
    let heads: Vec<_> = names.iter().map(|name| name.replace('_', " ")).collect();
    writeln!(out, "| True | {} |", heads.join(" | "))?;
    writeln!(out, "|---|{}", "---|".repeat(names.len()))?;
    for request in REQUESTS {
        let mut counts = BTreeMap::<String, usize>::new();
        for cell in sight
            .cells
            .iter()
            .filter(|cell| cell.request.id == request.id)
        {
            *counts.entry(given(cell)).or_default() += 1;
        }
        if counts.is_empty() {
            continue;
        }
        let row: Vec<_> = names
            .iter()
            .map(|name| counts.get(name).map_or_else(String::new, usize::to_string))
            .collect();
        writeln!(out, "| {} | {} |", request.title, row.join(" | "))?;
    }
    writeln!(out)
}

/// Every cell as one character.
fn grid(out: &mut String, columns: &[Column], sight: &Sight) -> std::fmt::Result {
    writeln!(out, "## Every exchange\n")?;
    writeln!(
        out,
        "A column for each validator, by its number. `.` let in; otherwise how certain observer was of the cause: `p` proven, `s` stated, `t` token evidence, `c` candidates, `x` conflict, `u` unknown, `-` undetermined; `!` what it said was not right; a blank: it makes no sense there.\n"
    )?;
    writeln!(out, "```text")?;
    for digit in [10, 1] {
        let line: String = (1..=columns.len())
            .map(|number| match (digit, number / digit % 10) {
                (10, 0) => ' ',
                (_, digit) => char::from_digit(digit as u32, 10).unwrap_or('?'),
            })
            .collect();
        writeln!(out, "{:24}{line}", "")?;
    }
    for request in REQUESTS {
        let line: String = (0..columns.len())
            .map(|at| {
                let mut cells = sight.cells.iter();
                let cell = cells.find(|cell| cell.column == at && cell.request.id == request.id);
                cell.map_or(' ', sign)
            })
            .collect();
        writeln!(out, "{:24}{}", request.id, line.trim_end())?;
    }
    writeln!(out, "```\n")
}

fn sign(cell: &Cell) -> char {
    if cell.standing.fault().is_some() {
        return '!';
    }
    match cell.given.certainty.as_str() {
        "" if cell.given.outcome == "accepted" => '.',
        "" => '-',
        "conflict" => 'x',
        other => other.chars().next().unwrap_or('?'),
    }
}

fn misstatements(out: &mut String, columns: &[Column], sight: &Sight) -> std::fmt::Result {
    writeln!(out, "## Where the server says what is not so\n")?;
    let mut lines = Vec::<(String, String)>::new();
    for cell in &sight.cells {
        if let (Some(why), Some(column)) = (&cell.misstatement, columns.get(cell.column)) {
            let line = format!(
                "**{}**, {}: {why}",
                column.validator.name, cell.request.title
            );
            if !lines.iter().any(|(known, _)| *known == line) {
                lines.push((
                    line,
                    format!("observer: {} ({})", cell.given.cause, cell.given.certainty),
                ));
            }
        }
    }
    for (line, given) in lines {
        writeln!(out, "- {line} — {given}")?;
    }
    writeln!(out)
}

fn faults(out: &mut String, columns: &[Column], sights: &[Sight]) -> std::fmt::Result {
    writeln!(out, "## What was not right\n")?;
    let mut any = false;
    for sight in sights {
        for cell in &sight.cells {
            if let (Some(why), Some(column)) = (cell.standing.fault(), columns.get(cell.column)) {
                any = true;
                let kind = match cell.standing {
                    Standing::False(_) => "certain of what is not so",
                    Standing::Misled(_) => "led elsewhere",
                    _ => "not named",
                };
                writeln!(
                    out,
                    "- {}: **{}**, {}: {kind}: {why}",
                    sight.name,
                    column.name(),
                    cell.request.title
                )?;
            }
        }
    }
    if !any {
        writeln!(out, "Nothing.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::HEAD;
    use crate::catalogue::VALIDATORS;
    use crate::requests::REQUESTS;

    #[test]
    fn the_page_has_every_validator_and_every_request() {
        let page = include_str!("../../docs/lab.md");
        assert!(page.starts_with(HEAD), "run `cargo xtask lab`");
        for request in REQUESTS {
            assert!(page.contains(request.title), "{}", request.id);
        }
        for validator in VALIDATORS {
            assert!(
                page.contains(&format!("| {}", validator.name)),
                "{}",
                validator.name
            );
        }
    }
}
