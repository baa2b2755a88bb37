//! A small world with its own time: issuers, validators that judge as real ones do, and clients.

use std::sync::Arc;

use jiff::fmt::rfc2822;
use serde_json::{Map, Value, json};

use crate::credential::{
    Carrier, Claims, Credential, Defect, Echo, Fingerprint, JoseHeader, Kind, Signature,
};
use crate::exchange::{
    Capture, Connection, Excerpt, Exchange, Field, Request, RequestHead, Response, Target,
};
use crate::history::{Change, Condition, Ending, History, Sighting};
use crate::identity::Process;
use crate::keys::Timeline;
use crate::oauth::Grant;
use crate::packet::{ConnectionKey, Handling, KnownBy};
use crate::time::{Step, Timestamp};
use crate::verdict::{Judge, Verdict};

pub(super) use super::validator::{Validator, Voice, validator};

/// When the world begins, in seconds.
pub(super) const START: i64 = 1_700_000_000;
pub(super) const ISSUER: &str = "https://id.example.com/realms/prod";

/// Everything, at some moment.
#[derive(Default)]
pub(super) struct World {
    pub(super) history: History,
    judge: Judge,
    pub(super) keys: Timeline,
    /// In milliseconds since the start.
    pub(super) now: i64,
    tokens: u64,
    exchanges: u32,
    pub(super) changes: Vec<Change>,
    /// What the latest exchange was called.
    pub(super) verdict: Option<Arc<Verdict>>,
}

impl World {
    /// In seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        START + self.now / 1000
    }

    /// A token that is issued now and good for so many seconds.
    pub(super) fn token(&mut self, kid: &str, life: i64) -> Credential {
        let issued = self.seconds();
        self.token_with(
            kid,
            &json!({"iat": issued, "nbf": issued, "exp": issued + life}),
        )
    }

    /// A token with these claims.
    pub(super) fn token_with(&mut self, kid: &str, changes: &Value) -> Credential {
        self.tokens += 1;
        let mut claims = json!({
            "iss": ISSUER, "aud": "api", "scope": "read",
            "iat": self.seconds(), "exp": self.seconds() + 3600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let shown: Map<String, Value> = claims.as_object().unwrap().clone();
        let text = |name: &str| shown.get(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| shown.get(name).and_then(Value::as_f64);
        // Far apart, as those of real tokens.
        let mix = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        Credential {
            carrier: Carrier::Authorization,
            scheme: Some("bearer".to_owned()),
            kind: Kind::Jwt,
            signer: None,
            fingerprint: Some(Fingerprint(mix(self.tokens))),
            length: 800,
            cut: false,
            header: Some(JoseHeader {
                alg: Some("RS256".to_owned()),
                kid: Some(kid.to_owned()),
                ..JoseHeader::default()
            }),
            claims: Some(Claims {
                issuer: text("iss"),
                audience: text("aud").into_iter().collect(),
                expires: number("exp"),
                not_before: number("nbf"),
                issued: number("iat"),
                scopes: text("scope").into_iter().collect(),
                subject: number("subject").map(|number| Fingerprint(mix(number as u64 + 77))),
                withheld: text("withheld").into_iter().collect(),
                shown,
            }),
            defects: Vec::new(),
            signature: Signature::NotChecked,
            echo: Echo::default(),
            proof: None,
        }
    }

    /// Time goes on.
    pub(super) fn wait(&mut self, millis: i64) {
        self.now += millis;
        let clock = self.timestamp(0);
        self.history.pass(clock, Step::default());
        self.changes.extend(self.history.changes());
    }

    pub(super) fn timestamp(&self, later: i64) -> Timestamp {
        Timestamp::from_nanos((START * 1000 + self.now + later) * 1_000_000)
    }

    /// A client asks for something with a token, if it has one. Gives the status.
    pub(super) fn ask(&mut self, client: u16, to: &Validator, token: Option<&Credential>) -> u16 {
        self.ask_for("/orders/4711", client, to, token)
    }

    pub(super) fn ask_for(
        &mut self,
        path: &str,
        client: u16,
        to: &Validator,
        token: Option<&Credential>,
    ) -> u16 {
        let ruling = to.rule(token, self.now);
        let (status, challenge, body) = to.answer(ruling);
        let [high, low] = client.to_be_bytes();
        let from = format!("10.9.{high}.{low}:40000");
        self.exchange(path, &from, to, token, (status, challenge, &body));
        status
    }

    pub(super) fn exchange(
        &mut self,
        path: &str,
        from: &str,
        to: &Validator,
        token: Option<&Credential>,
        answer: (u16, Option<&str>, &str),
    ) {
        let exchange = self.exchange_of(path, from, to, token, answer);
        self.see(&exchange, &to.service);
    }

    pub(super) fn exchange_of(
        &mut self,
        path: &str,
        from: &str,
        to: &Validator,
        token: Option<&Credential>,
        (status, challenge, body): (u16, Option<&str>, &str),
    ) -> Exchange {
        self.exchanges += 1;
        let date = jiff::Timestamp::from_millisecond(START * 1000 + self.now + to.ahead).unwrap();
        let date = rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .unwrap();
        let mut fields = vec![(Field::Date, date)];
        fields.extend(challenge.map(|text| (Field::WwwAuthenticate, text.to_owned())));
        let handled = to.started.map(|started| Handling {
            pid: 7,
            tid: 7,
            name: to.service.to_string(),
            process: Some(Arc::new(Process {
                started: Some(Timestamp::from_seconds(START + started)),
                ..Process::default()
            })),
            cgroup: 0,
            known_by: KnownBy::Tracepoint,
        });
        Exchange {
            connection: Connection {
                key: ConnectionKey::Socket(7),
                client: from.parse().unwrap(),
                server: to.server,
                side: to.side,
                unix: None,
            },
            number: 0,
            request: Some(Request {
                started: self.timestamp(0),
                finished: self.timestamp(0),
                seq: self.exchanges,
                head: Arc::new(RequestHead {
                    target: Arc::new(Target {
                        protocol: "http/1.1",
                        method: "GET".to_owned(),
                        path: path.to_owned(),
                        host: None,
                    }),
                    head_len: 900,
                    longest_field: 850,
                    preflight: false,
                    credential: token.cloned().map(Arc::new),
                    others: Default::default(),
                    left_out: Default::default(),
                }),
            }),
            response: Some(Response {
                started: self.timestamp(2),
                finished: self.timestamp(2),
                seq: self.exchanges,
                status,
                fields: fields.into(),
                excerpt: Excerpt::new(body.as_bytes().to_vec(), true),
            }),
            grant: None,
            secrets: Echo::default(),
            handled,
            capture: Capture::default(),
            completed: self.timestamp(2),
        }
    }

    pub(super) fn see(&mut self, exchange: &Exchange, service: &Arc<str>) {
        let verdict = self.judge.judge(exchange, None);
        self.take(exchange, service, &verdict);
    }

    pub(super) fn take(&mut self, exchange: &Exchange, service: &Arc<str>, verdict: &Arc<Verdict>) {
        let sighting = Sighting {
            exchange,
            service,
            verdict,
            step: Step::default(),
            keys: Some(&self.keys),
        };
        self.history.take(&sighting);
        self.verdict = Some(self.history.quoting(&sighting));
        self.changes.extend(self.history.changes());
    }

    /// A client asks an authorization server for something.
    pub(super) fn grant(&mut self, client: u16, to: &Validator, grant: Grant) {
        let status = if grant.error.is_some() { 400 } else { 200 };
        let from = format!("10.9.0.{client}:40000");
        let mut exchange = self.exchange_of("/token", &from, to, None, (status, None, ""));
        exchange.grant = Some(Arc::new(grant));
        self.see(&exchange, &to.service);
    }

    /// What began, in order.
    pub(super) fn begun(&self) -> Vec<(Condition, &str)> {
        let begun = self.changes.iter().filter(|change| change.ended.is_none());
        begun
            .map(|change| (change.condition, &*change.concern.service))
            .collect()
    }

    /// How what began first ended.
    pub(super) fn ending(&self) -> Option<(Ending, &str)> {
        let ended = self.changes.iter().find_map(|change| change.ended.as_ref());
        ended.map(|(ending, how)| (*ending, how.as_str()))
    }

    /// Whoever has good tokens goes on: so many clients ask once a second, for so long.
    pub(super) fn traffic(&mut self, to: &[&Validator], kid: &str, seconds: i64) {
        let tokens: Vec<_> = (0..6).map(|_| self.token(kid, 3600)).collect();
        for _ in 0..seconds {
            for (at, token) in tokens.iter().enumerate() {
                for to in to {
                    self.ask(100 + at as u16, to, Some(token));
                }
                self.wait(1000 / 6);
            }
        }
    }
}

/// A token whose end is missing.
pub(super) fn cut(token: &Credential, length: usize) -> Credential {
    Credential {
        length,
        defects: vec![Defect::ShortSignature {
            have: 100,
            want: 256,
        }],
        fingerprint: token.fingerprint.map(|one| Fingerprint(one.0 ^ 0xff00)),
        ..token.clone()
    }
}
