//! What leaves observer: one event per exchange, schema `observer.exchange/1`.
//!
//! docs/events.md describes every field and what stays the same. What is unknown is absent, never
//! null. Text from the wire is capped and escaped by [`crate::redact`] before it gets here.

mod build;
mod condition;
mod credential;
mod grant;
mod line;
mod process;
mod request;
mod text;
mod verdict;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;

pub use build::Seen;
pub use condition::ConditionEvent;
pub use credential::CredentialPart;
pub use grant::GrantPart;
pub use line::Lines;
pub use process::{ContainerPart, ProcessPart, UnitPart};
pub use request::{Endpoint, Paths, RequestPart, Requests};

use crate::credential::{Credential, Fingerprint};
use crate::exchange::Side;
use crate::oauth::Grant;
use crate::time::Timestamp;
use crate::verdict::{Outcome, Verdict};

/// The name of the schema and its major version.
pub const SCHEMA: &str = "observer.exchange/1";

/// One exchange with its verdict, as every sink gets it.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The request's first byte; the answer's when there is no request.
    #[serde(serialize_with = "text::display")]
    pub time: Timestamp,
    /// From where it was seen.
    #[serde(serialize_with = "text::side")]
    pub side: Side,
    /// Who answers, as [`crate::service`] names it.
    #[serde(serialize_with = "text::shared")]
    pub service: Arc<str>,
    /// The two ends.
    pub connection: ConnectionPart,
    /// Who handled it at this end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessPart>,
    /// The container of that process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<ContainerPart>,
    /// The systemd unit of that process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitPart>,
    /// What was asked.
    #[serde(
        serialize_with = "text::shared_some",
        skip_serializing_if = "Option::is_none"
    )]
    pub request: Option<Arc<RequestPart>>,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponsePart>,
    /// What the request showed to be let in.
    #[serde(
        serialize_with = "credential::written_some",
        skip_serializing_if = "Option::is_none"
    )]
    pub credential: Option<Arc<Credential>>,
    /// What else it carried.
    #[serde(
        serialize_with = "credential::all_written",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub other_credentials: Vec<Arc<Credential>>,
    /// What passed, where the request was one to an authorization server.
    #[serde(
        serialize_with = "grant::written_some",
        skip_serializing_if = "Option::is_none"
    )]
    pub grant: Option<Arc<Grant>>,
    /// What is missing of the two heads.
    pub capture: CapturePart,
    /// What observer concludes.
    #[serde(serialize_with = "verdict::written")]
    pub verdict: Arc<Verdict>,
    /// When it was complete, by the clock of the data, which is never set back as `time` may be.
    #[serde(skip)]
    pub completed: Timestamp,
    /// What the other end of the same exchange has too.
    #[serde(skip)]
    pub ends: Ends,
    /// Seconds from the request to `exp` of its token; below zero when it had passed.
    #[serde(skip)]
    pub seconds_to_expiry: Option<f64>,
}

impl Event {
    /// Whether the request was refused for its credential or for what that may do.
    pub fn is_rejection(&self) -> bool {
        self.verdict.outcome == Outcome::Rejected
    }

    /// The status of the answer.
    pub fn status(&self) -> Option<u16> {
        self.response.as_ref().map(|response| response.status)
    }

    /// The token's fingerprint, where there is one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.credential.as_ref()?.fingerprint
    }
}

/// An end of a connection.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Address {
    /// Of TCP.
    Tcp(SocketAddr),
    /// A unix socket: `unix:` and what it is bound to, or `unix`.
    Unix(String),
}

/// The connection of an event.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
pub struct ConnectionPart {
    /// Who asks, at the side the event is of.
    pub client: Address,
    /// Who answers, likewise.
    pub server: Address,
    /// `tcp` or `unix`.
    pub transport: &'static str,
    /// The process at the other end of a unix socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_pid: Option<u32>,
    /// `none`: the bytes were readable as they were.
    pub tls: &'static str,
}

/// The answer of an event.
#[derive(Clone, Debug, Serialize)]
pub struct ResponsePart {
    /// The status code.
    pub status: u16,
    /// From the last byte of the request's head to the first byte of the answer, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
}

/// What is missing of an event's exchange.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CapturePart {
    /// The heads that were cut: `request`, `response`.
    pub cut: Vec<&'static str>,
    /// Bytes of the two heads that were wanted and lost.
    pub lost: u64,
}

/// TCP sequence numbers: equal at both ends of an exchange, through NAT too.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Ends {
    /// Of the first byte of the request.
    pub request: Option<u32>,
    /// Of the first byte of the answer.
    pub response: Option<u32>,
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_event_is_as_docs_say() {
        let json = serde_json::to_value(sample::event()).unwrap();
        let golden = json!({
            "schema": "observer.exchange/1",
            "time": "2023-11-14T22:13:20.000000Z",
            "side": "server",
            "service": "orders:8080",
            "connection": {
                "client": "10.0.0.9:40000",
                "server": "10.0.0.1:8080",
                "transport": "tcp",
                "tls": "none",
            },
            "process": {
                "pid": 4121, "tid": 4122, "name": "orders", "executable": "/opt/orders/bin/serve",
                "started": "2023-11-14T20:13:20.000000Z", "cgroup": 99,
                "cgroup_path": "/system.slice/orders.service/libpod-payload-4f1e", "known_by": "tracepoint",
            },
            "container": {"id": "4f1e", "runtime": "podman", "name": "orders-1"},
            "unit": "orders.service",
            "request": {
                "protocol": "http/1.1",
                "method": "GET",
                "path": "/orders/{number}",
                "host": "orders.example",
            },
            "response": {"status": 401, "duration_us": 1250},
            "credential": {
                "carrier": "authorization",
                "scheme": "bearer",
                "kind": "jwt",
                "fingerprint": "0000000000000abc",
                "subject": "0000000000000def",
                "length": 250,
                "header": {"alg": "RS256", "kid": "k1"},
                "claims": {"iss": "https://issuer.example", "exp": 1_699_999_688},
                "withheld": ["email"],
                "signature": "invalid",
                "defects": [{"id": "short_signature", "have": 255, "want": 256}],
            },
            "capture": {"cut": [], "lost": 0},
            "verdict": {
                "outcome": "rejected",
                "cause": "token_expired",
                "certainty": "proven",
                "evidence": ["exp was 312 s before the request"],
                "candidates": ["token_revoked"],
                "validator": {"name": "Kong jwt", "recognised_by": "words", "certain": true},
                "explanation": "The token had expired 312 s before.",
            },
        });
        assert_eq!(json, golden);
    }

    #[test]
    fn a_grant_is_as_docs_say() {
        let mut event = sample::event();
        event.grant = Some(sample::grant().into());
        let json = serde_json::to_value(event).unwrap();
        assert_eq!(
            json.get("grant"),
            Some(&json!({
                "action": "issue",
                "grant_type": "refresh_token",
                "client_id": "web",
                "presented": [{"role": "refresh_token", "kind": "opaque", "fingerprint": "0000000000000123"}],
                "issued": [],
                "error": "invalid_grant",
                "cut": ["response"],
            }))
        );
    }

    #[test]
    fn what_is_unknown_is_absent() {
        let mut exchange = sample::exchange();
        exchange.request = None;
        exchange.handled = None;
        exchange.capture.response_cut = true;
        let verdict = crate::verdict::Verdict {
            outcome: Outcome::Undetermined,
            cause: None,
            certainty: None,
            evidence: Vec::new(),
            candidates: Vec::new(),
            validator: None,
            explanation: String::new(),
        };
        let json = serde_json::to_value(sample::event_of(&exchange, verdict)).unwrap();
        assert_eq!(
            json,
            json!({
                "schema": "observer.exchange/1",
                "time": "2023-11-14T22:13:20.001350Z",
                "side": "server",
                "service": "orders:8080",
                "connection": {
                    "client": "10.0.0.9:40000",
                    "server": "10.0.0.1:8080",
                    "transport": "tcp",
                    "tls": "none",
                },
                "response": {"status": 401},
                "capture": {"cut": ["response"], "lost": 0},
                "verdict": {
                    "outcome": "undetermined",
                    "evidence": [],
                    "candidates": [],
                    "explanation": "",
                },
            })
        );
    }

    #[test]
    fn paths_and_hosts_are_made_safe() {
        let mut exchange = sample::exchange();
        let request = exchange.request.as_mut().unwrap();
        request.path = "/reset/eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x?token=canary".to_owned();
        request.host = Some("a\u{1b}[2J".to_owned());
        request.method = "GET\n".to_owned();
        for paths in [Paths::AsSent, Paths::Templated] {
            let seen = Seen {
                exchange: &exchange,
                service: &"s".into(),
                requests: &mut Requests::new(paths),
            };
            let request = seen.with(sample::verdict()).request.unwrap();
            assert_eq!(request.path, "/reset/{token}");
            assert_eq!(request.host.as_deref().unwrap(), r"a\u{1b}[2J");
            assert_eq!(request.method, r"GET\n");
        }
    }

    #[test]
    fn expiry_counts_from_the_request() {
        assert_eq!(sample::event().seconds_to_expiry, Some(-312.0));
    }
}
