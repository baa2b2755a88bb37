//! What an authorization server answers: JSON (RFC 6749 section 5), of which the end may be missing.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::json::Skipped;
use super::{Echo, Inspector};
use crate::oauth::{Grant, MAX_TEXT, MAX_TOKENS, Role};
use crate::redact;

/// The codes of errors of RFC 6749, 7009, 8628, 8693, 9449 and of OpenID Connect Core 1.0, which say nothing
/// of a secret, whatever it is.
const CODES: &[&str] = &[
    "access_denied",
    "authorization_pending",
    "consent_required",
    "expired_token",
    "interaction_required",
    "invalid_client",
    "invalid_dpop_proof",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "invalid_token",
    "login_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_token_type",
    "use_dpop_nonce",
];
/// How many members of an answer are looked at.
const MAX_MEMBERS: usize = 64;

impl Inspector {
    /// Adds to a grant what its answer says. `repeated`: the secrets of the request, which the answer may
    /// repeat. True where it gave out tokens.
    pub fn issued(&mut self, grant: &mut Grant, body: &[u8], repeated: &Echo) -> bool {
        let mut members = Vec::new();
        let mut reader = serde_json::Deserializer::from_slice(body);
        // What came before it broke off is kept.
        let done = reader.deserialize_map(Members(&mut members));
        grant.answer_cut = done.is_err();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("expires_in", value) => grant.expires_in = seconds(&value),
                ("active", Value::Bool(active)) => grant.active = Some(active),
                ("error", Value::String(code)) => {
                    grant.error = Some(match CODES.contains(&code.as_str()) {
                        true => code,
                        false => redact::text(&repeated.hide(&code), MAX_TEXT),
                    });
                }
                (name, Value::String(token)) => {
                    let role = Role::named(name).filter(|_| grant.issued.len() < MAX_TOKENS);
                    let token = Zeroizing::new(token.into_bytes());
                    if let Some(role) = role {
                        grant.issued.extend(self.token(role, token).1);
                    }
                }
                _ => {}
            }
        }
        !grant.issued.is_empty()
    }
}

/// A number, or its digits as text, as some servers write it.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    }
}

/// Puts the members that are looked for where they stay when the rest turns out to be missing.
struct Members<'a>(&'a mut Vec<(String, Value)>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let is_wanted = matches!(
                name.as_str(),
                "access_token" | "refresh_token" | "id_token" | "expires_in" | "error" | "active"
            );
            if is_wanted && self.0.len() < MAX_MEMBERS {
                self.0.push((name, map.next_value()?));
            } else {
                map.next_value::<Skipped>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Kind;
    use crate::credential::testing::policy;
    use crate::oauth::Action;

    fn read(body: &str) -> Grant {
        read_beside(body, &Echo::default())
    }

    fn read_beside(body: &str, repeated: &Echo) -> Grant {
        let mut grant = Grant::new(Action::Issue);
        Inspector::new(policy(false)).issued(&mut grant, body.as_bytes(), repeated);
        grant
    }

    fn roles(grant: &Grant) -> Vec<Role> {
        grant.issued.iter().map(|token| token.role).collect()
    }

    #[test]
    fn an_answer_gives_its_tokens_and_their_life() {
        let body = r#"{"access_token":"eyJhbGciOiJub25lIn0.e30.","token_type":"Bearer",
            "expires_in":300,"refresh_token":"r\u002d1","id_token":null,"scope":"a"}"#;
        let grant = read(body);
        assert_eq!(roles(&grant), [Role::AccessToken, Role::RefreshToken]);
        assert_eq!(grant.issued.first().unwrap().kind, Kind::Jwt);
        assert_eq!(grant.expires_in, Some(300));
        assert!(!grant.answer_cut);
        assert_eq!(read(r#"{"expires_in":"60"}"#).expires_in, Some(60));
        assert_eq!(read(r#"{"active":false}"#).active, Some(false));
    }

    #[test]
    fn a_refusal_gives_its_code() {
        let grant = read(r#"{"error":"invalid_grant","error_description":"x"}"#);
        assert_eq!(grant.error.as_deref(), Some("invalid_grant"));
        assert!(grant.issued.is_empty());
    }

    #[test]
    fn a_code_that_repeats_a_secret_is_hidden_and_one_of_a_standard_is_not() {
        let body = r#"{"error":"bad password correct-horse"}"#;
        let secret = Echo::of(b"correct-horse");
        let error = |body: &str, echo: &Echo| read_beside(body, echo).error.unwrap();
        assert_eq!(error(body, &secret), "bad password [redacted]");
        assert_eq!(error(body, &Echo::unseen()), "[redacted]");
        let body = r#"{"error":"invalid_grant"}"#;
        assert_eq!(error(body, &Echo::unseen()), "invalid_grant");
    }

    #[test]
    fn of_a_cut_answer_what_was_whole_counts() {
        let grant = read(r#"{"access_token":"abc","expires_in":60,"refresh_token":"de"#);
        assert_eq!(roles(&grant), [Role::AccessToken]);
        assert_eq!(grant.expires_in, Some(60));
        assert!(grant.answer_cut);
        for body in [
            "",
            "[",
            "{",
            "null",
            "{\"access_token\":{\"a\":1}}",
            "\u{fffd}",
        ] {
            assert!(roles(&read(body)).is_empty(), "{body}");
        }
    }
}
