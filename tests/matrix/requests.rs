//! The requests: what is wrong with each is decided here, when its token is made.

mod table;

use observer_tests::mint::{claims, now};
use serde_json::{Value, json};

use crate::catalogue::{Can, Validator};
use crate::keys::{Keys, Signers};

pub use table::REQUESTS;

/// One kind of request.
pub struct Request {
    /// Its name, which is the end of its path.
    pub id: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The causes for which it may rightly be refused, by their ids. None: nothing is wrong with it.
    pub truth: &'static [&'static str],
    /// Causes that are true of it too, and not why: what a server sees of a token that was cut is that
    /// its signature is wrong.
    pub symptoms: &'static [&'static str],
    /// Whether the request itself shows what is wrong.
    pub shows: Shows,
    /// To whom it shows a second defect: between two, nobody who sees both can choose.
    pub shows_another: Shows,
    /// What a validator must be able to do for it to make sense.
    pub needs: Option<Can>,
    /// The Authorization field. `None`: it makes no sense for this validator.
    pub make: fn(&Maker<'_>) -> Option<Field>,
}

/// To whom a request shows by itself what is wrong with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shows {
    /// To everybody who sees it.
    All,
    /// To those who have the issuer's public keys, where it signs with such.
    Keys,
    /// To those who know what the service takes.
    Expectation,
    /// To nobody: the server must say it.
    None,
}

/// The Authorization field.
pub enum Field {
    /// There is none.
    Missing,
    /// With this value.
    Value(String),
}

/// What is known when a token is made.
pub struct Maker<'a> {
    keys: &'a Keys,
    validator: &'a Validator,
    /// In seconds.
    now: i64,
}

impl Request {
    /// Where a request of this kind goes.
    pub fn path(&self) -> String {
        let folder = match self.needs {
            Some(Can::Scope) => "reports",
            Some(Can::Deny) => "admin",
            _ => "orders",
        };
        format!("/{folder}/{}", self.id)
    }

    /// The causes for which a validator may rightly refuse it. A time that is past within the leeway is
    /// past all the same; without a leeway it is not.
    pub fn truth_for(&self, validator: &Validator) -> &'static [&'static str] {
        if self.id.ends_with("-inside") && validator.leeway == 0 {
            &[]
        } else {
            self.truth
        }
    }

    /// Makes one for a validator. `None`: it makes no sense for this one.
    pub fn for_(&self, keys: &Keys, validator: &Validator) -> Option<Field> {
        if self.needs.is_some_and(|what| !validator.can(what)) {
            return None;
        }
        let maker = Maker {
            keys,
            validator,
            now: now(),
        };
        (self.make)(&maker)
    }
}

impl Maker<'_> {
    /// A good token with these claims changed.
    fn token(&self, changes: Value) -> Option<String> {
        self.signers()
            .issuer
            .sign(&self.header(), &self.claims(changes))
            .ok()
    }

    /// Likewise, in its field.
    fn bearer(&self, changes: Value) -> Option<Field> {
        self.token(changes)
            .map(|token| value(format!("Bearer {token}")))
    }

    fn signers(&self) -> &Signers {
        self.keys.of(self.validator.algorithm)
    }

    fn header(&self) -> Value {
        json!({"typ": self.validator.typ})
    }

    fn claims(&self, changes: Value) -> Value {
        let own: Value = serde_json::from_str(self.validator.claims).unwrap_or_default();
        let mut all = claims(&own);
        if let (Some(all), Some(changes)) = (all.as_object_mut(), changes.as_object()) {
            all.extend(changes.clone());
            all.retain(|_, value| !value.is_null());
        }
        all
    }

    /// Claims whose `exp` is so many seconds past the leeway.
    fn expired(&self, beyond: i64) -> Value {
        let exp = self.now - self.validator.leeway - beyond;
        json!({"iat": exp - 3600, "nbf": exp - 3600, "exp": exp})
    }

    /// Claims of which one time is so many seconds further ahead than the leeway.
    fn ahead(&self, name: &str, beyond: i64) -> Value {
        let time = self.now + self.validator.leeway + beyond;
        json!({name: time, "exp": time + 3600})
    }
}

fn value(text: String) -> Field {
    Field::Value(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use observer::verdict::Cause;

    use super::*;

    #[test]
    fn every_request_has_a_name_of_its_own_and_causes_that_are_some() {
        let names: HashSet<_> = REQUESTS.iter().map(|request| request.id).collect();
        assert_eq!(names.len(), REQUESTS.len());
        assert!(REQUESTS.len() >= 22);
        for request in REQUESTS {
            for id in request.truth.iter().chain(request.symptoms) {
                assert!(Cause::from_id(id).is_some(), "{id}");
            }
        }
    }
}
