//! Verdicts on credentials that were not in the Authorization field.

use serde_json::json;

use super::*;
use crate::credential::testing::{carried_with, good};

/// The verdict on a request for `target` with these fields.
fn judged(target: &str, fields: &[(&str, &str)], response: Response) -> Verdict {
    let carried = carried_with(&mut Inspector::new(policy(false)), target, fields);
    let mut exchange = exchange(None, false, response);
    let request = exchange.request.as_mut().unwrap();
    request.credential = carried.judged;
    request.others = carried.others;
    let verdict = judge(&exchange, None);
    assert_eq!(*Judge::default().judge(&exchange, None), verdict);
    verdict
}

fn expired() -> String {
    good(&json!({"exp": NOW - 7200}))
}

#[test]
fn a_token_in_a_cookie_is_a_credential() {
    let cookie = format!("jwt={}", expired());
    let says = answer(401, &[], "jwt expired");
    let verdict = judged("/", &[("Cookie", &cookie)], says);
    assert_eq!(verdict.cause, Some(Cause::TokenExpired));
    assert_eq!(verdict.certainty, Some(Certainty::Proven));
}

#[test]
fn without_a_word_it_may_be_that_nobody_looked_there() {
    for (status, fields) in [
        (401, &[][..]),
        (401, &[("www-authenticate", "Bearer realm=\"x\"")]),
    ] {
        let target = format!("/?access_token={}", expired());
        let verdict = judged(&target, &[], answer(status, fields, ""));
        assert_eq!(verdict.certainty, Some(Certainty::Candidates));
        assert_eq!(
            verdict.candidates.get(..2),
            Some(&[Cause::TokenExpired, Cause::CredentialsMissing][..])
        );
        let place = "its token was in the parameter access_token of the query";
        assert!(
            verdict.explanation.contains(place),
            "{}",
            verdict.explanation
        );
    }
}

#[test]
fn a_server_that_saw_none_is_not_contradicted() {
    let says = answer(401, &[], "Jwt is missing");
    let verdict = judged("/", &[("X-Access-Token", &expired())], says);
    assert_eq!(verdict.cause, Some(Cause::CredentialsMissing));
    assert_eq!(verdict.certainty, Some(Certainty::Stated));
    assert!(
        verdict.explanation.contains("x-access-token"),
        "{}",
        verdict.explanation
    );
}

#[test]
fn what_is_malformed_is_called_by_its_name() {
    let doubled = format!("Bearer Bearer {}", good(&json!({"exp": NOW + 9000})));
    let complains = || answer(401, &[], "malformed authorization header");
    for (name, says) in [
        ("Authorization", "The Authorization field is malformed"),
        (
            "X-Forwarded-Access-Token",
            "The field x-forwarded-access-token is malformed",
        ),
    ] {
        let verdict = judged("/", &[(name, &doubled)], complains());
        assert_eq!(verdict.cause, Some(Cause::HeaderMalformed));
        assert!(
            verdict.explanation.starts_with(says),
            "{}",
            verdict.explanation
        );
    }
    let asks = [("proxy-authenticate", "Bearer")];
    let doubled = ("Proxy-Authorization", doubled.as_str());
    let verdict = judged("/", &[doubled], answer(407, &asks, ""));
    assert!(
        verdict
            .explanation
            .contains("the Proxy-Authorization field is malformed"),
        "{}",
        verdict.explanation
    );
    // What the server says is its own.
    let cookie = format!("jwt={}", good(&json!({"exp": NOW + 9000})));
    let verdict = judged("/", &[("Cookie", &cookie)], complains());
    assert!(
        verdict
            .explanation
            .starts_with("The server says that the Authorization field is malformed"),
        "{}",
        verdict.explanation
    );
    assert!(
        verdict
            .explanation
            .contains("its token was in the cookie jwt")
    );
}

#[test]
fn a_407_is_about_the_field_for_proxies() {
    let asks = [("proxy-authenticate", "Basic realm=\"p\"")];
    let authorization = ("Authorization", "Bearer abc");
    let verdict = judged("/", &[authorization], answer(407, &asks, ""));
    assert_eq!(verdict.cause, Some(Cause::CredentialsMissing));
    let proxy = ("Proxy-Authorization", "Bearer abc");
    let verdict = judged("/", &[authorization, proxy], answer(407, &asks, ""));
    assert_eq!(verdict.cause, Some(Cause::RejectedUnspecified));
    // And nobody else's answer is.
    let verdict = judged(
        "/",
        &[authorization, proxy],
        answer(401, &[], "token revoked"),
    );
    assert_eq!(verdict.cause, Some(Cause::TokenRevoked));
}

#[test]
fn a_proof_alone_is_no_credential() {
    let verdict = judged("/", &[("DPoP", &good(&json!({})))], answer(401, &[], ""));
    assert_eq!(verdict.cause, Some(Cause::CredentialsMissing));
}

#[test]
fn two_tokens_are_said() {
    let fields = [("Authorization", "Bearer abcdef")];
    let verdict = judged(
        "/?access_token=other",
        &fields,
        answer(
            400,
            &[("www-authenticate", "Bearer error=\"invalid_request\"")],
            "",
        ),
    );
    let says = "another in the parameter access_token of the query";
    assert!(
        verdict.evidence.iter().any(|fact| fact.contains(says)),
        "{:?}",
        verdict.evidence
    );
}

#[test]
fn a_server_that_says_there_are_two_is_borne_out() {
    let fields = [("Authorization", "Bearer abcdef")];
    let says = || answer(401, &[], r#"{"message":"Multiple tokens provided"}"#);
    let verdict = judged("/?access_token=other", &fields, says());
    assert_eq!(verdict.cause, Some(Cause::CredentialsDuplicated));
    assert_eq!(verdict.certainty, Some(Certainty::Proven));
    let same = judged("/?access_token=abcdef", &fields, says());
    assert_eq!(same.certainty, Some(Certainty::Stated));
}

#[test]
fn what_an_answer_repeats_of_any_of_them_does_not_show() {
    let secret = "correct-horse";
    let body = format!("token expired: {secret}");
    for (target, field) in [
        ("/?token=correct-horse", ("A", "b")),
        ("/", ("Cookie", "auth_token=correct-horse")),
        ("/", ("X-Vault-Token", secret)),
        (
            "/",
            ("Proxy-Authorization", "Basic dXNlcjpjb3JyZWN0LWhvcnNl"),
        ),
    ] {
        for authorization in [("Authorization", "Bearer abcdef"), ("B", "c")] {
            let verdict = judged(target, &[authorization, field], answer(401, &[], &body));
            let evidence = verdict.evidence.join(" ");
            assert!(evidence.contains("token expired: [redacted]"), "{evidence}");
            assert!(!evidence.contains(secret), "{evidence}");
        }
    }
}

#[test]
fn a_preflight_and_a_first_leg_are_what_they_are_beside_a_cookie() {
    let asks = [("www-authenticate", "Negotiate")];
    let verdict = judged(
        "/",
        &[("Cookie", "auth_token=abcdef")],
        answer(401, &asks, ""),
    );
    assert_eq!(verdict.outcome, Outcome::Challenged);
    assert_eq!(verdict.cause, Some(Cause::NotAFailure));
}
