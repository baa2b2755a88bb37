//! The claims of a JWT, RFC 7519 section 4.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::jwt::object;
use super::{Claims, Defect, Policy, allow};
use crate::redact;

/// The longest issuer, audience or scope kept.
const MAX_TEXT: usize = 256;
/// How many audiences, scopes and withheld names are kept.
pub const MAX_LIST: usize = 64;
/// From here on seconds since 1970 are milliseconds: 1e11 seconds are in the year 5138.
const MILLISECONDS: f64 = 1e11;
/// What a verdict needs, whether it is shown or not. `sub` is hashed.
const NEEDED: &[&str] = &["iss", "aud", "exp", "nbf", "iat", "scope", "scp", "sub"];

impl Claims {
    /// The claim by which an issuer says which token it is, if it says one of these; letters of any size.
    pub fn marked(&self, marks: &[&str]) -> Option<(&'static str, &str)> {
        ["typ", "token_use", "type", "token_type"]
            .into_iter()
            .find_map(|name| {
                let value = self.shown.get(name)?.as_str()?;
                let mut marks = marks.iter();
                let is_one = marks.any(|mark| value.eq_ignore_ascii_case(mark));
                is_one.then_some((name, value))
            })
    }
}

/// Claims, and the issuer as sent: key sets are found by it, so it must not be the shown text.
pub(super) struct Read {
    pub(super) claims: Claims,
    pub(super) raw_issuer: Option<String>,
}

/// Reads the payload. `None` where it is no object.
pub(super) fn read(part: &[u8], policy: &Policy, defects: &mut Vec<Defect>) -> Option<Read> {
    let wanted = |name: &str| NEEDED.contains(&name) || policy.claims.allows(name);
    let object = object(part, "payload", &wanted, defects)?;
    let mut claims = Claims::default();
    let mut raw_issuer = None;
    let mut subject = None;
    for (name, value) in object.members {
        let Some(value) = value else {
            withhold(&mut claims.withheld, &name);
            continue;
        };
        match name.as_str() {
            "iss" => raw_issuer = text(&value, "iss", defects),
            "aud" => claims.audience = list(&value, "aud", defects),
            "exp" => claims.expires = time(&value, "exp", defects),
            "nbf" => claims.not_before = time(&value, "nbf", defects),
            "iat" => claims.issued = time(&value, "iat", defects),
            "scope" => claims.scopes.extend(names(&value, "scope", defects)),
            "scp" => claims.scopes.extend(names(&value, "scp", defects)),
            "sub" => {
                if let Value::String(sub) = value {
                    subject = Some(Zeroizing::new(sub));
                } else {
                    defects.push(Defect::BadType { name: "sub" });
                }
                withhold(&mut claims.withheld, &name);
                continue;
            }
            _ => {}
        }
        show(
            &mut claims.shown,
            &mut claims.withheld,
            &name,
            &value,
            policy,
        );
    }
    let issuer = raw_issuer.as_deref().unwrap_or_default().as_bytes();
    claims.subject = subject.map(|sub| {
        policy
            .key
            .fingerprint(&[b"sub\0", issuer, b"\0", sub.as_bytes()])
    });
    claims.issuer = raw_issuer
        .as_deref()
        .map(|issuer| redact::label(issuer, MAX_TEXT));
    claims.scopes.truncate(MAX_LIST);
    Some(Read { claims, raw_issuer })
}

fn show(
    shown: &mut Map<String, Value>,
    withheld: &mut Vec<String>,
    name: &str,
    value: &Value,
    policy: &Policy,
) {
    match allow::shown(value).filter(|_| policy.claims.allows(name)) {
        Some(value) => drop(shown.insert(redact::text(name, MAX_TEXT), value)),
        None => withhold(withheld, name),
    }
}

fn withhold(withheld: &mut Vec<String>, name: &str) {
    if withheld.len() < MAX_LIST {
        withheld.push(redact::text(name, 128));
    }
}

fn text(value: &Value, name: &'static str, defects: &mut Vec<Defect>) -> Option<String> {
    let text = value.as_str().map(str::to_owned);
    if text.is_none() {
        defects.push(Defect::BadType { name });
    }
    text
}

/// A string, or an array of strings.
fn list(value: &Value, name: &'static str, defects: &mut Vec<Defect>) -> Vec<String> {
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        one => std::slice::from_ref(one),
    };
    if !elements.iter().all(Value::is_string) {
        defects.push(Defect::BadType { name });
    }
    let strings = elements.iter().take(MAX_LIST).filter_map(Value::as_str);
    strings.map(|text| redact::label(text, MAX_TEXT)).collect()
}

/// Names separated by blanks, or an array of names.
fn names(value: &Value, name: &'static str, defects: &mut Vec<Defect>) -> Vec<String> {
    match value {
        Value::String(text) => {
            let words = text.split_ascii_whitespace().take(MAX_LIST);
            words.map(|word| redact::label(word, MAX_TEXT)).collect()
        }
        other => list(other, name, defects),
    }
}

/// `NumericDate`: seconds since 1970, fractions allowed.
fn time(value: &Value, name: &'static str, defects: &mut Vec<Defect>) -> Option<f64> {
    let seconds = value.as_f64();
    match seconds {
        None => defects.push(Defect::BadType { name }),
        Some(seconds) if seconds.abs() >= MILLISECONDS => {
            defects.push(Defect::Milliseconds { name })
        }
        Some(_) => {}
    }
    seconds
}
