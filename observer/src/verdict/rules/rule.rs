//! One text that is known, as a line of a table has it.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

use super::super::Cause;
use super::super::validator::{self, Validator};

/// A text that is known.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::verdict) struct Rule {
    /// Who says it, as a label.
    pub(in crate::verdict) validator: Box<str>,
    /// The same where it is known how they check. `None`: of one of them it is not.
    pub(in crate::verdict) known: Option<Vec<&'static Validator>>,
    /// What it means. `None`: something that is no cause of ours.
    pub(in crate::verdict) cause: Option<Cause>,
    /// What else it may mean.
    pub(in crate::verdict) candidates: Vec<Cause>,
    /// It is on the wire by default. Else an application has to forward what its library says.
    pub(in crate::verdict) emitted: bool,
    pub(super) place: Place,
    pub(super) how: How,
    pub(super) text: Box<str>,
}

/// Where a text is said.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In a challenge.
    Challenge,
    /// In a body, or forwarded in the description of a challenge.
    Body,
    /// In a field of this name, in lower case.
    Field(Box<str>),
}

/// Where a text was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::verdict) enum At<'a> {
    /// In a challenge.
    Challenge,
    /// In a body.
    Body,
    /// In a field of this name, in lower case.
    Field(&'a str),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum How {
    /// It is in the text, as a word of its own.
    Has,
    /// The same, with its capitals.
    Cased,
    /// It is all of the text.
    Is,
    /// It is a regular expression.
    Regex,
}

/// What is wrong with a line, and what to write.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Fault(pub(super) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The shortest text, in bytes: a shorter one would be in half of all answers.
const MIN_TEXT: usize = 3;
/// The longest text.
const MAX_TEXT: usize = 512;
/// The longest name of a validator.
const MAX_NAME: usize = 256;
/// How large a compiled expression may be, in bytes.
const MAX_EXPRESSION: usize = 256 * 1024;

impl Rule {
    /// Every cause that fits, the first one first. Empty where none of ours does.
    pub(in crate::verdict) fn causes(&self) -> Vec<Cause> {
        let first = self.cause.into_iter();
        first.chain(self.candidates.iter().copied()).collect()
    }

    /// Where its text is said.
    #[cfg(test)]
    pub(super) fn at(&self) -> At<'_> {
        match &self.place {
            Place::Challenge => At::Challenge,
            Place::Body => At::Body,
            Place::Field(name) => At::Field(name),
        }
    }

    /// What is wrong with its text.
    #[cfg(test)]
    pub(super) fn check(&self) -> Result<(), Fault> {
        checked(&self.text, self.how)
    }

    /// Whether its text is a regular expression.
    #[cfg(test)]
    pub(super) fn is_expression(&self) -> bool {
        self.how == How::Regex
    }

    /// Whether it is about JSON and not about the words in it.
    pub(in crate::verdict) fn is_of_structure(&self) -> bool {
        self.text.contains("\":")
    }

    /// Whether it is the word of one alone.
    pub(in crate::verdict) fn is_of_one(&self) -> bool {
        !self.validator.contains(';')
    }

    pub(super) fn fits(&self, at: At<'_>) -> bool {
        match (&self.place, at) {
            (Place::Challenge, At::Challenge) | (Place::Body, At::Body | At::Challenge) => true,
            (Place::Field(own), At::Field(other)) => **own == *other,
            _ => false,
        }
    }

    /// Reads a line. `of_ours`: a cause that is no cause of ours stands for something else; in a table of
    /// users it is a mistake.
    pub(super) fn parse(line: &str, of_ours: bool) -> Result<Self, Fault> {
        let mut fields = line.split('\t').map(str::trim);
        // A text may begin or end with a blank.
        let text = line.split('\t').nth(3).unwrap_or_default();
        let mut next = |name: &str| {
            let field = fields.next().filter(|field| !field.is_empty());
            field.ok_or_else(|| {
                Fault(format!(
                    "{name} is missing: a line is validator, place, how, text and cause, separated by \
                     tabs, and then, if you like, kind, other causes and source"
                ))
            })
        };
        let validator = next("the validator")?;
        if validator.len() > MAX_NAME || validator.chars().any(char::is_control) {
            return Err(Fault(format!(
                "the name of the validator is longer than {MAX_NAME} bytes or has control characters: \
                 shorten it"
            )));
        }
        let place = place(next("the place")?)?;
        let how = match next("how the text is meant")? {
            "has" => How::Has,
            "cased" => How::Cased,
            "is" => How::Is,
            "regex" => How::Regex,
            other => {
                return Err(Fault(format!(
                    "{other:?} is no way to mean a text: write has (it is in the answer), cased (with its \
                     capitals), is (it is all of it) or regex"
                )));
            }
        };
        next("the text")?;
        // Of the table of this program a test does, once and for all: it takes as long as building it.
        if !of_ours {
            checked(text, how)?;
        }
        let cause = cause(next("the cause")?, of_ours)?;
        let emitted = match fields.next().unwrap_or_default() {
            "" | "server_emits" => true,
            "library_text" => false,
            other => {
                return Err(Fault(format!(
                    "{other:?} is no kind: write server_emits (it is on the wire by default), library_text \
                     (where an application forwards it), or nothing"
                )));
            }
        };
        let others = fields.next().unwrap_or_default().split(',').map(str::trim);
        let others = others.filter(|other| !other.is_empty());
        let candidates = others.map(|other| self::cause(other, of_ours));
        let candidates: Result<Vec<_>, _> = candidates.collect();
        Ok(Self {
            known: validator::named(validator),
            validator: validator.into(),
            cause,
            candidates: candidates?.into_iter().flatten().collect(),
            emitted,
            place,
            how,
            text: text.into(),
        })
    }
}

fn place(text: &str) -> Result<Place, Fault> {
    match text {
        "challenge" => Ok(Place::Challenge),
        "body" | "any" => Ok(Place::Body),
        other => {
            let name = other.strip_prefix("field:").ok_or_else(|| {
                Fault(format!(
                    "{other:?} is no place: write challenge, body, any, or field: and the name of a field"
                ))
            })?;
            let name = name.to_ascii_lowercase();
            if !crate::protocol::http1::keeps_field(&name) {
                return Err(Fault(format!(
                    "observer does not keep the field {name:?} of answers: see docs/configuration.md for \
                     those that it does"
                )));
            }
            Ok(Place::Field(name.into()))
        }
    }
}

fn cause(id: &str, of_ours: bool) -> Result<Option<Cause>, Fault> {
    let found = Cause::from_id(id);
    if found.is_some() || of_ours || id == "-" {
        return Ok(found);
    }
    let near = Cause::ALL.iter().map(|cause| cause.id());
    let near = near.max_by(|a, b| {
        let likeness = |one: &str| strsim::jaro(one, id);
        likeness(a).total_cmp(&likeness(b))
    });
    let near = near.map_or_else(String::new, |near| format!(", {near} perhaps"));
    Err(Fault(format!(
        "{id:?} is no cause: write one of docs/causes.md{near}; or - where the text is about something else"
    )))
}

fn checked(text: &str, how: How) -> Result<(), Fault> {
    if text.len() < MIN_TEXT || text.len() > MAX_TEXT {
        return Err(Fault(format!(
            "the text has {} bytes: write {MIN_TEXT} to {MAX_TEXT}",
            text.len()
        )));
    }
    if how != How::Regex {
        return Ok(());
    }
    let regex = compiled(text).map_err(|error| {
        // It spans lines, and says what is wrong in the last one.
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        let why = last.trim_start_matches("error: ");
        Fault(format!(
            "the text is no regular expression: {why}; put \\ before what is meant as it is, or write has \
             in place of regex"
        ))
    })?;
    if regex.is_match(b"") {
        return Err(Fault(
            "the regular expression fits every text: let it ask for something".to_owned(),
        ));
    }
    Ok(())
}

/// Compiles an expression of a table. The classes of Unicode would make it a hundred times larger.
pub(super) fn compiled(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(MAX_EXPRESSION)
        .build()
}
