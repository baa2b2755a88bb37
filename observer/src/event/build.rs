//! An event from what the stages before it know.

use crate::credential::Claims;
use crate::exchange::{Exchange, Request, Response};
use crate::redact;
use crate::time::Timestamp;
use crate::verdict::Verdict;

use super::{
    CapturePart, ConnectionPart, CredentialPart, Ends, Event, ProcessPart, RequestPart,
    ResponsePart, SCHEMA, VerdictPart,
};

/// How paths leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Paths {
    /// As they were, but for segments that may be tokens.
    AsSent,
    /// Numbers, ids, e-mail addresses and tokens replaced by their kind.
    Templated,
}

/// What an event is made of.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Who answers.
    pub service: &'a str,
    /// How its path leaves.
    pub paths: Paths,
}

impl Seen<'_> {
    /// The event of this exchange under this verdict.
    pub fn with(self, verdict: Verdict) -> Event {
        let Exchange {
            connection,
            request,
            response,
            handled,
            capture,
            completed,
            number: _,
        } = self.exchange;
        let process = handled.as_ref().map(ProcessPart::from);
        let request = request.as_ref();
        let response = response.as_ref();
        let credential = request.and_then(|request| request.credential.as_deref());
        Event {
            schema: SCHEMA,
            time: self.exchange.began(),
            completed: *completed,
            side: connection.side,
            service: self.service.to_owned(),
            connection: ConnectionPart {
                client: connection.client,
                server: connection.server,
                transport: "tcp",
                tls: "none",
            },
            container: process.as_ref().and_then(ProcessPart::container),
            unit: process.as_ref().and_then(ProcessPart::unit),
            process,
            request: request.map(|request| self.request(request)),
            response: response.map(|response| ResponsePart {
                status: response.status,
                duration_us: request.map(|request| duration_us(request, response)),
            }),
            credential: credential.map(CredentialPart::from),
            capture: CapturePart {
                cut: [
                    capture.request_cut.then_some("request"),
                    capture.response_cut.then_some("response"),
                ]
                .into_iter()
                .flatten()
                .collect(),
                lost: capture.lost,
            },
            verdict: VerdictPart {
                outcome: verdict.outcome,
                cause: verdict.cause,
                certainty: verdict.certainty,
                evidence: verdict.evidence,
                candidates: verdict.candidates,
                explanation: verdict.explanation,
            },
            ends: Ends {
                request: request.map(|request| request.seq),
                response: response.map(|response| response.seq),
            },
            seconds_to_expiry: request.and_then(|request| {
                seconds_to_expiry(credential?.claims.as_ref()?, request.started)
            }),
        }
    }

    fn request(&self, request: &Request) -> RequestPart {
        RequestPart {
            protocol: request.protocol,
            method: redact::label(&request.method, MAX_METHOD),
            path: match self.paths {
                Paths::AsSent => redact::path(&request.path),
                Paths::Templated => redact::template(&request.path),
            },
            host: request
                .host
                .as_deref()
                .map(|host| redact::label(host, MAX_HOST)),
        }
    }
}

/// The longest method that leaves, in bytes.
const MAX_METHOD: usize = 64;
/// The longest host that leaves, in bytes.
const MAX_HOST: usize = 255;

fn duration_us(request: &Request, response: &Response) -> u64 {
    let duration = response.started.since(request.finished);
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn seconds_to_expiry(claims: &Claims, at: Timestamp) -> Option<f64> {
    let nanos = claims.expiry()?.nanos().saturating_sub(at.nanos());
    #[expect(
        clippy::cast_precision_loss,
        reason = "a histogram's buckets are minutes wide"
    )]
    let seconds = nanos as f64 / 1e9;
    Some(seconds)
}
