//! General wording: `phrasings.tsv` is how servers of no table may put it.

use super::super::wording::{self, Wording};
use super::super::{Cause, Certainty, Words, judge};
use super::{answer, exchange};
use crate::verdict::rules::At;

/// One row.
struct Phrase {
    want: Want,
    held: bool,
    text: &'static str,
}

enum Want {
    /// This cause.
    One(Cause),
    /// Open, this one among others.
    Open(Cause),
    /// It is not about the token of the request.
    Nothing,
}

fn phrases() -> Vec<Phrase> {
    let rows = include_str!("phrasings.tsv").lines();
    let rows = rows.filter(|row| !row.starts_with('#'));
    let phrases = rows.map(|row| {
        let [want, half, text] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let cause = |id: &str| Cause::from_id(id).unwrap_or_else(|| panic!("{row}"));
        let want = match want.strip_prefix('?') {
            Some(id) => Want::Open(cause(id)),
            None if want == "-" => Want::Nothing,
            None => Want::One(cause(want)),
        };
        let held = match half {
            "held" => true,
            "tune" => false,
            _ => panic!("{row}"),
        };
        Phrase { want, held, text }
    });
    phrases.collect()
}

impl Phrase {
    fn is_right(&self, read: Option<&Wording>) -> bool {
        match (&self.want, read) {
            (Want::One(cause), Some(read)) => read.causes == [*cause],
            (Want::Open(cause), Some(read)) => read.causes.len() > 1 && read.causes.contains(cause),
            (Want::Nothing, read) => read.is_none_or(|read| !read.of_token),
            (_, None) => false,
        }
    }
}

/// How many of a hundred are right in either half, and what is wrong in the one to tune by. What is wrong in
/// the other is not told, or somebody would tune by it.
fn understood() -> ([usize; 2], Vec<String>) {
    let mut wrong = Vec::new();
    let phrases = phrases();
    let right = [false, true].map(|held| {
        let half: Vec<_> = phrases
            .iter()
            .filter(|phrase| phrase.held == held)
            .collect();
        assert!(half.len() >= 100);
        let of_half = half.iter().filter(|phrase| {
            let read = wording::read(phrase.text);
            let is_right = phrase.is_right(read.as_ref());
            if !is_right && !held {
                wrong.push(format!("{}: {read:?}", phrase.text));
            }
            is_right
        });
        of_half.count() * 100 / half.len()
    });
    (right, wrong)
}

#[test]
fn most_of_what_nobody_listed_is_understood() {
    let (right, wrong) = understood();
    println!("{right:?} of 100 are right");
    let is_enough = right.iter().all(|right| *right >= FLOOR);
    assert!(
        is_enough,
        "to tune by, held out: {right:?} of 100\n{}",
        wrong.join("\n")
    );
}

/// How many of a hundred must be right in either half.
const FLOOR: usize = 95;

#[test]
fn nothing_is_stated_that_was_not_said() {
    let mut wrong = Vec::new();
    for phrase in phrases() {
        let body = serde_json::json!({"error": phrase.text}).to_string();
        let mut exchange = exchange(None, false, answer(401, &[], &body));
        exchange.request = None;
        let verdict = judge(&exchange, None);
        let is_certain = matches!(
            verdict.certainty,
            Some(Certainty::Stated | Certainty::Proven | Certainty::Conflict)
        );
        let is_due = match phrase.want {
            Want::One(cause) => verdict.cause == Some(cause),
            Want::Open(_) | Want::Nothing => false,
        };
        if is_certain && !is_due {
            wrong.push(format!("{}: {verdict:?}", phrase.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn none_of_them_is_in_the_table() {
    for phrase in phrases() {
        let is_known = Words::default()
            .find(phrase.text, At::Body)
            .iter()
            .any(|rule| rule.is_of_one() && rule.emitted);
        assert!(!is_known, "{}", phrase.text);
    }
}
