//! What follows from who it was that checked.

use serde_json::json;

use super::super::{Cause, Certainty, RecognisedBy, Verdict, judge};
use super::{NOW, answer, exchange};
use crate::credential::testing::good;
use Cause::*;

type Fields = &'static [(&'static str, &'static str)];

fn verdict(claims: serde_json::Value, status: u16, fields: Fields, body: &str) -> Verdict {
    let mut all = json!({"aud": "orders", "exp": NOW + 3600});
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let value = format!("Bearer {}", good(&all));
    judge(
        &exchange(Some(value.as_bytes()), true, answer(status, fields, body)),
        None,
    )
}

fn who(verdict: &Verdict) -> Option<(&str, RecognisedBy, bool)> {
    let recognised = verdict.validator.as_ref()?;
    Some((&recognised.name, recognised.by, recognised.certain))
}

const KONG: Fields = &[("server", "kong/3.6.1"), ("x-kong-response-latency", "1")];
const POSTGREST: Fields = &[("server", "postgrest/12.2.0")];
const ENVOY: Fields = &[
    ("server", "envoy"),
    (
        "www-authenticate",
        "Bearer realm=\"http://a/b\", error=\"invalid_token\"",
    ),
];

#[test]
fn who_it_was_is_told_by_words_fields_challenges_and_pages() {
    let of = |status, fields, body| {
        let verdict = verdict(json!({}), status, fields, body);
        who(&verdict).map(|(name, by, certain)| (name.to_owned(), by, certain))
    };
    let want = |name: &str, by, certain| Some((name.to_owned(), by, certain));
    use RecognisedBy::{Challenge, Field, Page, Words};
    for (status, fields, body, expected) in [
        (
            401,
            &[][..],
            "Jwt is expired",
            want("Envoy jwt_authn", Words, true),
        ),
        (401, ENVOY, "", want("Envoy jwt_authn", Challenge, true)),
        (
            401,
            KONG,
            r#"{"message":"Unauthorized"}"#,
            want("Kong", Field, true),
        ),
        (
            401,
            KONG,
            r#"{"message":"Bad token; invalid JSON"}"#,
            want("Kong jwt", Words, true),
        ),
        (401, POSTGREST, "", want("PostgREST", Field, true)),
        (
            401,
            &[(
                "www-authenticate",
                "Bearer error=\"invalid_token\", error_uri=\"https://tools.ietf.org/html/rfc6750#section-3.1\"",
            )],
            "",
            want("Spring Security", Challenge, true),
        ),
        (
            422,
            &[],
            r#"{"msg":"Not enough segments"}"#,
            want("Flask-JWT-Extended", Words, true),
        ),
        // What a library says can be said by anybody.
        (
            401,
            &[],
            "jwt malformed",
            want("jsonwebtoken (Node)", Words, false),
        ),
        (401, &[], "Keycloak says: Stale token", None),
        // Another answered behind it.
        (
            401,
            &[("server", "envoy"), ("x-envoy-upstream-service-time", "3")],
            "",
            None,
        ),
        (
            401,
            &[("server", "istio-envoy")],
            "",
            want("Envoy", Field, false),
        ),
        (
            401,
            &[],
            "<html><body><h1>401 Unauthorized</h1>\nYou need a valid user and password to access this content.\n</body></html>",
            want("HAProxy", Page, false),
        ),
        // Several say the same.
        (401, &[], "JWT expired", None),
        (401, &[("server", "nginx/1.22")], "", None),
    ] {
        assert_eq!(of(status, fields, body), expected, "{fields:?} {body}");
    }
    // Who lets a request in checked it, too, but nobody asks.
    assert_eq!(of(200, POSTGREST, "{}"), None);
}

#[test]
fn the_leeway_of_who_it_was_for_certain_takes_the_place_of_the_widest() {
    let expired = |ago: i64, fields, body| {
        let verdict = verdict(json!({"exp": NOW - ago}), 401, fields, body);
        (verdict.cause.unwrap(), verdict.certainty.unwrap())
    };
    assert_eq!(
        expired(100, &[], "Jwt is expired"),
        (TokenExpired, Certainty::Proven)
    );
    assert_eq!(
        expired(62, &[], "Jwt is expired"),
        (TokenExpired, Certainty::Stated)
    );
    // It is not certain that Node said it.
    assert_eq!(
        expired(100, &[], "jwt expired"),
        (TokenExpired, Certainty::Stated)
    );
    assert_eq!(
        expired(33, POSTGREST, ""),
        (TokenExpired, Certainty::TokenEvidence)
    );
    assert_eq!(expired(32, POSTGREST, "").1, Certainty::Candidates);
    // exp is ahead, and by more than any clock explains.
    assert_eq!(
        expired(-63, &[], "Jwt is expired"),
        (TokenExpired, Certainty::Conflict)
    );
    assert_eq!(
        expired(-62, &[], "Jwt is expired"),
        (TokenExpired, Certainty::Stated)
    );
    let said = verdict(json!({"exp": NOW - 100}), 401, &[], "Jwt is expired").evidence;
    let sentence = "Envoy jwt_authn lets a token live 60 s longer than exp by default";
    assert!(said.iter().any(|said| said == sentence), "{said:?}");
}

#[test]
fn what_was_checked_before_is_said() {
    let said = |body| {
        verdict(json!({"exp": NOW - 9000}), 401, &[], body)
            .evidence
            .join("\n")
    };
    let node = said("jwt expired");
    let before = "jsonwebtoken (Node) checks the signature before that, as far as these are its words: it was in order there";
    assert!(node.contains(before), "{node}");
    let envoy = said("Jwt is expired");
    let after = "Envoy jwt_authn checks the signature after that: this says nothing of it";
    assert!(envoy.contains(after), "{envoy}");
    // Several say it, and not all of them check alike.
    assert!(!said("JWT expired").contains("checks the signature"));
}

#[test]
fn a_signature_that_our_keys_refuse_and_the_service_does_not_is_told() {
    let token = |exp: i64| good(&json!({"exp": exp}));
    let (a, b) = (token(NOW - 9000), token(NOW - 9001));
    let (start, _) = b.rsplit_once('.').unwrap();
    let (_, signature) = a.rsplit_once('.').unwrap();
    let forged = format!("Bearer {start}.{signature}");
    let of = |body| {
        let answer = answer(401, &[], body);
        judge(&exchange(Some(forged.as_bytes()), true, answer), None)
    };
    let node = of("jwt expired");
    assert_eq!(node.cause, Some(TokenExpired));
    let sentence = "our keys say that the signature is not valid: the service has others, or does not check it";
    assert!(
        node.evidence.iter().any(|said| said == sentence),
        "{node:?}"
    );
    assert!(
        !of("Jwt is expired")
            .evidence
            .iter()
            .any(|said| said == sentence)
    );
}

#[test]
fn of_several_defects_the_first_that_is_checked_comes_first() {
    let both = json!({"exp": NOW - 9000, "nbf": NOW + 9000, "iat": NOW + 9000});
    let generic = verdict(both.clone(), 401, &[], "");
    assert_eq!(generic.candidates[..2], [TokenExpired, TokenNotYetValid]);
    let postgrest = verdict(both, 401, POSTGREST, "");
    assert_eq!(
        postgrest.candidates[..3],
        [TokenExpired, TokenNotYetValid, TokenIssuedInFuture]
    );
    let node = verdict(
        json!({"exp": NOW - 9000, "nbf": NOW + 9000}),
        401,
        &[],
        "jwt malformed",
    );
    assert_eq!(who(&node).map(|who| who.0), Some("jsonwebtoken (Node)"));
}

#[test]
fn the_status_tells_what_it_cannot_be() {
    // Envoy answers 403 for the audience and for nothing else about the token.
    let not_audience = verdict(json!({}), 401, ENVOY, "");
    assert!(
        !not_audience.candidates.contains(&AudienceMismatch),
        "{not_audience:?}"
    );
    let audience = verdict(json!({}), 403, ENVOY, "");
    assert_eq!(audience.candidates, [AudienceMismatch]);
    // What it answers with 403 is not what is wrong with the times.
    let expired = verdict(json!({"exp": NOW - 9000}), 403, ENVOY, "");
    assert_ne!(expired.cause, Some(TokenExpired), "{expired:?}");
    // Whoever says that the token is bad does not mean what its bearer may do.
    let bad = verdict(
        json!({"exp": NOW - 9000}),
        403,
        &[],
        r#"{"error":"invalid token"}"#,
    );
    assert_eq!(bad.cause, Some(TokenExpired));
    assert_eq!(bad.certainty, Some(Certainty::TokenEvidence));
}
