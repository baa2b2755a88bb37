//! An event from what the stages before it know.

use std::sync::Arc;

use crate::exchange::{Exchange, Request, Response};
use crate::redact;
use crate::sink::{Expiry, Glance};
use crate::verdict::Verdict;

use super::{
    Address, CapturePart, ConnectionPart, Ends, Event, ProcessPart, Requests, ResponsePart, SCHEMA,
};

/// What an event is made of.
pub struct Seen<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Who answers.
    pub service: &'a Arc<str>,
    /// How its request leaves.
    pub requests: &'a mut Requests,
}

impl<'a> Seen<'a> {
    /// What there is to count of this exchange under this verdict.
    pub fn glance(&self, verdict: &'a Verdict) -> Glance<'a> {
        let request = self.exchange.request.as_ref();
        let response = self.exchange.response.as_ref();
        Glance {
            time: self.exchange.began(),
            side: self.exchange.connection.side,
            service: self.service,
            verdict,
            status: response.map(|response| response.status),
            ends: ends(request, response),
            expiry: Expiry::Of(request),
        }
    }

    /// The event of this exchange under this verdict.
    pub fn with(self, verdict: impl Into<Arc<Verdict>>) -> Event {
        let Exchange {
            connection,
            request,
            response,
            handled,
            grant,
            secrets: _,
            capture,
            completed,
            number: _,
        } = self.exchange;
        let process = handled.as_ref().map(ProcessPart::from);
        let request = request.as_ref();
        let response = response.as_ref();
        let credential = request.and_then(|request| request.credential.as_ref());
        Event {
            schema: SCHEMA,
            time: self.exchange.began(),
            completed: *completed,
            side: connection.side,
            service: Arc::clone(self.service),
            connection: self.connection(),
            container: process.as_ref().and_then(ProcessPart::container),
            unit: process.as_ref().and_then(ProcessPart::unit),
            process,
            request: request.map(|request| self.requests.part(&request.target)),
            response: response.map(|response| ResponsePart {
                status: response.status,
                duration_us: request.map(|request| duration_us(request, response)),
            }),
            credential: credential.cloned(),
            other_credentials: request
                .map(|request| request.others.clone())
                .unwrap_or_default(),
            grant: grant.clone(),
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
            verdict: verdict.into(),
            ends: ends(request, response),
            seconds_to_expiry: request.and_then(Request::seconds_to_expiry),
        }
    }

    fn connection(&self) -> ConnectionPart {
        let connection = &self.exchange.connection;
        let (client, server, transport) = match &connection.unix {
            Some(ends) => {
                let path = ends
                    .path
                    .as_deref()
                    .map(|path| redact::label(path, MAX_PATH));
                let server = path.map_or_else(|| "unix".to_owned(), |path| format!("unix:{path}"));
                let client = Address::Unix("unix".to_owned());
                (client, Address::Unix(server), "unix")
            }
            None => (
                Address::Tcp(connection.client),
                Address::Tcp(connection.server),
                "tcp",
            ),
        };
        ConnectionPart {
            client,
            server,
            transport,
            peer_pid: connection.unix.as_ref().and_then(|ends| ends.peer),
            tls: "none",
        }
    }
}

/// The longest path of a socket that leaves, in bytes.
const MAX_PATH: usize = 108;

fn duration_us(request: &Request, response: &Response) -> u64 {
    let duration = response.started.since(request.finished);
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn ends(request: Option<&Request>, response: Option<&Response>) -> Ends {
    Ends {
        request: request.map(|request| request.seq),
        response: response.map(|response| response.seq),
    }
}
