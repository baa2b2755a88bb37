//! What a row of the table of cases is made of.

use serde_json::{Value, json};

use super::super::{Cause, Certainty, Outcome};
use super::NOW;
use crate::credential::testing::{ISSUER, good, signed, token};
use Cause::NotAFailure;
use Certainty::Stated;
use Sent::Field;

/// What nginx answers by default.
pub(super) const NGINX: &str = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";

/// What a request carries in Authorization.
pub(super) enum Sent {
    Nothing,
    Field(String),
}

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) sent: Sent,
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, &'static str)>,
    pub(super) body: &'static str,
    /// What was asked for, where that matters.
    pub(super) path: Option<&'static str>,
    pub(super) want: (Outcome, Option<Cause>, Option<Certainty>),
    /// The candidates must begin with these.
    pub(super) candidates: Vec<Cause>,
}

pub(super) fn case(
    name: &'static str,
    sent: Sent,
    status: u16,
    body: &'static str,
    cause: Cause,
    certainty: Certainty,
) -> Case {
    let want = (Outcome::Rejected, Some(cause), Some(certainty));
    Case {
        name,
        sent,
        status,
        fields: Vec::new(),
        body,
        path: None,
        want,
        candidates: Vec::new(),
    }
}

/// The same, with the text in WWW-Authenticate.
pub(super) fn asks(
    name: &'static str,
    sent: Sent,
    status: u16,
    challenge: &'static str,
    cause: Cause,
    certainty: Certainty,
) -> Case {
    Case {
        fields: vec![("www-authenticate", challenge)],
        ..case(name, sent, status, "", cause, certainty)
    }
}

pub(super) fn other(
    name: &'static str,
    sent: Sent,
    status: u16,
    body: &'static str,
    outcome: Outcome,
) -> Case {
    let case = case(name, sent, status, body, NotAFailure, Stated);
    let is_step = outcome == Outcome::Challenged;
    let want = (
        outcome,
        is_step.then_some(NotAFailure),
        is_step.then_some(Stated),
    );
    Case { want, ..case }
}

/// The server asks for a nonce in the proof of the key.
pub(super) fn nonce(name: &'static str, sent: Sent, status: u16, body: &'static str) -> Case {
    let want = (
        Outcome::Challenged,
        Some(Cause::DpopNonceRequired),
        Some(Stated),
    );
    let case = case(name, sent, status, body, Cause::DpopNonceRequired, Stated);
    Case { want, ..case }
}

impl Case {
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(super) fn at(mut self, path: &'static str) -> Self {
        self.path = Some(path);
        self
    }

    pub(super) fn or(mut self, candidates: &[Cause]) -> Self {
        self.candidates = candidates.to_vec();
        self
    }
}

pub(super) fn bearer(token: &str) -> Sent {
    Field(format!("Bearer {token}"))
}

/// A good token for an hour, with these claims besides.
pub(super) fn jwt(claims: &Value) -> Sent {
    let mut all = json!({"aud": "orders", "iat": NOW - 60, "exp": NOW + 3600});
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    bearer(&good(&all))
}

pub(super) fn fine() -> Sent {
    jwt(&json!({}))
}

pub(super) fn expired(ago: i64) -> Sent {
    jwt(&json!({"exp": NOW - ago}))
}

/// Signed with a key that the key set does not have.
pub(super) fn unknown_key() -> Sent {
    bearer(&token(
        &json!({"alg": "RS256", "kid": "gone"}),
        &json!({"iss": ISSUER, "exp": NOW + 3600}),
    ))
}

/// Of an issuer whose keys we do not have.
pub(super) fn foreign() -> Sent {
    bearer(&token(
        &json!({"alg": "RS256", "kid": "gone"}),
        &json!({"iss": "https://other.example/", "exp": NOW + 3600}),
    ))
}

pub(super) fn forged() -> Sent {
    let (a, b) = (
        good(&json!({"exp": NOW + 3600})),
        good(&json!({"exp": NOW + 7200})),
    );
    let (start, _) = b.rsplit_once('.').unwrap();
    let (_, signature) = a.rsplit_once('.').unwrap();
    bearer(&format!("{start}.{signature}"))
}

/// Encrypted: RFC 7516, in five parts.
pub(super) fn jwe() -> Sent {
    // {"alg":"RSA-OAEP","enc":"A256GCM"}, the example of RFC 7516 section 3.3.
    bearer("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.AAAA.AAAA.AAAA")
}

/// Without its last 100 characters.
pub(super) fn truncated() -> Sent {
    let whole = good(&json!({"exp": NOW + 3600}));
    bearer(&whole[..whole.len() - 100])
}

pub(super) fn unsigned() -> Sent {
    bearer(&signed(
        r#"{"alg":"none"}"#,
        &format!(r#"{{"exp":{}}}"#, NOW + 3600),
        "none",
    ))
}

pub(super) fn symmetric() -> Sent {
    bearer(&token(
        &json!({"alg": "HS256"}),
        &json!({"iss": "me", "exp": NOW + 3600}),
    ))
}

pub(super) fn broken() -> Sent {
    let whole = good(&json!({"exp": NOW + 3600}));
    bearer(&whole.replacen("eyJ", "eyJ*", 1))
}

pub(super) fn large() -> Sent {
    jwt(&json!({"groups": "g".repeat(9000)}))
}
