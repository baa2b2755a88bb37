//! Every kind of request. A flat table.
//!
//! "Just" is as near as a machine allows that stands still for some seconds now and then.

use observer_tests::mint::{part, unsigned};
use serde_json::json;

use super::{Field, Request, Shows, value};
use crate::catalogue::{Algorithm, Can, REVOKED};

const GOOD: Request = Request {
    id: "good",
    title: "nothing is wrong",
    truth: &[],
    symptoms: &[],
    shows: Shows::None,
    shows_another: Shows::None,
    needs: None,
    make: |m| m.bearer(json!({})),
};

/// Every kind of request.
pub const REQUESTS: &[Request] = &[
    GOOD,
    Request {
        id: "expired-inside",
        title: "`exp` just inside the leeway",
        truth: &["token_expired"],
        make: |m| m.bearer(m.expired(-15)),
        ..GOOD
    },
    Request {
        id: "expired-outside",
        title: "`exp` just outside the leeway",
        truth: &["token_expired"],
        make: |m| m.bearer(m.expired(3)),
        ..GOOD
    },
    Request {
        id: "expired",
        title: "`exp` an hour past",
        truth: &["token_expired"],
        shows: Shows::All,
        make: |m| m.bearer(m.expired(3600)),
        ..GOOD
    },
    Request {
        id: "nbf-inside",
        title: "`nbf` ahead, just inside the leeway",
        truth: &["token_not_yet_valid"],
        make: |m| m.bearer(m.ahead("nbf", -2)),
        ..GOOD
    },
    Request {
        id: "nbf-outside",
        title: "`nbf` ahead, just outside the leeway",
        truth: &["token_not_yet_valid"],
        make: |m| m.bearer(m.ahead("nbf", 20)),
        ..GOOD
    },
    Request {
        id: "nbf",
        title: "`nbf` an hour ahead",
        truth: &["token_not_yet_valid"],
        shows: Shows::All,
        make: |m| m.bearer(m.ahead("nbf", 3600)),
        ..GOOD
    },
    Request {
        id: "iat-inside",
        title: "`iat` ahead, just inside the leeway",
        truth: &["token_issued_in_future"],
        symptoms: &["token_not_yet_valid"],
        make: |m| m.bearer(m.ahead("iat", -2)),
        ..GOOD
    },
    Request {
        id: "iat-outside",
        title: "`iat` ahead, just outside the leeway",
        truth: &["token_issued_in_future"],
        symptoms: &["token_not_yet_valid"],
        make: |m| m.bearer(m.ahead("iat", 20)),
        ..GOOD
    },
    Request {
        id: "iat",
        title: "`iat` an hour ahead",
        truth: &["token_issued_in_future"],
        symptoms: &["token_not_yet_valid"],
        shows: Shows::All,
        make: |m| m.bearer(m.ahead("iat", 3600)),
        ..GOOD
    },
    Request {
        id: "expired-and-audience",
        title: "expired, and for another audience",
        truth: &["token_expired", "audience_mismatch"],
        shows: Shows::All,
        shows_another: Shows::Expectation,
        make: |m| {
            let mut claims = m.expired(3600);
            claims["aud"] = json!("billing");
            m.bearer(claims)
        },
        ..GOOD
    },
    Request {
        id: "expired-and-signature",
        title: "expired, and signed by somebody else",
        truth: &["token_expired", "signature_invalid"],
        shows: Shows::All,
        shows_another: Shows::Keys,
        make: |m| {
            let claims = m.claims(m.expired(3600));
            let token = m.signers().stranger.sign(&m.header(), &claims).ok()?;
            Some(value(format!("Bearer {token}")))
        },
        ..GOOD
    },
    Request {
        id: "nbf-and-issuer",
        title: "not yet valid, and of another issuer",
        truth: &["token_not_yet_valid", "issuer_mismatch"],
        shows: Shows::All,
        shows_another: Shows::Expectation,
        make: |m| {
            let mut claims = m.ahead("nbf", 3600);
            claims["iss"] = json!("https://elsewhere.test");
            m.bearer(claims)
        },
        ..GOOD
    },
    Request {
        id: "missing",
        title: "no token",
        truth: &["credentials_missing"],
        shows: Shows::All,
        make: |_| Some(Field::Missing),
        ..GOOD
    },
    Request {
        id: "basic",
        title: "the scheme Basic",
        truth: &["credentials_missing", "header_malformed"],
        make: |_| Some(value("Basic bGFiOmxhYg==".to_owned())),
        ..GOOD
    },
    Request {
        id: "scheme",
        title: "the token behind the scheme Token",
        truth: &["header_malformed", "credentials_missing"],
        make: |m| Some(value(format!("Token {}", m.token(json!({}))?))),
        ..GOOD
    },
    Request {
        id: "doubled",
        title: "Bearer twice",
        truth: &["header_malformed"],
        symptoms: &["token_malformed"],
        shows: Shows::All,
        make: |m| Some(value(format!("Bearer Bearer {}", m.token(json!({}))?))),
        ..GOOD
    },
    Request {
        id: "quoted",
        title: "quotes round the token",
        truth: &["header_malformed"],
        symptoms: &["token_malformed", "signature_invalid"],
        shows: Shows::All,
        make: |m| Some(value(format!("Bearer \"{}\"", m.token(json!({}))?))),
        ..GOOD
    },
    Request {
        id: "empty",
        title: "Bearer and nothing behind it",
        truth: &["header_malformed", "credentials_missing"],
        symptoms: &["token_malformed"],
        shows: Shows::All,
        make: |_| Some(value("Bearer".to_owned())),
        ..GOOD
    },
    Request {
        id: "cut-signature",
        title: "cut in its signature, as by a proxy",
        truth: &["token_truncated"],
        symptoms: &["signature_invalid", "token_malformed"],
        shows: Shows::All,
        make: |m| {
            let token = m.token(json!({}))?;
            let end = token.len().checked_sub(30)?;
            Some(value(format!("Bearer {}", token.get(..end)?)))
        },
        ..GOOD
    },
    Request {
        id: "cut-payload",
        title: "cut in its payload, as by a proxy",
        truth: &["token_truncated"],
        symptoms: &["signature_invalid", "token_malformed"],
        shows: Shows::All,
        make: |m| {
            let token = m.token(json!({}))?;
            let (payload, _) = token.rsplit_once('.')?;
            let end = payload.len().checked_sub(31)?;
            Some(value(format!("Bearer {}", payload.get(..end)?)))
        },
        ..GOOD
    },
    Request {
        id: "no-signature",
        title: "two parts in place of three",
        truth: &["token_malformed", "token_truncated"],
        symptoms: &["signature_invalid"],
        shows: Shows::All,
        make: |m| {
            let token = m.token(json!({}))?;
            let (payload, _) = token.rsplit_once('.')?;
            Some(value(format!("Bearer {payload}")))
        },
        ..GOOD
    },
    Request {
        id: "broken-header",
        title: "a header that is no JSON",
        truth: &["token_malformed"],
        shows: Shows::All,
        make: |m| {
            let token = m.token(json!({}))?;
            let (_, rest) = token.split_once('.')?;
            Some(value(format!(
                "Bearer {}.{rest}",
                part(&json!("no object"))
            )))
        },
        ..GOOD
    },
    Request {
        id: "no-jwt",
        title: "a word that is no JWT",
        truth: &["token_malformed"],
        make: |_| Some(value("Bearer 7b9f1c52d04e4a6fb8a1".to_owned())),
        ..GOOD
    },
    Request {
        id: "issuer",
        title: "another issuer",
        truth: &["issuer_mismatch"],
        shows: Shows::Expectation,
        make: |m| m.bearer(json!({"iss": "https://elsewhere.test"})),
        ..GOOD
    },
    Request {
        id: "audience",
        title: "another audience",
        truth: &["audience_mismatch"],
        shows: Shows::Expectation,
        make: |m| m.bearer(json!({"aud": "billing"})),
        ..GOOD
    },
    Request {
        id: "signature",
        title: "signed by somebody else, who uses the issuer's `kid`",
        truth: &["signature_invalid"],
        shows: Shows::Keys,
        make: |m| {
            let claims = m.claims(json!({}));
            let token = m.signers().stranger.sign(&m.header(), &claims).ok()?;
            Some(value(format!("Bearer {token}")))
        },
        ..GOOD
    },
    Request {
        id: "changed",
        title: "a claim changed after it was signed",
        truth: &["signature_invalid"],
        shows: Shows::Keys,
        make: |m| {
            let token = m.token(json!({}))?;
            let (head, rest) = token.split_once('.')?;
            let (_, signature) = rest.split_once('.')?;
            let payload = part(&m.claims(json!({"sub": "root"})));
            Some(value(format!("Bearer {head}.{payload}.{signature}")))
        },
        ..GOOD
    },
    Request {
        id: "key",
        title: "signed by a key that nobody knows, with its `kid`",
        truth: &["key_not_found", "signature_invalid"],
        shows: Shows::Keys,
        make: |m| {
            let unknown = m.signers().unknown.as_ref()?;
            let token = unknown.sign(&m.header(), &m.claims(json!({}))).ok()?;
            Some(value(format!("Bearer {token}")))
        },
        ..GOOD
    },
    Request {
        id: "alg-none",
        title: "`alg` none, and no signature",
        truth: &["alg_not_allowed"],
        symptoms: &["signature_invalid", "token_malformed"],
        shows: Shows::All,
        make: |m| {
            let kid = m.signers().issuer.kid.as_deref();
            let token = unsigned(kid, &m.claims(json!({})));
            Some(value(format!("Bearer {token}")))
        },
        ..GOOD
    },
    Request {
        id: "alg-other",
        title: "an HMAC that the validator does not take",
        truth: &["alg_not_allowed"],
        symptoms: &["signature_invalid", "key_not_found"],
        make: |m| {
            let signer = match m.validator.algorithm {
                Algorithm::Hs256 => &m.keys.hs512,
                Algorithm::Es256 | Algorithm::Rs256 => &m.keys.confused,
            };
            let token = signer.sign(&m.header(), &m.claims(json!({}))).ok()?;
            Some(value(format!("Bearer {token}")))
        },
        ..GOOD
    },
    Request {
        id: "no-exp",
        title: "no `exp`",
        truth: &["claim_missing"],
        make: |m| m.bearer(json!({"exp": null})),
        ..GOOD
    },
    Request {
        id: "no-audience",
        title: "no `aud`",
        truth: &["claim_missing", "audience_mismatch"],
        shows: Shows::Expectation,
        make: |m| m.bearer(json!({"aud": null})),
        ..GOOD
    },
    Request {
        id: "scope",
        title: "a scope is missing",
        truth: &["scope_insufficient"],
        symptoms: &["permission_denied"],
        needs: Some(Can::Scope),
        ..GOOD
    },
    Request {
        id: "denied",
        title: "nothing is wrong, but this caller may not",
        truth: &["permission_denied"],
        symptoms: &["scope_insufficient"],
        needs: Some(Can::Deny),
        ..GOOD
    },
    Request {
        id: "revoked",
        title: "revoked",
        truth: &["token_revoked"],
        needs: Some(Can::Revoke),
        make: |m| m.bearer(json!({"jti": REVOKED})),
        ..GOOD
    },
    Request {
        id: "refresh",
        title: "a refresh token",
        truth: &["token_type_wrong"],
        shows: Shows::All,
        needs: Some(Can::Type),
        make: |m| m.bearer(json!({"type": "refresh", "token_type": "refresh"})),
        ..GOOD
    },
];
