//! Exchanges to test sinks with.

use std::sync::Arc;

use serde_json::json;

use crate::credential::{
    Carrier, Claims, Credential, Defect, Echo, Fingerprint, JoseHeader, Kind, Signature,
};
use crate::exchange::{
    Capture, Connection, Excerpt, Exchange, Request, RequestHead, Response, Side, Target,
};
use crate::identity::{Container, Process};
use crate::oauth::{Action, Grant, Role, Token};
use crate::packet::{ConnectionKey, Handling, KnownBy};
use crate::time::Timestamp;
use crate::verdict::{Cause, Certainty, Outcome, Recognised, RecognisedBy, Verdict};

use super::{Event, Paths, Requests, Seen};

/// An exchange of a server that refused an expired token.
pub(crate) fn exchange() -> Exchange {
    Exchange {
        connection: Connection {
            key: ConnectionKey::Socket(7),
            client: "10.0.0.9:40000".parse().unwrap(),
            server: "10.0.0.1:8080".parse().unwrap(),
            side: Side::Server,
            unix: None,
        },
        number: 0,
        request: Some(Request {
            started: at(0),
            finished: at(100),
            seq: 1000,
            head: Arc::new(RequestHead {
                target: Arc::new(Target {
                    protocol: "http/1.1",
                    method: "GET".to_owned(),
                    path: "/orders/4711".to_owned(),
                    host: Some("orders.example".to_owned()),
                }),
                head_len: 400,
                longest_field: 300,
                preflight: false,
                credential: Some(Arc::new(credential())),
                others: Vec::new(),
                left_out: Default::default(),
            }),
        }),
        response: Some(Response {
            started: at(1350),
            finished: at(1400),
            seq: 2000,
            status: 401,
            fields: Arc::default(),
            excerpt: Excerpt::default(),
        }),
        grant: None,
        secrets: Echo::default(),
        handled: Some(Handling {
            pid: 4121,
            tid: 4122,
            name: "orders".to_owned(),
            process: Some(Arc::new(Process {
                executable: Some("/opt/orders/bin/serve".to_owned()),
                started: Some(Timestamp::from_seconds(1_699_992_800)),
                cgroup: Some("/system.slice/orders.service/libpod-payload-4f1e".to_owned()),
                container: Some(Container {
                    id: "4f1e".to_owned(),
                    runtime: Some("podman"),
                    name: Some("orders-1".to_owned()),
                }),
                unit: Some("orders.service".to_owned()),
                workload: Some("orders-1".to_owned()),
            })),
            cgroup: 99,
            known_by: KnownBy::Tracepoint,
        }),
        capture: Capture::default(),
        completed: at(1400),
    }
}

/// The verdict on [`exchange`].
pub(crate) fn verdict() -> Verdict {
    Verdict {
        outcome: Outcome::Rejected,
        cause: Some(Cause::TokenExpired),
        certainty: Some(Certainty::Proven),
        evidence: vec!["exp was 312 s before the request".to_owned()],
        candidates: vec![Cause::TokenRevoked],
        validator: Some(Recognised {
            name: "Kong jwt".to_owned(),
            by: RecognisedBy::Words,
            certain: true,
        }),
        explanation: "The token had expired 312 s before.".to_owned(),
    }
}

/// A refresh that was refused.
pub(crate) fn grant() -> Grant {
    Grant {
        grant_type: Some("refresh_token".to_owned()),
        client: Some("web".to_owned()),
        presented: vec![Token {
            role: Role::RefreshToken,
            kind: Kind::Opaque,
            fingerprint: Fingerprint(0x123),
            expires: None,
        }],
        error: Some("invalid_grant".to_owned()),
        answer_cut: true,
        ..Grant::new(Action::Issue)
    }
}

/// The event of [`exchange`] at a server called `orders:8080`.
pub(crate) fn event() -> Event {
    event_of(&exchange(), verdict())
}

/// The event of an exchange at a server called `orders:8080`.
pub(crate) fn event_of(exchange: &Exchange, verdict: Verdict) -> Event {
    let seen = Seen {
        exchange,
        service: &"orders:8080".into(),
        requests: &mut Requests::new(Paths::Templated),
    };
    seen.with(verdict)
}

fn credential() -> Credential {
    Credential {
        carrier: Carrier::Authorization,
        scheme: Some("bearer".to_owned()),
        kind: Kind::Jwt,
        signer: None,
        fingerprint: Some(Fingerprint(0xabc)),
        length: 250,
        cut: false,
        header: Some(JoseHeader {
            alg: Some("RS256".to_owned()),
            kid: Some("k1".to_owned()),
            ..JoseHeader::default()
        }),
        claims: Some(Claims {
            expires: Some(1_699_999_688.0),
            shown: json!({"iss": "https://issuer.example", "exp": 1_699_999_688})
                .as_object()
                .cloned()
                .unwrap(),
            withheld: vec!["email".to_owned()],
            subject: Some(Fingerprint(0xdef)),
            ..Claims::default()
        }),
        defects: vec![Defect::ShortSignature {
            have: 255,
            want: 256,
        }],
        signature: Signature::Invalid { kid: None },
        proof: None,
        echo: Echo::default(),
    }
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + micros * 1000)
}
