//! What tshark sees in a capture, and how much of it observer finds.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use observer::exchange::Exchange;
use serde_json::Value;

/// Messages with how often each was seen.
#[derive(Default)]
pub(crate) struct Messages(BTreeMap<Message, u64>);

/// One side of an exchange, as far as both tools say the same of it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Message {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) what: What,
}

/// What a message is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum What {
    /// A request: method, and path without query.
    Request(String, String),
    /// A final answer: its status.
    Answer(u64),
}

impl Messages {
    /// The HTTP/1 messages of tshark's passes over a capture; a record that any pass has is true.
    pub(crate) fn of_tshark(root: &Path, capture: &str) -> Self {
        let mut all = BTreeMap::new();
        for pass in ["", ".nobody", ".inorder"] {
            let name = format!("truth/{}{pass}.jsonl", capture.replace('/', "__"));
            let Ok(records) = std::fs::read_to_string(root.join(name)) else {
                continue;
            };
            let mut this = BTreeMap::<_, u64>::new();
            for record in records.lines() {
                let record: Value = serde_json::from_str(record).unwrap();
                if let Some(message) = message(&record) {
                    *this.entry(message).or_default() += 1;
                }
            }
            for (message, count) in this {
                let most = all.entry(message).or_default();
                *most = count.max(*most);
            }
        }
        Self(all)
    }

    /// The messages of exchanges.
    pub(crate) fn of_observer(exchanges: &[Exchange]) -> Self {
        let mut all = BTreeMap::<_, u64>::new();
        for exchange in exchanges {
            let (client, server) = (exchange.connection.client, exchange.connection.server);
            let request = exchange.request.as_ref().map(|request| Message {
                from: client,
                to: server,
                what: What::Request(request.method.clone(), path(&request.method, &request.path)),
            });
            let answer = exchange.response.as_ref().map(|response| Message {
                from: server,
                to: client,
                what: What::Answer(u64::from(response.status)),
            });
            for message in [request, answer].into_iter().flatten() {
                *all.entry(message).or_default() += 1;
            }
        }
        Self(all)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of these `other` has, and how many it has not.
    pub(crate) fn compare(&self, other: &Self) -> Found {
        let mut found = Found::default();
        for (message, count) in &self.0 {
            let both = other.0.get(message).copied().unwrap_or(0).min(*count);
            let side = match message.what {
                What::Request(..) => &mut found.requests,
                What::Answer(_) => &mut found.answers,
            };
            side.found += both;
            side.missing += count - both;
        }
        found
    }
}

/// How much of something was found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    pub(crate) requests: Share,
    pub(crate) answers: Share,
}

impl Found {
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, part) in [
            (&mut self.requests, other.requests),
            (&mut self.answers, other.answers),
        ] {
            sum.found += part.found;
            sum.missing += part.missing;
        }
    }

    pub(crate) fn missing(&self) -> u64 {
        self.requests.missing + self.answers.missing
    }
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    pub(crate) found: u64,
    pub(crate) missing: u64,
}

impl Share {
    /// In thousandths; of nothing all is found.
    pub(crate) fn thousandths(self) -> u64 {
        (1000 * self.found)
            .checked_div(self.found + self.missing)
            .unwrap_or(1000)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = self.thousandths();
        write!(
            f,
            "{} of {} ({}.{} %)",
            self.found,
            self.found + self.missing,
            thousandths / 10,
            thousandths % 10
        )
    }
}

/// A record of tshark, if it is an HTTP/1 request or final answer.
fn message(record: &Value) -> Option<Message> {
    if record["proto"] != "http/1" {
        return None;
    }
    let end = |address: &str, port: &str| -> Option<SocketAddr> {
        let address = record[address].as_str()?.parse().ok()?;
        let port = record[port].as_u64()?.try_into().ok()?;
        Some(SocketAddr::new(address, port))
    };
    let what = match record["kind"].as_str()? {
        "request" => {
            let method = record["method"].as_str()?;
            What::Request(method.to_owned(), path(method, record["uri"].as_str()?))
        }
        _ => match record["status"].as_u64()? {
            100 | 102..200 => return None,
            status => What::Answer(status),
        },
    };
    Some(Message {
        from: end("src", "sport")?,
        to: end("dst", "dport")?,
        what,
    })
}

/// The path of a request target: tshark has query and authority with it. CONNECT has none.
fn path(method: &str, target: &str) -> String {
    if method == "CONNECT" {
        return String::new();
    }
    let target = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            rest.find('/').map_or("/", |at| &rest[at..])
        }
        _ => target,
    };
    let end = target.find(['?', '#']).unwrap_or(target.len());
    target[..end].to_owned()
}
