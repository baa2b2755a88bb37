//! The verdict as a whole: a table of cases, and what must hold of every exchange.

mod carriers;
mod case;
mod cases;
mod phrasings;
mod properties;
mod validators;

use std::net::SocketAddr;
use std::sync::Arc;

use httparse::Header;

use super::*;
use crate::credential::testing::policy;
use crate::credential::{Credential, Echo, Inspector};
use crate::exchange::{
    Capture, Connection, Excerpt, Field, Request, RequestHead, Response, Side, Target,
};
use crate::packet::ConnectionKey;
use crate::time::Timestamp;

/// The time of every request here.
pub(super) const NOW: i64 = 1_800_000_000;

/// An exchange of which everything was seen.
pub(super) fn exchange(
    authorization: Option<&[u8]>,
    with_keys: bool,
    response: Response,
) -> Exchange {
    let credential = authorization.and_then(|value| {
        let fields = [Header {
            name: "authorization",
            value,
        }];
        Inspector::new(policy(with_keys)).inspect(&fields, false)
    });
    let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
    let now = Timestamp::from_seconds(NOW);
    let length = authorization.map_or(0, <[u8]>::len);
    Exchange {
        connection: Connection {
            key: ConnectionKey::Socket(1),
            client: address,
            server: address,
            side: Side::Wire,
            unix: None,
        },
        number: 0,
        request: Some(Request {
            started: now,
            finished: now,
            seq: 0,
            head: Arc::new(RequestHead {
                target: Arc::new(Target {
                    protocol: "http/1.1",
                    method: "GET".to_owned(),
                    path: "/".to_owned(),
                    host: None,
                }),
                head_len: u32::try_from(length + 100).unwrap(),
                longest_field: u32::try_from(length + 15).unwrap(),
                preflight: false,
                credential,
                others: Vec::new(),
                left_out: Default::default(),
            }),
        }),
        response: Some(response),
        grant: None,
        secrets: Echo::default(),
        handled: None,
        capture: Capture::default(),
        completed: now,
    }
}

/// An answer of this status, with fields as they are on the wire and a whole body.
pub(super) fn answer(status: u16, fields: &[(&str, &str)], body: &str) -> Response {
    let field = |(name, value): &(&str, &str)| match *name {
        "www-authenticate" => (Field::WwwAuthenticate, (*value).to_owned()),
        "proxy-authenticate" => (Field::ProxyAuthenticate, (*value).to_owned()),
        "location" => (Field::Location, (*value).to_owned()),
        "date" => (Field::Date, (*value).to_owned()),
        "server" => (Field::Server, (*value).to_owned()),
        other => (Field::Other, format!("{other}: {value}")),
    };
    Response {
        started: Timestamp::from_seconds(NOW),
        finished: Timestamp::from_seconds(NOW),
        seq: 0,
        status,
        fields: fields.iter().map(field).collect(),
        excerpt: Excerpt::new(body.as_bytes().to_vec(), true),
    }
}

/// Changes the credential of an exchange.
pub(super) fn with_credential(exchange: &mut Exchange, change: impl FnOnce(&mut Credential)) {
    let request = exchange.request.as_mut().unwrap();
    let mut credential = (**request.credential.as_ref().unwrap()).clone();
    change(&mut credential);
    request.credential = Some(Arc::new(credential));
}

#[test]
fn what_makes_no_difference_is_remembered_as_the_same() {
    let mut judge = Judge::default();
    let fields = [("date", "Fri, 15 Jan 2027 08:00:00 GMT")];
    let mut first = exchange(
        Some(b"Bearer abc"),
        false,
        answer(401, &fields, "jwt expired"),
    );
    let verdict = judge.judge(&first, None);
    let request = first.request.as_mut().unwrap();
    request.path = "/other".to_owned();
    request.head_len += 5;
    let fields = [
        ("date", "Fri, 15 Jan 2027 08:00:01 GMT"),
        ("x-kong-request-id", "17"),
    ];
    first.response = Some(answer(401, &fields, "jwt expired"));
    assert!(Arc::ptr_eq(&judge.judge(&first, None), &verdict));
    assert_eq!(judge.remembered(), 1);
}

#[test]
fn without_an_answer_nothing_is_concluded() {
    let mut exchange = exchange(None, false, answer(401, &[], ""));
    exchange.response = None;
    let verdict = judge(&exchange, None);
    assert_eq!(
        (verdict.outcome, verdict.cause),
        (Outcome::Unanswered, None)
    );
}

#[test]
fn an_answer_without_its_request_is_judged_by_what_it_says() {
    let mut exchange = exchange(None, false, answer(401, &[], "Jwt is expired"));
    exchange.request = None;
    let verdict = judge(&exchange, None);
    assert_eq!(
        (verdict.cause, verdict.certainty),
        (Some(Cause::TokenExpired), Some(Certainty::Stated))
    );
    exchange.response = Some(answer(401, &[("www-authenticate", "Bearer")], ""));
    let verdict = judge(&exchange, None);
    assert_eq!(
        (verdict.cause, verdict.certainty),
        (Some(Cause::RejectedUnspecified), Some(Certainty::Unknown))
    );
}

#[test]
fn a_cut_token_is_never_malformed_or_truncated() {
    let token = crate::credential::testing::good(&serde_json::json!({"exp": NOW + 100_000}));
    let value = format!("Bearer {token}");
    for end in 8..value.len() {
        let credential =
            crate::credential::testing::inspect_bytes(&value.as_bytes()[..end], true, true);
        for body in [
            "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
            "jwt malformed",
            "",
        ] {
            let mut exchange = exchange(Some(value.as_bytes()), true, answer(401, &[], body));
            exchange.capture.request_cut = true;
            with_credential(&mut exchange, |own| *own = credential.clone());
            let verdict = judge(&exchange, None);
            let own = [Some(Cause::TokenMalformed), Some(Cause::TokenTruncated)];
            assert!(
                !own.contains(&verdict.cause) || verdict.certainty == Some(Certainty::Stated),
                "{verdict:?}"
            );
            assert!(!verdict.candidates.contains(&Cause::TokenTruncated));
        }
    }
}

#[test]
fn words_that_are_the_secret_are_not_quoted() {
    for (sent, said) in [
        ("Bearer correct-horse", "unknown token: correct-horse"),
        (
            "Basic YWRtaW46aHVudGVydHdv",
            "bad credentials: admin / huntertwo",
        ),
    ] {
        let exchange = exchange(Some(sent.as_bytes()), false, answer(401, &[], said));
        let evidence = judge(&exchange, None).evidence.join(" ");
        assert!(evidence.contains("[redacted]"), "{evidence}");
        assert!(!evidence.contains("correct-horse"), "{evidence}");
        assert!(!evidence.contains("huntertwo"), "{evidence}");
    }
}

#[test]
fn a_bound_of_ours_proves_nothing() {
    let sent = format!("Bearer eyJ{}", "a".repeat(70_000));
    let answer = answer(401, &[], "malformed token");
    let verdict = judge(&exchange(Some(sent.as_bytes()), false, answer), None);
    assert_eq!(verdict.cause, Some(Cause::TokenMalformed));
    assert_eq!(verdict.certainty, Some(Certainty::Stated));
}

#[test]
fn a_preflight_is_no_failure() {
    let mut exchange = exchange(
        None,
        false,
        answer(401, &[("www-authenticate", "Bearer")], ""),
    );
    exchange.request.as_mut().unwrap().preflight = true;
    let verdict = judge(&exchange, None);
    assert_eq!(
        (verdict.outcome, verdict.cause),
        (Outcome::Challenged, Some(Cause::NotAFailure))
    );
}

#[test]
fn the_evidence_is_readable() {
    let token = crate::credential::testing::good(&serde_json::json!({"exp": NOW - 312}));
    let challenge = r#"Bearer error="invalid_token", error_description="The token expired at '01/15/2027 07:54:48'""#;
    let fields = [
        ("www-authenticate", challenge),
        ("date", "Fri, 15 Jan 2027 08:01:00 GMT"),
    ];
    let exchange = exchange(
        Some(format!("Bearer {token}").as_bytes()),
        true,
        answer(401, &fields, ""),
    );
    let verdict = judge(&exchange, None);
    assert_eq!(
        verdict.explanation,
        "The token had expired: exp was 312 s before the request."
    );
    assert_eq!(
        verdict.evidence,
        [
            "the answer was 401",
            "WWW-Authenticate says \"The token expired at '01/15/2027 07:54:48'\", as ASP.NET Core JwtBearer does",
            "WWW-Authenticate says \"error=invalid_token\"",
            "exp was 312 s before the request",
            "ASP.NET Core JwtBearer checks the signature before that: it was in order there",
            "the signature is that of the issuer's key rsa-1",
            "the clock of the answering server is 60 s ahead of ours",
        ]
    );
}
