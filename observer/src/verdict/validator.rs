//! Who it was that checked the token, as far as an answer gives it away, and what follows from that: by how
//! much it lets times pass, what it had checked before, and which status it gives for what.
//!
//! A validator is recognised by its words, by fields of the answer, by its challenge or by its page of
//! errors. Only what nobody else says makes it certain; what libraries say does not, because anybody may
//! write the same.

mod sign;
mod table;

use std::fmt;
use std::sync::Arc;

use super::Cause;
use super::challenge::Challenge;
use super::rules::Rule;
use crate::exchange::{Field, Response};
use crate::redact;

pub(super) use sign::{Sign, of_fields, of_page};
pub(super) use table::named;

/// How a validator checks, by default.
pub(super) struct Validator {
    /// Its name in events.
    pub(super) name: &'static str,
    /// How `rules.tsv` names it: the start of the name there.
    said_as: &'static [&'static str],
    /// What it says by itself is said by nobody else.
    tells: bool,
    /// By how much it lets times pass.
    pub(super) leeway: Option<Leeway>,
    /// What it checks first, what then, and so on. What it checks together is together. Empty: not known.
    order: &'static [&'static [Cause]],
    /// The causes for which it gives a status that is not 401: all of them where a status is here.
    statuses: &'static [(u16, &'static [Cause])],
    /// Where this was read.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever reads the table, and for a test")
    )]
    source: &'static str,
}

/// By how many seconds a validator lets a time pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Leeway {
    /// `exp`.
    pub(super) expires: u16,
    /// `nbf`.
    pub(super) not_before: u16,
    /// `iat`.
    pub(super) issued: u16,
}

/// A validator that was recognised.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recognised {
    /// What it is called: text of this program or of a user's table of words.
    pub name: String,
    /// By what.
    pub by: RecognisedBy,
    /// Nobody else answers so.
    pub certain: bool,
}

/// By what a validator was recognised.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecognisedBy {
    /// Its challenge.
    Challenge,
    /// A field of the answer.
    Field,
    /// Its page of errors.
    Page,
    /// Its words.
    Words,
}

impl RecognisedBy {
    /// The stable text of events.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Field => "field",
            Self::Page => "page",
            Self::Words => "words",
        }
    }
}

impl fmt::Display for RecognisedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What is known of who checked.
#[derive(Default)]
pub(super) struct Checker {
    /// For the event.
    pub(super) recognised: Option<Recognised>,
    /// How it checks. Several where several say the same.
    known: Vec<&'static Validator>,
}

impl Checker {
    /// Of what an answer says. `field` is what its fields give away, `page` what its body does.
    pub(super) fn of(
        speakers: &[Arc<Rule>],
        challenges: &[Challenge],
        field: Option<&'static Sign>,
        page: Option<&'static Sign>,
    ) -> Self {
        let challenge = sign::of_challenges(challenges, field);
        let signs = [
            (challenge, RecognisedBy::Challenge),
            (field, RecognisedBy::Field),
            (page, RecognisedBy::Page),
        ];
        let of_sign = |certain: bool| {
            let mut signs = signs.iter();
            let found = signs.find(|(sign, _)| sign.is_some_and(|sign| sign.certain == certain))?;
            Some(Self::of_sign(found.0?, found.1))
        };
        let own = speakers.iter().find(|rule| tells(rule));
        own.map(|rule| Self::of_words(rule))
            .or_else(|| of_sign(true))
            .or_else(|| {
                let emitted = speakers.iter().find(|rule| rule.emitted);
                emitted
                    .or(speakers.first())
                    .map(|rule| Self::of_words(rule))
            })
            .or_else(|| of_sign(false))
            .unwrap_or_default()
    }

    fn of_words(rule: &Rule) -> Self {
        let name = match rule.known.as_deref() {
            Some([one]) => one.name.to_owned(),
            _ => redact::label(&rule.validator, MAX_NAME),
        };
        Self {
            recognised: rule.is_of_one().then(|| Recognised {
                name,
                by: RecognisedBy::Words,
                certain: tells(rule),
            }),
            known: rule.known.clone().unwrap_or_default(),
        }
    }

    fn of_sign(sign: &'static Sign, by: RecognisedBy) -> Self {
        let validator = table::called(sign.name);
        Self {
            recognised: Some(Recognised {
                name: sign.name.to_owned(),
                by,
                certain: sign.certain,
            }),
            known: validator.into_iter().collect(),
        }
    }

    /// Whether it is certain who it was.
    fn is_certain(&self) -> bool {
        self.recognised
            .as_ref()
            .is_some_and(|recognised| recognised.certain)
    }

    /// The one that it was for certain, where it is known how that checks.
    fn certain(&self) -> Option<&'static Validator> {
        match self.known.as_slice() {
            [one] if self.is_certain() => Some(one),
            _ => None,
        }
    }

    /// What it is called, where it is known how it checks.
    pub(super) fn name(&self) -> Option<&'static str> {
        match self.known.as_slice() {
            [one] => Some(one.name),
            _ => None,
        }
    }

    /// By how much times pass, where it is certain who it was.
    pub(super) fn leeway(&self) -> Option<Leeway> {
        self.certain()?.leeway
    }

    /// Whether all who say these words check one before the other.
    pub(super) fn checks_before(&self, earlier: Cause, later: Cause) -> bool {
        !self.known.is_empty()
            && self.known.iter().all(|validator| {
                let earlier = validator.place(earlier);
                earlier.is_some() && earlier < validator.place(later)
            })
    }

    /// When a cause is checked, where that is known.
    pub(super) fn place(&self, cause: Cause) -> Option<usize> {
        match self.known.as_slice() {
            [one] => one.place(cause),
            _ => None,
        }
    }

    /// Whether a cause gets another status than this one, for certain.
    pub(super) fn answers_otherwise(&self, cause: Cause, status: u16) -> bool {
        let Some(validator) = self.certain() else {
            return false;
        };
        let own = |causes: &[Cause]| causes.contains(&cause);
        match validator.causes(status) {
            Some(causes) => !own(causes) && is_of_token(cause),
            None => validator.statuses.iter().any(|(_, causes)| own(causes)),
        }
    }

    /// The causes for which this status is given in place of 401.
    pub(super) fn causes(&self, status: u16) -> &'static [Cause] {
        let validator = self.certain();
        let causes = validator.and_then(|validator| validator.causes(status));
        causes.unwrap_or_default()
    }

    /// What was in order, or not looked at, when this cause was stated, as sentences.
    pub(super) fn implies(&self, stated: Cause) -> Option<String> {
        let recognised = self.recognised.as_ref()?;
        let [validator] = self.known.as_slice() else {
            return None;
        };
        if !is_of_claims(stated) {
            return None;
        }
        let at = validator.place(stated)?;
        let signature = validator.place(Cause::SignatureInvalid)?;
        let name = validator.name;
        let as_far = match recognised.certain {
            true => "",
            false => ", as far as these are its words",
        };
        match at.cmp(&signature) {
            std::cmp::Ordering::Greater => Some(format!(
                "{name} checks the signature before that{as_far}: it was in order there"
            )),
            std::cmp::Ordering::Less => Some(format!(
                "{name} checks the signature after that{as_far}: this says nothing of it"
            )),
            std::cmp::Ordering::Equal => None,
        }
    }
}

/// The longest name of a validator in an event, in bytes.
const MAX_NAME: usize = 128;

impl Validator {
    fn place(&self, cause: Cause) -> Option<usize> {
        self.order.iter().position(|group| group.contains(&cause))
    }

    fn causes(&self, status: u16) -> Option<&'static [Cause]> {
        let row = self.statuses.iter().find(|(own, _)| *own == status);
        row.map(|(_, causes)| *causes)
    }
}

/// There is one of each.
impl PartialEq for Validator {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Validator {}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a status of a validator is about it: what a caller may do is decided by others.
fn is_of_token(cause: Cause) -> bool {
    !matches!(cause, Cause::PermissionDenied | Cause::ScopeInsufficient)
}

/// Whether a cause is about what a token says, which nobody may believe before its signature.
fn is_of_claims(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::TokenExpired
            | Cause::TokenNotYetValid
            | Cause::TokenIssuedInFuture
            | Cause::IssuerMismatch
            | Cause::AudienceMismatch
            | Cause::ClaimMissing
            | Cause::TokenTypeWrong
    )
}

/// Whether only one validator says this.
fn tells(rule: &Rule) -> bool {
    rule.emitted && matches!(rule.known.as_deref(), Some([one]) if one.tells)
}

/// The value of a field that is kept as "name: value".
fn other<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut others = response.values(Field::Other);
    others.find_map(|field| {
        let (own, value) = field.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests;
