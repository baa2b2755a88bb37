//! What must hold of every exchange, however hostile.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Certainty, Expectation, judge};
use super::{NOW, answer, exchange};
use crate::credential::testing::good;

/// Pieces of which hostile answers are made.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,60}",
        Just("Jwt is expired".to_owned()),
        Just("{\"error\":\"invalid_token\",\"errors\":[{\"message\":\"jwt expired\"}]}".to_owned()),
        Just(
            "Bearer error=\"invalid_token\", error_description=\"The audience is invalid\""
                .to_owned()
        ),
        "Bearer [a-z_]{1,12}=\"?[ -~]{0,30}",
    ]
}

fn claims() -> impl Strategy<Value = serde_json::Value> {
    let time = prop_oneof![
        Just(json!(null)),
        (-1_000_000i64..1_000_000).prop_map(|offset| json!(NOW + offset)),
        any::<f64>().prop_map(|time| json!(time)),
        Just(json!("soon")),
    ];
    (time.clone(), time.clone(), time, any::<Option<String>>())
        .prop_map(|(exp, nbf, iat, aud)| json!({"exp": exp, "nbf": nbf, "iat": iat, "aud": aud}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn never_panics(
        field in prop::option::of(prop::collection::vec(any::<u8>(), 0..80)),
        claims in prop::option::of(claims()),
        status in prop_oneof![100u16..600, Just(401), Just(403), Just(400)],
        challenge in text(), other in text(), body in text(),
        cut: bool, expect: bool,
    ) {
        let field = claims.map(|claims| format!("Bearer {}", good(&claims)).into_bytes()).or(field);
        let fields = [
            ("www-authenticate", challenge.as_str()),
            ("grpc-message", other.as_str()),
            ("location", other.as_str()),
            ("date", other.as_str()),
        ];
        let mut exchange = exchange(field.as_deref(), true, answer(status, &fields, &body));
        exchange.capture.request_cut = cut;
        let expectation = Expectation { issuer: vec!["a".into()], audience: vec!["b".into()] };
        let verdict = judge(&exchange, expect.then_some(&expectation));
        for sentence in verdict.evidence.iter().chain([&verdict.explanation]) {
            prop_assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
        }
        exchange.response = None;
        judge(&exchange, None);
        exchange.request = None;
        judge(&exchange, None);
    }

    #[test]
    fn nothing_is_proven_by_an_answer_that_says_nothing(claims in claims(), status in 200u16..600) {
        // Status 431 says what it says.
        prop_assume!(status != 431);
        let value = format!("Bearer {}", good(&claims));
        let verdict = judge(&exchange(Some(value.as_bytes()), false, answer(status, &[], "")), None);
        prop_assert_ne!(verdict.certainty, Some(Certainty::Proven));
        prop_assert_ne!(verdict.certainty, Some(Certainty::Stated));
    }

    #[test]
    fn a_secret_never_shows(
        secret in prop::collection::vec(any::<u8>(), 24..48),
        status in prop_oneof![Just(401u16), Just(403), Just(400), Just(500), Just(200)],
    ) {
        use base64::prelude::*;
        prop_assume!(secret.iter().collect::<std::collections::BTreeSet<_>>().len() > 16);
        let canary = BASE64_URL_SAFE_NO_PAD.encode(&secret);
        let token = good(&json!({"exp": NOW - 9999, "canary": canary, "sub": canary, "aud": "orders"}));
        let signature = token.rsplit('.').next().unwrap().to_owned();
        let payload = token.split('.').nth(1).unwrap().to_owned();
        let body = format!("{{\"error\":\"jwt expired: {token}\",\"message\":\"invalid signature {signature} {canary}\"}}");
        let challenge = format!("Bearer error=\"invalid_token\", error_description=\"Token {token} expired; {canary}\"");
        let fields = [("www-authenticate", challenge.as_str()), ("location", "/login/x"), ("x-token", token.as_str())];
        for field in [format!("Bearer {token}"), format!("Bearer Bearer \"{token}\""), token.clone(), format!("Basic {canary}")] {
            let exchange = exchange(Some(field.as_bytes()), true, answer(status, &fields, &body));
            let shown = format!("{:?} {:?}", judge(&exchange, None), exchange.request.unwrap().credential);
            for secret in [&canary, &signature, &payload, &token] {
                prop_assert!(!shown.contains(secret.as_str()), "{shown}");
            }
        }
    }
}
