//! What the server said: its challenges, the fields of gateways, and the start of its body.

use std::sync::Arc;

use super::body;
use super::cause::{Cause, Subject};
use super::challenge::{self, Challenge};
use super::repeated::Repeated;
use super::rules::{At, Rule, Words};
use super::validator::{self, Sign};
use super::wording;
use crate::credential::scheme;
use crate::exchange::{Field, Response};
use crate::redact;

/// The longest quote in evidence, in bytes.
const MAX_QUOTE: usize = 160;
/// How many statements of one answer are weighed.
const MAX_SAID: usize = 12;

/// Everything that an answer says about why.
#[derive(Default)]
pub(super) struct Statement {
    /// Of `WWW-Authenticate` and `Proxy-Authenticate`, in order.
    pub(super) challenges: Vec<Challenge>,
    /// What names a cause, the best evidence first: challenges, fields, body.
    pub(super) said: Vec<Said>,
    /// What says that the credential is bad, and not why.
    pub(super) unspecific: Option<(Quote, By)>,
    /// What is known to be about something else than any cause of ours.
    pub(super) elsewhere: Option<Quote>,
    /// Why the body was not read.
    pub(super) unread: Option<&'static str>,
    /// The rules of the table that something was understood by, in order.
    pub(super) speakers: Vec<Arc<Rule>>,
    /// Whose page the body is.
    pub(super) page: Option<&'static Sign>,
    /// The code of `grpc-status`.
    pub(super) grpc_status: Option<u16>,
    /// What must not be quoted.
    pub(super) repeated: Repeated,
}

/// One thing that was said, that names one cause or leaves open which of several.
pub(super) struct Said {
    /// The causes that fit.
    pub(super) causes: Vec<Cause>,
    /// It says itself that there are others.
    pub(super) open: bool,
    /// How it was understood.
    pub(super) by: By,
    /// Where and in which words.
    pub(super) quote: Quote,
}

impl Said {
    /// The one cause that is named.
    pub(super) fn one(&self) -> Option<Cause> {
        match self.causes.as_slice() {
            [cause] if !self.open => Some(*cause),
            _ => None,
        }
    }
}

/// How a text was understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum By {
    /// A code of a standard.
    Protocol,
    /// The words of a server or library that is known.
    Known(Arc<Rule>),
    /// General wording that speaks of a token, of who calls or of who checks.
    Wording,
    /// General wording that may be about something else.
    Hint,
}

/// Words of the server, redacted and capped, and where they stood.
#[derive(Clone)]
pub(super) struct Quote {
    place: &'static str,
    text: String,
    pub(super) of_token: bool,
}

impl Quote {
    fn new(place: &'static str, text: &str, repeated: &Repeated) -> Self {
        let of_token = wording::is_of_token(text);
        Self {
            place,
            text: redact::text(&repeated.hide(text), MAX_QUOTE),
            of_token,
        }
    }

    /// A sentence of evidence.
    pub(super) fn sentence(&self, by: &By) -> String {
        let Self { place, text, .. } = self;
        match by {
            By::Known(rule) => {
                let validator = redact::label(&rule.validator, MAX_QUOTE);
                format!("{place} says \"{text}\", as {validator} does")
            }
            _ => format!("{place} says \"{text}\""),
        }
    }
}

impl Statement {
    /// Reads an answer. `with_body`: whether its body may be about the credential. `repeated`:
    /// what of the request it may repeat.
    pub(super) fn read(
        response: &Response,
        with_body: bool,
        repeated: Repeated,
        words: &Words,
    ) -> Self {
        Reading {
            words,
            statement: Self {
                repeated,
                ..Self::default()
            },
        }
        .read(response, with_body)
    }

    /// Whether there is a challenge and none of them says what is wrong.
    pub(super) fn is_bare_challenge(&self) -> bool {
        !self.challenges.is_empty() && !self.challenges.iter().any(Challenge::has_error)
    }

    /// Whether a challenge asks for a scheme.
    pub(super) fn asks_for(&self, scheme: &str) -> bool {
        self.challenges.iter().any(|challenge| {
            // Some name what they take, and not how it is carried: gin-jwt asks for JWT.
            scheme::may_be(scheme, &challenge.scheme)
                || (challenge.scheme == "jwt" && scheme == "bearer")
        })
    }

    /// Whether a cause is among those that are named.
    pub(super) fn names(&self, cause: Cause) -> bool {
        self.said.iter().any(|said| said.causes.contains(&cause))
    }

    /// The first value of an attribute among the challenges of a scheme.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.challenges
            .iter()
            .find_map(|challenge| challenge.attribute(name))
    }
}

/// An answer that is being read.
struct Reading<'a> {
    words: &'a Words,
    statement: Statement,
}

impl Reading<'_> {
    fn read(mut self, response: &Response, with_body: bool) -> Statement {
        for (field, place) in [
            (Field::WwwAuthenticate, "WWW-Authenticate"),
            (Field::ProxyAuthenticate, "Proxy-Authenticate"),
        ] {
            for value in response.values(field) {
                self.read_challenge(value, place);
            }
        }
        for value in response.values(Field::Other) {
            self.read_field(value);
        }
        if with_body {
            self.read_body(response);
        }
        self.statement.said.truncate(MAX_SAID);
        self.statement
    }

    fn read_challenge(&mut self, value: &str, place: &'static str) {
        let challenges = challenge::parse(value);
        for challenge in &challenges {
            if let Some(text) = challenge.attribute("error_description")
                && !self.apply_rules(place, text, At::Challenge)
            {
                self.apply_wording(place, text);
            }
        }
        self.apply_rules(place, value, At::Challenge);
        for challenge in &challenges {
            let Some(code) = challenge.attribute("error") else {
                continue;
            };
            let quote = Quote::new(place, &format!("error={code}"), &self.statement.repeated);
            match code {
                "insufficient_scope" => self.push(&[Cause::ScopeInsufficient], By::Protocol, quote),
                // RFC 6750 section 3.1: a parameter is missing, repeated or malformed.
                "invalid_request" => {
                    self.push(
                        &[
                            Cause::HeaderMalformed,
                            Cause::CredentialsMissing,
                            Cause::CredentialsDuplicated,
                        ],
                        By::Protocol,
                        quote,
                    );
                }
                "invalid_token" => {
                    self.push(&[Cause::InvalidTokenUnspecified], By::Protocol, quote)
                }
                "use_dpop_nonce" => self.push(&[Cause::DpopNonceRequired], By::Protocol, quote),
                other => {
                    if !self.apply_rules(place, other, At::Challenge) {
                        self.apply_wording(place, other);
                    }
                }
            }
        }
        self.statement.challenges.extend(challenges);
    }

    fn read_body(&mut self, response: &Response) {
        let body = body::read(response);
        self.statement.page = validator::of_page(&body.text);
        self.statement.unread = body.unread;
        let place = "the body";
        let mut is_known = false;
        // Some rules are about the JSON around a message, which says more than the message does.
        let is_structured = body.messages.first() != Some(&body.text);
        let around = match is_structured {
            true => self.words.find(&body.text, At::Body),
            false => Vec::new(),
        };
        let (around, inside): (Vec<_>, Vec<_>) =
            around.into_iter().partition(|rule| rule.is_of_structure());
        is_known |= self.apply(place, &body.text, around);
        for message in &body.messages {
            is_known |= self.apply_rules(place, message, At::Body);
        }
        is_known |= self.apply(place, &body.text, inside);
        if !is_known {
            for message in &body.messages {
                self.apply_wording("the body", message);
            }
        }
    }

    /// `name: value`.
    fn read_field(&mut self, field: &str) {
        let Some((name, value)) = spoken(field, self.words) else {
            return;
        };
        match name {
            "grpc-status" => self.statement.grpc_status = value.parse().ok(),
            "grpc-message" => {
                let text = percent_decoded(value);
                if !self.apply_rules("grpc-message", &text, At::Body) {
                    self.apply_wording("grpc-message", &text);
                }
            }
            "x-amzn-errortype" => {
                // "ExpiredTokenException:http://..."
                let kind = value.split(':').next().unwrap_or_default();
                if !self.apply_rules("x-amzn-errortype", kind, At::Field("x-amzn-errortype")) {
                    self.apply_wording("x-amzn-errortype", kind);
                }
            }
            // Only a user's rule can ask for it.
            name => drop(self.apply_rules("a field", value, At::Field(name))),
        }
    }

    /// Whether a rule of the table says something of this text.
    fn apply_rules(&mut self, place: &'static str, text: &str, at: At<'_>) -> bool {
        let found = self.words.find(text, at);
        self.apply(place, text, found)
    }

    fn apply(&mut self, place: &'static str, text: &str, found: Vec<Arc<Rule>>) -> bool {
        // "Invalid/expired token" has the words of a library in it, and leaves open what they do not.
        let is_open = || wording::read(text).is_some_and(|wording| wording.causes.len() > 1);
        if found.is_empty() || (found.iter().all(|rule| !rule.emitted) && is_open()) {
            return false;
        }
        // What is wrong with a claim or a request, the words beside it may say better.
        let leaves_room = |cause: Option<Cause>| {
            matches!(cause, Some(Cause::ClaimInvalid | Cause::RequestInvalid))
        };
        let is_said = !found.iter().all(|rule| leaves_room(rule.cause));
        let quote = Quote::new(place, text, &self.statement.repeated);
        for rule in found {
            let quote = quote.clone();
            match rule.causes().as_slice() {
                [] => self.statement.elsewhere = self.statement.elsewhere.take().or(Some(quote)),
                causes => self.push(causes, By::Known(Arc::clone(&rule)), quote),
            }
            if self.statement.speakers.len() < MAX_SAID {
                self.statement.speakers.push(rule);
            }
        }
        is_said
    }

    fn apply_wording(&mut self, place: &'static str, text: &str) {
        if let Some(wording) = wording::read(text) {
            let of_login =
                |cause: &Cause| matches!(cause.subject(), Subject::Caller | Subject::Service);
            let by = if wording.of_token || wording.causes.iter().all(of_login) {
                By::Wording
            } else {
                By::Hint
            };
            self.push(
                &wording.causes,
                by,
                Quote::new(place, text, &self.statement.repeated),
            );
        }
    }

    fn push(&mut self, causes: &[Cause], by: By, quote: Quote) {
        let is_vague = |cause: &Cause| {
            matches!(
                cause,
                Cause::InvalidTokenUnspecified | Cause::RejectedUnspecified
            )
        };
        let named: Vec<Cause> = causes
            .iter()
            .copied()
            .filter(|cause| !is_vague(cause))
            .collect();
        let open = named.len() != causes.len() || named.len() > 1;
        if causes.iter().any(is_vague) {
            let vague = (quote.clone(), by.clone());
            self.statement.unspecific = self.statement.unspecific.take().or(Some(vague));
        }
        if !named.is_empty()
            && !self
                .statement
                .said
                .iter()
                .any(|said| said.causes == named && said.open == open)
        {
            self.statement.said.push(Said {
                causes: named,
                open,
                by,
                quote,
            });
        }
    }
}

/// Whether a statement rests on a field, but for what `body` needs.
pub(super) fn is_read(field: Field, value: &str, words: &Words) -> bool {
    match field {
        Field::WwwAuthenticate | Field::ProxyAuthenticate => true,
        Field::Other => spoken(value, words).is_some(),
        Field::CacheControl
        | Field::ContentEncoding
        | Field::ContentType
        | Field::Date
        | Field::Location
        | Field::Server => false,
    }
}

/// The name and the value of a field that says why. `None`: it is another.
fn spoken<'a>(field: &'a str, words: &Words) -> Option<(&'a str, &'a str)> {
    // Their names were made small when they were kept.
    let (name, value) = field.split_once(':')?;
    let names = ["grpc-status", "grpc-message", "x-amzn-errortype"];
    (names.contains(&name) || words.ask_for(name)).then(|| (name, value.trim()))
}

/// `grpc-message` is percent-encoded.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let digit = |byte: &u8| {
            char::from(*byte)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        rest = match (byte, after) {
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                out.push(digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0));
                after
            }
            _ => {
                out.push(*byte);
                after
            }
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}
