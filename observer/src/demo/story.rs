//! What the client sends, in order: every step has a path of its own, so that it can be told apart
//! in any list of what was seen.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::legacy::REVOKED;

/// One request.
pub struct Step {
    /// Where to.
    pub path: &'static str,
    /// What is sent, for a person.
    pub sent: &'static str,
    /// The Authorization field.
    pub shown: Shown,
}

/// What a request shows to be let in.
pub enum Shown {
    /// No field at all.
    Nothing,
    /// This.
    Text(&'static str),
    /// A token as the issuer gives it.
    Good,
    /// A token of the issuer with these claims changed, at a time in seconds since the Unix epoch.
    Issued(fn(i64) -> Value),
    /// The field, made of a good token.
    Altered(fn(&str) -> String),
    /// A token that somebody else signed, under the issuer's or another `kid`.
    Forged {
        /// `None`: the issuer's.
        kid: Option<&'static str>,
    },
}

/// What was sent to a path.
pub fn sent(path: &str) -> Option<&'static str> {
    STORY
        .iter()
        .find(|step| step.path == path)
        .map(|step| step.sent)
}

const fn step(path: &'static str, sent: &'static str, shown: Shown) -> Step {
    Step { path, sent, shown }
}

/// The story. The service says why under /orders and /reports; under /invoices it does not.
pub const STORY: &[Step] = &[
    step("/orders/good", "a good token", Shown::Good),
    step("/invoices/good", "a good token", Shown::Good),
    step("/orders/missing", "no token", Shown::Nothing),
    step(
        "/portal/missing",
        "no token, to a page with a login",
        Shown::Nothing,
    ),
    step(
        "/orders/basic",
        "a password (Basic)",
        Shown::Text("Basic YWxpY2U6ZGVtbw=="),
    ),
    step(
        "/orders/doubled",
        "Bearer twice",
        Shown::Altered(|token| format!("Bearer Bearer {token}")),
    ),
    step(
        "/invoices/no-scheme",
        "a token without Bearer",
        Shown::Altered(str::to_owned),
    ),
    step(
        "/orders/malformed",
        "two of three parts",
        Shown::Altered(two_parts),
    ),
    step(
        "/orders/opaque",
        "an opaque token",
        Shown::Text("Bearer 2YotnFZFEjr1zCsicMWpAA"),
    ),
    step(
        "/invoices/truncated",
        "a token without its last 40 bytes",
        Shown::Altered(truncated),
    ),
    step(
        "/orders/too-large",
        "a token of 9 KiB",
        Shown::Issued(|_| json!({"groups": "g".repeat(6600)})),
    ),
    step("/invoices/alg-none", "alg none", Shown::Altered(alg_none)),
    step(
        "/orders/expired",
        "a token that expired an hour ago",
        Shown::Issued(expired_long_ago),
    ),
    step(
        "/invoices/expired",
        "the same, to a service that does not say why",
        Shown::Issued(expired_long_ago),
    ),
    step(
        "/invoices/just-expired",
        "a token that expired 20 s ago, likewise",
        Shown::Issued(|now| json!({"exp": now - 20})),
    ),
    step(
        "/orders/not-yet",
        "a token for ten minutes later",
        Shown::Issued(|now| json!({"nbf": now + 600})),
    ),
    step(
        "/orders/future",
        "a token issued in ten minutes",
        Shown::Issued(|now| json!({"iat": now + 600})),
    ),
    step(
        "/orders/issuer",
        "a token with another issuer's name",
        Shown::Issued(|_| json!({"iss": "https://staging.demo.test"})),
    ),
    step(
        "/orders/audience",
        "a token for billing",
        Shown::Issued(|_| json!({"aud": "billing"})),
    ),
    step(
        "/invoices/audience",
        "the same, to a service that does not say why",
        Shown::Issued(|_| json!({"aud": "billing"})),
    ),
    step(
        "/orders/unknown-key",
        "a token of a key that nobody has",
        Shown::Forged {
            kid: Some("demo-2024"),
        },
    ),
    step(
        "/orders/signature",
        "a forged signature",
        Shown::Forged { kid: None },
    ),
    step(
        "/invoices/signature",
        "the same, to a service that does not say why",
        Shown::Forged { kid: None },
    ),
    step(
        "/orders/revoked",
        "a revoked token",
        Shown::Issued(|_| json!({"jti": REVOKED})),
    ),
    step(
        "/reports/scope",
        "a good token without reports:read",
        Shown::Good,
    ),
    step(
        "/admin/denied",
        "a good token where only admins go",
        Shown::Good,
    ),
    step("/orders/good-again", "a good token", Shown::Good),
];

fn expired_long_ago(now: i64) -> Value {
    json!({"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600})
}

fn two_parts(token: &str) -> String {
    let kept = token.rsplit_once('.').map_or("", |(kept, _)| kept);
    format!("Bearer {kept}")
}

fn truncated(token: &str) -> String {
    let kept = token.len().saturating_sub(40);
    format!("Bearer {}", token.get(..kept).unwrap_or_default())
}

fn alg_none(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let payload = token.split('.').nth(1).unwrap_or_default();
    format!("Bearer {header}.{payload}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_path_of_its_own() {
        let mut paths: Vec<_> = STORY.iter().map(|step| step.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), STORY.len());
    }
}
