//! The request of an event.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use serde::Serialize;

use crate::digest::{Digest, DigestKey};
use crate::exchange::Request;
use crate::redact;

/// How paths leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Paths {
    /// As they were, but for segments that may be tokens.
    AsSent,
    /// Numbers, ids, e-mail addresses and tokens replaced by their kind.
    Templated,
}

/// The request of an event.
#[derive(Clone, Debug, Serialize)]
pub struct RequestPart {
    /// `http/1.1` or `http/1.0`.
    pub protocol: &'static str,
    /// The method.
    pub method: String,
    /// The path, without query: see [`Paths`].
    pub path: String,
    /// The Host field, or the authority of an absolute target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What requests that are alike have in common.
    #[serde(skip)]
    pub endpoint: Arc<Endpoint>,
}

/// A method and the template of a path.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Endpoint {
    method: String,
    path: String,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Makes the text of requests safe to leave, each distinct one once.
pub struct Requests {
    paths: Paths,
    key: DigestKey,
    known: LruCache<Digest, Arc<RequestPart>>,
}

/// How many are remembered: about 300 bytes each, and at most 4 KiB.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2048).expect("it is not zero");
/// The longest method that leaves, in bytes.
const MAX_METHOD: usize = 64;
/// The longest host that leaves, in bytes.
const MAX_HOST: usize = 255;

impl Requests {
    /// Lets paths leave like this.
    pub fn new(paths: Paths) -> Self {
        Self {
            paths,
            key: DigestKey::default(),
            known: LruCache::new(REMEMBERED),
        }
    }

    /// What leaves of a request.
    pub(super) fn part(&mut self, request: &Request) -> Arc<RequestPart> {
        let mut digester = self.key.digester();
        digester.bytes(request.protocol.as_bytes());
        digester.bytes(request.method.as_bytes());
        digester.bytes(request.path.as_bytes());
        if let Some(host) = &request.host {
            digester.bytes(host.as_bytes());
        }
        let digest = digester.finish();
        let paths = self.paths;
        let part = self
            .known
            .get_or_insert(digest, || Arc::new(RequestPart::of(request, paths)));
        Arc::clone(part)
    }
}

impl RequestPart {
    fn of(request: &Request, paths: Paths) -> Self {
        let method = redact::label(&request.method, MAX_METHOD);
        let path = match paths {
            Paths::AsSent => redact::path(&request.path),
            Paths::Templated => redact::template(&request.path),
        };
        let host = request.host.as_deref();
        Self {
            protocol: request.protocol,
            host: host.map(|host| redact::label(host, MAX_HOST)),
            endpoint: Arc::new(Endpoint {
                method: method.clone(),
                path: redact::template(&path),
            }),
            method,
            path,
        }
    }
}
