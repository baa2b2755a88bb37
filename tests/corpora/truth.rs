//! What tshark sees in a capture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use observer::exchange::{Exchange, Field, MAX_FIELD, MAX_PATH};
use serde_json::Value;

use super::heads::Heads;

/// Messages with how often each was seen.
#[derive(Default)]
pub(crate) struct Messages {
    counts: BTreeMap<Message, u64>,
    /// The sequence numbers of their first bytes, where they are known.
    places: BTreeMap<Message, BTreeSet<u32>>,
}

/// One side of an exchange, as far as both tools say the same of it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Message {
    from: SocketAddr,
    to: SocketAddr,
    pub(crate) what: What,
}

/// What a message is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum What {
    /// A request.
    Request {
        method: String,
        /// Without query.
        path: String,
        host: String,
        /// The SHA-256 of the value of each Authorization field.
        authorization: Vec<String>,
    },
    /// A final answer.
    Answer {
        status: u64,
        /// The values of the WWW-Authenticate fields.
        challenges: Vec<String>,
    },
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
        Self {
            counts: all,
            places: BTreeMap::new(),
        }
    }

    /// The messages of exchanges, whose credentials are in `heads`.
    pub(crate) fn of_observer(exchanges: &[Exchange], heads: &mut Heads) -> Self {
        let mut all = Self::default();
        for exchange in exchanges {
            let (client, server) = (exchange.connection.client, exchange.connection.server);
            let request = exchange.request.as_ref().map(|request| Message {
                from: client,
                to: server,
                what: What::Request {
                    method: request.method.clone(),
                    path: path(&request.method, &request.path),
                    host: request.host.clone().unwrap_or_default(),
                    authorization: match &request.credential {
                        Some(credential) => heads.authorization(exchange, request, credential),
                        None => Vec::new(),
                    },
                },
            });
            let answer = exchange.response.as_ref().map(|response| Message {
                from: server,
                to: client,
                what: What::Answer {
                    status: u64::from(response.status),
                    challenges: response
                        .values(Field::WwwAuthenticate)
                        .map(str::to_owned)
                        .collect(),
                },
            });
            let places = [
                exchange.request.as_ref().map(|request| request.seq),
                exchange.response.as_ref().map(|response| response.seq),
            ];
            for (message, place) in [request, answer].into_iter().zip(places) {
                if let Some((message, place)) = message.zip(place) {
                    all.places.entry(message.clone()).or_default().insert(place);
                    *all.counts.entry(message).or_default() += 1;
                }
            }
        }
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How often a message is not there as it was told: at the start of a segment.
    pub(crate) fn not_on_the_wire(&self, message: &Message, heads: &Heads) -> u64 {
        let first = match &message.what {
            What::Request { method, .. } => format!("{method} "),
            What::Answer { .. } => "HTTP/1.".to_owned(),
        };
        let places = self.places.get(message).into_iter().flatten();
        let ends = (message.from, message.to);
        let on_the_wire = places
            .filter(|place| heads.begins(ends, **place, first.as_bytes()))
            .count() as u64;
        self.counts.get(message).copied().unwrap_or(0) - on_the_wire
    }

    /// Those that `other` has not, and how often.
    pub(crate) fn without<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a Message, u64)> {
        self.counts.iter().filter_map(|(message, count)| {
            let both = other.counts.get(message).copied().unwrap_or(0).min(*count);
            (both < *count).then_some((message, count - both))
        })
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {} ", self.from, self.to)?;
        match &self.what {
            What::Request {
                method,
                path,
                host,
                authorization,
            } => {
                write!(
                    f,
                    "{method} {} of {}",
                    path.escape_debug(),
                    host.escape_debug()
                )?;
                for hash in authorization {
                    write!(f, " with {}", hash.get(..16).unwrap_or(hash))?;
                }
                Ok(())
            }
            What::Answer { status, challenges } => {
                write!(f, "{status}")?;
                for challenge in challenges {
                    write!(f, " {}", challenge.escape_debug())?;
                }
                Ok(())
            }
        }
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
            let target = record["uri"].as_str()?;
            What::Request {
                method: method.to_owned(),
                path: path(method, target),
                host: host(target, record["host"].as_str()),
                authorization: strings(&record["authorization"], "sha256"),
            }
        }
        _ => match record["status"].as_u64()? {
            100 | 102..200 => return None,
            status => What::Answer {
                status,
                challenges: strings(&record["www_authenticate"], "")
                    .into_iter()
                    .map(|mut text| {
                        text.truncate(text.floor_char_boundary(MAX_FIELD));
                        text
                    })
                    .collect(),
            },
        },
    };
    Some(Message {
        from: end("src", "sport")?,
        to: end("dst", "dport")?,
        what,
    })
}

/// The strings of an array, or of one member of its objects.
fn strings(array: &Value, member: &str) -> Vec<String> {
    let items = array.as_array().into_iter().flatten();
    items
        .filter_map(|item| match member {
            "" => item.as_str(),
            member => item[member].as_str(),
        })
        .map(str::to_owned)
        .collect()
}

/// The authority of a target, or the Host field, without user information.
fn host(target: &str, field: Option<&str>) -> String {
    let authority = target
        .split_once("://")
        .filter(|(scheme, _)| is_scheme(scheme))
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let host = authority.or(field).unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}

/// The path of a request target: tshark has query and authority with it. CONNECT has none.
fn path(method: &str, target: &str) -> String {
    if method == "CONNECT" {
        return String::new();
    }
    let target = match target.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let end = end.min(target.floor_char_boundary(MAX_PATH));
    match &target[..end] {
        "" => "/".to_owned(),
        path => path.to_owned(),
    }
}

fn is_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
