//! What must hold of every exchange, however hostile.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Certainty, Expectation, Judge, judge};
use super::{NOW, answer, exchange};
use crate::credential::testing::good;
use crate::exchange::Exchange;
use crate::time::Timestamp;

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

/// Times around those at which a verdict changes, in milliseconds after [`NOW`].
const TIMES: [i64; 13] = [
    -302_001, -302_000, -33_000, -2_001, -2_000, -501, -500, 0, 499, 500, 2_001, 302_001, 7_200_000,
];

/// What makes one exchange differ from another.
#[derive(Clone, Debug)]
struct Case {
    seen: usize,
    time: i64,
    status: u16,
    fields: &'static [(&'static str, &'static str)],
    body: &'static str,
    head_len: u32,
    longest_field: u32,
    bits: [bool; 4],
}

/// Exchanges that differ from each other in one or a few of the things that a verdict rests on.
fn alike() -> impl Strategy<Value = Vec<Case>> {
    const FIELDS: [&[(&str, &str)]; 11] = [
        &[],
        &[("www-authenticate", "Bearer error=\"invalid_token\"")],
        &[("proxy-authenticate", "Bearer error=\"invalid_token\"")],
        &[("date", "Fri, 15 Jan 2027 08:00:00 GMT")],
        &[("date", "Fri, 15 Jan 2027 08:00:10 GMT")],
        &[("grpc-status", "16")],
        &[("grpc-status", "7"), ("grpc-message", "jwt expired")],
        &[("x-kong-response-latency", "3")],
        &[("location", "/login")],
        &[("server", "postgrest/12.2.0")],
        &[
            ("server", "envoy"),
            ("www-authenticate", "Bearer realm=\"http://a/\""),
        ],
    ];
    const BODIES: [&str; 4] = [
        "",
        "jwt expired",
        "{\"error\":\"jwt expired\"}",
        "Request Header Or Cookie Too Large",
    ];
    let sizes = prop_oneof![Just(300u32), Just(3000), Just(9000)];
    let status = prop_oneof![
        4 => Just(401u16), 1 => Just(200), 1 => Just(403), 1 => Just(400), 1 => Just(431)
    ];
    let case = (
        0..seen().len(),
        prop::sample::select(&TIMES[..]),
        status,
        prop::sample::select(&FIELDS[..]),
        prop::sample::select(&BODIES[..]),
        (sizes.clone(), sizes, any::<[bool; 4]>()),
    );
    let case = case.prop_map(|(seen, time, status, fields, body, rest)| Case {
        seen,
        time,
        status,
        fields,
        body,
        head_len: rest.0,
        longest_field: rest.1,
        bits: rest.2,
    });
    prop::collection::vec(case, 1..60)
}

impl Case {
    fn exchange(&self, seen: &[Exchange]) -> Exchange {
        let mut exchange = seen[self.seen].clone();
        let [preflight, cut, response_cut, unseen] = self.bits;
        exchange.response = Some(answer(self.status, self.fields, self.body));
        exchange.capture.request_cut = cut;
        exchange.capture.response_cut = response_cut;
        if let Some(request) = &mut exchange.request {
            request.finished = Timestamp::from_nanos((NOW * 1000 + self.time) * 1_000_000);
            (request.head_len, request.longest_field) = (self.head_len, self.longest_field);
            request.preflight = preflight;
        }
        if unseen && cut {
            exchange.request = None;
        }
        exchange
    }
}

/// One without a credential, and some with different ones.
fn seen() -> Vec<Exchange> {
    let tokens = [
        json!({"exp": NOW}),
        json!({"exp": NOW + 1, "nbf": NOW}),
        json!({"iat": NOW, "aud": "a"}),
    ];
    let fields = tokens
        .iter()
        .map(|claims| Some(format!("Bearer {}", good(claims))))
        .chain([Some("Basic YTpiYWQh".to_owned()), None]);
    fields
        .map(|field| {
            exchange(
                field.as_ref().map(String::as_bytes),
                true,
                answer(401, &[], ""),
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn who_remembers_says_the_same(cases in alike(), expect in any::<[bool; 8]>()) {
        let seen = seen();
        let mut remembering = Judge::default();
        let expectation = Expectation { issuer: vec![], audience: vec!["b".into()] };
        // Twice, so that each is remembered once.
        for (case, expect) in cases.iter().chain(&cases).zip(expect.iter().cycle()) {
            let exchange = &case.exchange(&seen);
            let expected = expect.then_some(&expectation);
            prop_assert_eq!(&*remembering.judge(exchange, expected), &judge(exchange, expected));
        }
    }

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
