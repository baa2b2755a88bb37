//! Forms in the bodies of requests (application/x-www-form-urlencoded): tokens that let a request in
//! (RFC 6750 section 2.2), and what a client shows to an authorization server (RFC 6749, 7009, 7662).

use std::sync::Arc;

use zeroize::Zeroizing;

use super::carrier::{Found, Purpose, Value, percent_decoded};
use super::{Carried, Carrier, Credential, Echo, Inspector, Kind};
use crate::oauth::{Action, Grant, MAX_TEXT, MAX_TOKENS, Role, Token};
use crate::redact;

/// What a form held.
pub struct Form {
    /// The credentials of the request, where the form had one of them.
    pub carried: Option<Carried>,
    /// What the client asked an authorization server for.
    pub grant: Option<Grant>,
    /// How its secrets are known where the answer repeats them.
    pub secrets: Echo,
    /// The same of what may be secret in it besides.
    pub left_out: Echo,
}

/// How many members of a form are looked at.
const MAX_MEMBERS: usize = 64;
/// Members by which somebody asks to be let in, and no tokens.
const SECRETS: &[&str] = &[
    "client_secret",
    "code_verifier",
    "otp",
    "passwd",
    "password",
    "pwd",
    "secret",
    "user_code",
];
/// What the names of members have in them that are not shown where an answer repeats them. Some that are no
/// secrets have it too, and are hidden for nothing.
const HIDDEN: &[&str] = &[
    "apikey",
    "api_key",
    "assertion",
    "code",
    "otp",
    "pass",
    "pin",
    "pwd",
    "secret",
    "token",
    "verifier",
];

impl Inspector {
    /// Reads a form that was sent to `path`. `head`: what the head of its request carried. `whole`: nothing of
    /// the form is missing.
    pub fn form(&mut self, path: &str, head: Carried, body: &[u8], whole: bool) -> Form {
        let members = members(body, whole);
        let action = action(path, &members);
        let is_known = whole && memchr::memchr_iter(b'&', body).count() < MAX_MEMBERS;
        let mut secrets = match is_known {
            true => Echo::default(),
            false => Echo::unseen(),
        };
        let mut left_out = Echo::default();
        for (name, value) in &members {
            let name = name.to_ascii_lowercase();
            let is_kind = name.ends_with("_type") || name.ends_with("_hint");
            if !is_kind && HIDDEN.iter().any(|part| name.contains(part)) {
                left_out.add(&Echo::of(value));
            }
            if SECRETS.contains(&name.as_str()) {
                secrets.add(&Echo::of(value));
            }
        }
        let mut carried = None;
        let mut grant = action.map(Grant::new);
        for (name, value) in members {
            let text = |value: &[u8]| redact::label(&String::from_utf8_lossy(value), MAX_TEXT);
            match (&mut grant, name.as_str(), Role::named(&name)) {
                (Some(grant), "grant_type", _) => grant.grant_type = Some(text(&value)),
                (Some(grant), "client_id", _) => grant.client = Some(text(&value)),
                (Some(grant), _, Some(role)) => {
                    let (credential, token) = self.token(role, value);
                    secrets.add(&credential.echo);
                    grant.presented.extend(token);
                    grant.presented.truncate(MAX_TOKENS);
                }
                (None, _, Some(role @ (Role::AccessToken | Role::IdToken))) => {
                    let (credential, _) = self.token(role, value);
                    let before = carried.take().unwrap_or_else(|| head.clone());
                    carried = Some(before.and(credential));
                }
                _ => {}
            }
        }
        if let Some(grant) = &mut grant {
            grant.form_cut = !whole;
        }
        Form {
            carried,
            grant,
            secrets,
            left_out,
        }
    }

    /// A member that is a token.
    pub(super) fn token(
        &mut self,
        role: Role,
        value: Zeroizing<Vec<u8>>,
    ) -> (Arc<Credential>, Option<Token>) {
        let found = Found {
            carrier: Carrier::Form(role.id().into()),
            purpose: Purpose::Form,
            form: super::carrier::Form::Token,
            value: Value::Made(value),
            last: true,
        };
        let credential = self.read_found(&found, false);
        let claims = credential.claims.as_ref();
        let token = credential.fingerprint.map(|fingerprint| Token {
            role,
            // A member is no scheme, whatever it begins with.
            kind: match credential.kind {
                kind @ (Kind::Jwt | Kind::Jwe) => kind,
                _ => Kind::Opaque,
            },
            fingerprint,
            expires: claims.and_then(|claims| claims.expires),
        });
        (credential, token)
    }
}

/// The members of a form, decoded. The last of one that was cut says nothing.
fn members(body: &[u8], whole: bool) -> Vec<(String, Zeroizing<Vec<u8>>)> {
    let mut pairs: Vec<&[u8]> = body.split(|byte| *byte == b'&').take(MAX_MEMBERS).collect();
    if !whole {
        pairs.pop();
    }
    let member = |pair: &&[u8]| {
        let at = memchr::memchr(b'=', pair)?;
        let name = percent_decoded(pair.get(..at)?, true);
        let value = percent_decoded(pair.get(at + 1..)?, true);
        let name = str::from_utf8(&name).ok()?.to_owned();
        (!value.is_empty()).then_some((name, value))
    };
    pairs.iter().filter_map(member).collect()
}

/// What is asked for, if it is asked of an authorization server.
fn action(path: &str, members: &[(String, Zeroizing<Vec<u8>>)]) -> Option<Action> {
    let has = |name: &str| members.iter().any(|(own, _)| own == name);
    if has("grant_type") {
        return Some(Action::Issue);
    }
    let path = path.to_ascii_lowercase();
    let end = path.trim_end_matches('/').rsplit('/').next()?;
    match has("token") {
        true if end.contains("introspect") => Some(Action::Introspect),
        true if end.contains("revo") => Some(Action::Revoke),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::testing::{good, policy};
    use serde_json::json;

    fn read(path: &str, body: &str, whole: bool) -> Form {
        Inspector::new(policy(false)).form(path, Carried::default(), body.as_bytes(), whole)
    }

    #[test]
    fn grants_show_who_asks_with_what() {
        let jwt = good(&json!({"exp": 5}));
        let body = format!(
            "grant_type=refresh_token&refresh_token=a%2Bb+c&client_id=web&client_secret=hunter22\
             &client_assertion={jwt}"
        );
        let form = read("/token", &body, true);
        let grant = form.grant.unwrap();
        assert!(grant.is_refresh() && !grant.form_cut);
        assert_eq!(grant.client.as_deref(), Some("web"));
        let roles: Vec<_> = grant
            .presented
            .iter()
            .map(|token| (token.role, token.kind))
            .collect();
        assert_eq!(
            roles,
            [
                (Role::RefreshToken, Kind::Opaque),
                (Role::ClientAssertion, Kind::Jwt)
            ]
        );
        assert_eq!(grant.presented.last().unwrap().expires, Some(5.0));
        assert!(form.carried.is_none());
        assert_eq!(
            form.secrets.hide("hunter22, a+b c"),
            "[redacted], [redacted]"
        );
    }

    #[test]
    fn what_is_asked_for_is_known_by_the_members_and_the_path() {
        for (path, body, action) in [
            ("/x", "grant_type=password", Some(Action::Issue)),
            ("/oauth2/revoke", "token=abc", Some(Action::Revoke)),
            (
                "/realms/a/token/introspect/",
                "token=abc",
                Some(Action::Introspect),
            ),
            ("/comments", "token=abc", None),
            ("/revoke", "id=abc", None),
        ] {
            let grant = read(path, body, true).grant;
            assert_eq!(grant.map(|grant| grant.action), action, "{path}");
        }
    }

    #[test]
    fn a_token_in_a_form_lets_in_after_fields_and_before_cookies() {
        let mut inspector = Inspector::new(policy(false));
        let mut judged = |target: &str, name: &str, value: &str| {
            let fields = [httparse::Header {
                name,
                value: value.as_bytes(),
            }];
            let head = inspector.all(crate::credential::Places {
                target,
                fields: &fields,
                authorization: None,
                cut: false,
            });
            let form = inspector.form("/a", head, b"x=1&access_token=abc&id_token=def", true);
            let carried = form.carried.unwrap();
            let others = carried.others.iter().map(|one| one.carrier.to_string());
            (
                carried.judged.unwrap().carrier.to_string(),
                others.collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            judged("/?token=q", "A", "b"),
            (
                "form:access_token".to_owned(),
                vec!["query:token".to_owned(), "form:id_token".to_owned()]
            )
        );
        assert_eq!(judged("/", "Authorization", "Bearer x").0, "authorization");
        assert_eq!(judged("/", "Cookie", "jwt=x").0, "form:access_token");
    }

    #[test]
    fn a_member_that_was_cut_says_nothing() {
        let form = read("/token", "grant_type=refresh_token&refresh_token=ab", false);
        let grant = form.grant.unwrap();
        assert!(grant.form_cut && grant.presented.is_empty());
        for body in ["", "&&&", "=", "a", "%", "grant_type"] {
            assert!(read("/token", body, true).grant.is_none());
        }
    }
}
