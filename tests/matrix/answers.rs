//! What the answers of the validators say, as a person read them: tests/lab/answers.tsv, and where they
//! say what is not so: tests/lab/misstatements.tsv. Never observer's own reading.

use std::fs;
use std::path::Path;

use observer::verdict::Cause;

use crate::send::Answer;

/// What an answer says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum States {
    /// These causes, by their ids.
    Causes(Vec<String>),
    /// That the request is refused, and not why.
    Refusal,
    /// Nothing that a credential could be the matter of.
    Elsewhere,
}

/// All readings.
pub struct Readings {
    rows: Vec<Row>,
    misstatements: Vec<Misstatement>,
}

/// An answer that says what is not so, and why it does.
pub struct Misstatement {
    column: String,
    request: String,
    /// Why it says so.
    pub why: String,
}

struct Row {
    validators: Vec<String>,
    status: u16,
    words: Words,
    states: States,
}

/// A part of the words of an answer, or all of them.
enum Words {
    Has(String),
    Are(String),
}

impl Readings {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(root: &Path) -> Result<Self, String> {
        let folder = root.join("tests/lab");
        Ok(Self {
            rows: lines(&folder.join("answers.tsv"), 4, row)?,
            misstatements: lines(&folder.join("misstatements.tsv"), 3, |fields| {
                let [column, request, why] = fields else {
                    return None;
                };
                Some(Misstatement {
                    column: column.clone(),
                    request: request.clone(),
                    why: why.clone(),
                })
            })?,
        })
    }

    /// What an answer says. `None`: nobody has read it yet.
    pub fn of(&self, validator: &str, answer: &Answer) -> Option<&States> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| {
            row.status == answer.status
                && row.validators.iter().any(|one| one == validator)
                && match &row.words {
                    Words::Has(text) => answer.words.contains(text),
                    Words::Are(text) => answer.words == *text,
                }
        })?;
        Some(&row.states)
    }

    /// Why the validator of a column says what is not so, where it does.
    pub fn misstatement(&self, column: &str, request: &str) -> Option<&Misstatement> {
        let mut all = self.misstatements.iter();
        all.find(|one| one.column == column && one.request == request)
    }
}

fn row(fields: &[String]) -> Option<Row> {
    let [validators, status, words, states] = fields else {
        return None;
    };
    let words = match words.strip_prefix('=') {
        Some(all) => Words::Are(all.to_owned()),
        None if words.is_empty() => return None,
        None => Words::Has(words.clone()),
    };
    let states = match states.as_str() {
        "-" => States::Refusal,
        "?" => States::Elsewhere,
        causes => {
            let causes: Vec<_> = causes.split(',').map(str::to_owned).collect();
            let known = causes.iter().all(|cause| Cause::from_id(cause).is_some());
            States::Causes(known.then_some(causes)?)
        }
    };
    Some(Row {
        validators: validators.split(',').map(str::to_owned).collect(),
        status: status.parse().ok()?,
        words,
        states,
    })
}

/// The lines of a file with so many fields. `\n` stands for the end of a line.
fn lines<T>(
    file: &Path,
    count: usize,
    read: impl Fn(&[String]) -> Option<T>,
) -> Result<Vec<T>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let fields: Vec<_> = line
            .split('\t')
            .map(|field| field.replace("\\n", "\n"))
            .collect();
        let one = Some(fields)
            .filter(|fields| fields.len() == count)
            .and_then(|fields| read(&fields));
        all.push(one.ok_or_else(|| format!("{}:{}: {line:?}", file.display(), number + 1))?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_can_be_read() {
        let readings = crate::root().and_then(|root| Readings::read(&root));
        assert!(readings.is_ok(), "{:?}", readings.err());
    }

    #[test]
    fn an_answer_is_read_by_the_first_row_that_fits() {
        let row =
            |words: &str, states: &str| row(&["b,a", "401", words, states].map(str::to_owned));
        let rows = [
            row("expired", "token_expired"),
            row("=", "-"),
            row("x", "no cause"),
        ];
        let readings = Readings {
            rows: rows.into_iter().flatten().collect(),
            misstatements: Vec::new(),
        };
        let of = |words: &str| {
            let words = words.to_owned();
            readings.of("a", &Answer { status: 401, words }).cloned()
        };
        let expired = States::Causes(vec!["token_expired".to_owned()]);
        assert_eq!(of("it has expired"), Some(expired));
        assert_eq!(of(""), Some(States::Refusal));
        assert_eq!(of("x"), None);
    }
}
