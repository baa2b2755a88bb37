//! How a line reads.

use std::fmt::{self, Display};
use std::io::IsTerminal;

use crate::event::Event;
use crate::history::{Change, Ending};
use crate::time::Timestamp;

use super::collapse::More;

/// Whether lines are coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Style {
    /// With ANSI colours.
    Coloured,
    /// As they are.
    Plain,
}

impl Style {
    /// Coloured on a terminal, unless `NO_COLOR` is set (no-color.org) or the terminal is dumb.
    pub fn of(stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        if stream.is_terminal() && set("NO_COLOR").is_none() && !dumb {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    fn paint<T: Display>(self, code: &'static str, text: T) -> Painted<T> {
        Painted {
            code: (self == Self::Coloured).then_some(code),
            text,
        }
    }
}

/// A number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The line of a rejection.
pub(super) fn rejection(event: &Event, style: Style) -> String {
    let request = event.request.as_ref();
    let verdict = &event.verdict;
    let mut line = format!(
        "{}  {}  ",
        style.paint(DIM, clock(event.time)),
        style.paint(BOLD, &event.service)
    );
    match request {
        Some(request) => line += &format!("{} {}  ", request.method, request.path),
        None => line += "(request not seen)  ",
    }
    match event.status() {
        Some(status) => line += &format!("{}  ", style.paint(RED, status)),
        None => line += "(no answer)  ",
    }
    if let Some(cause) = verdict.cause {
        line += &style.paint(RED, cause).to_string();
        if let Some(certainty) = verdict.certainty {
            line += &format!(" ({certainty})");
        }
        line += "  ";
    }
    line + &verdict.explanation
}

/// The line that stands for the repetitions of a rejection.
pub(super) fn more(more: &More, style: Style) -> String {
    let text = format!(
        "{INDENT}… {} more like this, the last at {}: {}",
        grouped(more.count),
        clock(more.last),
        more.kind
    );
    style.paint(DIM, text).to_string()
}

/// The lines of a condition that began or ended.
pub(super) fn condition(change: &Change, style: Style) -> String {
    let mark = match change.ended {
        None => style.paint(RED, "begun"),
        Some((Ending::Healed, _)) => style.paint(GREEN, "ended"),
        Some(_) => style.paint(DIM, "ended"),
    };
    let concern = &change.concern;
    let mut line = format!(
        "{}  {}  condition {mark}: {}  {}",
        style.paint(DIM, clock(change.time)),
        style.paint(BOLD, &concern.service),
        change.condition,
        change.explanation()
    );
    if let Some(issuer) = &concern.issuer {
        line += &format!("; issuer {issuer}");
    }
    if let Some(kid) = &concern.kid {
        line += &format!(", key {kid}");
    }
    line += &format!("; {} since {}", change.weight, clock(change.since));
    if change.ended.is_none() {
        let more = change.evidence.iter().map(String::as_str);
        let refuted = format!("refuted if {}", change.condition.refuted_by());
        for more in more.chain([refuted.as_str()]) {
            line += "\n";
            line += &style.paint(DIM, format_args!("{INDENT}{more}")).to_string();
        }
    }
    line
}

/// The line that stands for rejections that came too fast to be told.
pub(super) fn unshown(count: u64, style: Style) -> String {
    let text = format!(
        "{INDENT}… {} more rejections of other kinds came too fast to be shown; the summary and \
         the events have them",
        grouped(count)
    );
    style.paint(DIM, text).to_string()
}

/// The line before the first rejection of a day.
pub(super) fn day(day: &str, style: Style) -> String {
    style.paint(DIM, format_args!("{day} (UTC)")).to_string()
}

const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
/// As wide as a time and what follows it.
const INDENT: &str = "              ";

/// The time of day with milliseconds.
fn clock(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('T')
        .and_then(|(_, clock)| clock.get(..12))
        .unwrap_or(&text)
        .to_owned()
}

struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn colour_is_only_colour() {
        let event = sample::event();
        let coloured = rejection(&event, Style::Coloured);
        assert!(coloured.contains("\x1b[31m401\x1b[0m"));
        let mut plain = coloured;
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, rejection(&event, Style::Plain));
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let mut event = sample::event();
        event.request = None;
        event.response = None;
        let line = rejection(&event, Style::Plain);
        assert!(line.contains("(request not seen)  (no answer)"), "{line}");
    }
}
