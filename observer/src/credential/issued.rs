//! What an authorization server answers: JSON (RFC 6749 section 5), of which the end may be missing.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::Inspector;
use super::json::Skipped;
use crate::oauth::{Grant, MAX_TEXT, MAX_TOKENS, Role};
use crate::redact;

/// How many members of an answer are looked at.
const MAX_MEMBERS: usize = 64;

impl Inspector {
    /// Adds to a grant what its answer says. `whole`: nothing of the answer's body is missing. True where it
    /// gave out tokens.
    pub fn issued(&mut self, grant: &mut Grant, body: &[u8], whole: bool) -> bool {
        let mut members = Vec::new();
        let mut reader = serde_json::Deserializer::from_slice(body);
        // What came before it broke off is kept.
        let done = reader.deserialize_map(Members(&mut members));
        grant.answer_cut = !whole || done.is_err();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("expires_in", value) => grant.expires_in = seconds(&value),
                ("active", Value::Bool(active)) => grant.active = Some(active),
                ("error", Value::String(code)) => {
                    grant.error = Some(redact::text(&code, MAX_TEXT));
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

    fn read(body: &str, whole: bool) -> Grant {
        let mut grant = Grant::new(Action::Issue);
        Inspector::new(policy(false)).issued(&mut grant, body.as_bytes(), whole);
        grant
    }

    fn roles(grant: &Grant) -> Vec<Role> {
        grant.issued.iter().map(|token| token.role).collect()
    }

    #[test]
    fn an_answer_gives_its_tokens_and_their_life() {
        let body = r#"{"access_token":"eyJhbGciOiJub25lIn0.e30.","token_type":"Bearer",
            "expires_in":300,"refresh_token":"r\u002d1","id_token":null,"scope":"a"}"#;
        let grant = read(body, true);
        assert_eq!(roles(&grant), [Role::AccessToken, Role::RefreshToken]);
        assert_eq!(grant.issued.first().unwrap().kind, Kind::Jwt);
        assert_eq!(grant.expires_in, Some(300));
        assert!(!grant.answer_cut);
        assert_eq!(read(r#"{"expires_in":"60"}"#, true).expires_in, Some(60));
        assert_eq!(read(r#"{"active":false}"#, true).active, Some(false));
    }

    #[test]
    fn a_refusal_gives_its_code() {
        let grant = read(r#"{"error":"invalid_grant","error_description":"x"}"#, true);
        assert_eq!(grant.error.as_deref(), Some("invalid_grant"));
        assert!(grant.issued.is_empty());
    }

    #[test]
    fn of_a_cut_answer_what_was_whole_counts() {
        let grant = read(
            r#"{"access_token":"abc","expires_in":60,"refresh_token":"de"#,
            false,
        );
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
            assert!(roles(&read(body, true)).is_empty(), "{body}");
        }
    }
}
