//! The events of a capture: what leaves observer at the end.

use observer::verdict::{Cause, Outcome};
use observer_tests::capture::{Capture, Conversation, START};
use serde_json::Value;

use super::pipeline::{Replay, event, ndjson};
use super::talk::{HOUR, answer, connection, get, get_with, token};

fn events(talk: &Conversation) -> Vec<observer::event::Event> {
    let file = Capture::of([talk.clone()]).pcap();
    Replay::default()
        .exchanges(&file)
        .iter()
        .map(event)
        .collect()
}

#[test]
fn rejections_have_their_causes() {
    let expired = format!("Bearer {}", token(START - HOUR));
    let challenge = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\n\
                     Content-Length: 0\r\n\r\n";
    let scope = "HTTP/1.1 403 Forbidden\r\nWWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n\
                 Content-Length: 0\r\n\r\n";
    let mut talk = connection();
    talk.client(get("/accepted"))
        .server(answer(200, "yes"))
        .client(get_with("/missing", None))
        .server(answer(401, "no"))
        .client(get_with("/expired", Some(&expired)))
        .server(challenge)
        .client(get("/scope"))
        .server(scope)
        .close();
    let events = events(&talk);
    let causes: Vec<_> = events.iter().map(|event| event.verdict.cause).collect();
    assert_eq!(
        causes,
        [
            None,
            Some(Cause::CredentialsMissing),
            Some(Cause::TokenExpired),
            Some(Cause::ScopeInsufficient)
        ]
    );
    assert_eq!(events[0].verdict.outcome, Outcome::Accepted);
    assert_eq!(events[2].verdict.outcome, Outcome::Rejected);
    let evidence = events[2].verdict.evidence.join(" ");
    assert!(evidence.contains("3600"), "{evidence}");
}

#[test]
fn a_cut_token_is_not_said_to_be_broken() {
    let mut talk = connection();
    talk.client(get("/a")).server(answer(401, "no")).close();
    let headers = 14 + 20 + 32;
    let capture = Capture::of([talk]).snap_len(headers + 150);
    let exchanges = Replay::default().exchanges(&capture.pcap());
    let [exchange] = exchanges.as_slice() else {
        panic!("{} exchanges", exchanges.len());
    };
    let event = event(exchange);
    assert!(event.capture.cut.contains(&"request"));
    let blamed = [
        Some(Cause::TokenMalformed),
        Some(Cause::TokenTruncated),
        Some(Cause::HeaderMalformed),
        Some(Cause::CredentialsMissing),
    ];
    assert!(
        !blamed.contains(&event.verdict.cause),
        "{:?}",
        event.verdict
    );
}

#[test]
fn an_event_is_as_documented() {
    let mut talk = connection();
    talk.client(get("/a?code=secret"))
        .server(answer(401, "no"))
        .close();
    let file = Capture::of([talk]).pcap();
    let line = ndjson(&Replay::default().exchanges(&file));
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["schema"], "observer.exchange/1");
    // The SYN is captured 100 µs after the start, and the request is the fourth packet.
    assert_eq!(event["time"], "2023-11-14T22:13:20.000400Z");
    assert_eq!(event["side"], "wire");
    assert_eq!(event["connection"]["client"], "10.0.0.1:40000");
    assert_eq!(event["connection"]["server"], "10.0.0.2:80");
    assert_eq!(event["request"]["path"], "/a");
    assert_eq!(event["request"]["host"], "orders.example");
    assert_eq!(event["response"]["status"], 401);
    // The client acknowledges in between.
    assert_eq!(event["response"]["duration_us"], 200);
    assert_eq!(event["credential"]["kind"], "jwt");
    assert_eq!(event["process"], Value::Null);
    for secret in ["secret", &token(START + HOUR)[..40]] {
        assert!(!line.contains(secret), "{line}");
    }
}

/// What an answer repeats of a secret that has no shape, in whatever writing, reaches no event.
#[test]
fn no_event_has_a_secret_that_an_answer_repeats() {
    let post = |path: &str, form: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        )
    };
    let with =
        |path: &str, field: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
    let many: String = (0..70).map(|at| format!("a{at}=b&")).collect();
    let tokens: String = (0..7).map(|at| format!("jwt=opaque-{at}&")).collect();
    let mut talk = connection();
    for (request, body) in [
        (
            post(
                "/token",
                "grant_type=password&username=u&password=orange-cellar",
            ),
            r#"{"error":"bad password orange-cellar"}"#,
        ),
        (
            post("/login", "password=orange%40%22cellar"),
            "no token for orange%40%22cellar, orange@&quot;cellar or orange@\\\"cellar",
        ),
        (
            post("/login", &format!("{many}password=orange-cellar")),
            "the token orange-cellar has expired",
        ),
        (
            with("/a", "Authorization: orange-cellar of somebody"),
            "the token orange-cellar of somebody has expired",
        ),
        (
            with(&format!("/a?{tokens}jwt=orange-cellar"), "A: b"),
            "the token orange-cellar has expired",
        ),
        (
            with("/a", "Authorization: Bearer abcd,orange-cellar somebody"),
            "the token orange-cellar of SOMEBODY has expired",
        ),
        (
            with("/a", "Authorization: Basic b3JhbmdlLWNlbGxhcjo"),
            "no user orange-cellar",
        ),
        (
            post("/logout", "refresh_token=orange-cellar"),
            "the token orange-cellar has expired",
        ),
        (
            post("/form", "a=b&new_password=orange+c%2Bellar"),
            "no orange%20c%252Bellar",
        ),
        (
            with(
                "/a",
                "Authorization: Bearer a\r\nAuthorization: Bearer orange-cellar",
            ),
            "the token orange-cellar has expired",
        ),
        (
            with("/a?access_token=orange%2Fcellar", "A: b"),
            "the token orange%2Fcellar has expired",
        ),
    ] {
        talk.client(request).server(answer(401, body));
    }
    // The capture lost the end of this one.
    talk.client(with(
        "/a",
        "Authorization: Bearer orange-cellar-and-more-of-it",
    ))
    .server("HTTP/1.1 401 X\r\nContent-Length: 99\r\n\r\nthe token has expired: orange-cell")
    .close();
    let events = events(&talk);
    assert_eq!(events.len(), 12);
    for event in &events {
        let event = serde_json::to_string(event).unwrap();
        for secret in ["orange", "cellar", "somebody"] {
            assert!(!event.contains(secret), "{event}");
        }
    }
    assert_eq!(events[3].verdict.cause, Some(Cause::TokenExpired));
}
