//! The request of an event.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use lru::LruCache;
use serde::Serialize;

use crate::exchange::Target;
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    /// Of both others: it is asked for with each rejection.
    hash: u64,
    method: String,
    path: String,
}

impl Endpoint {
    fn new(method: &str, path: String) -> Self {
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self {
            hash: HASHER.hash_one((method, &path)),
            method: method.to_owned(),
            path,
        }
    }
}

impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Makes the text of requests safe to leave, each distinct one once.
pub struct Requests {
    paths: Paths,
    /// By where the target lies. It is kept, so that no other comes to lie there.
    known: LruCache<usize, (Arc<Target>, Arc<RequestPart>)>,
}

/// How many are remembered: about 500 bytes each, and at most 6 KiB.
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
            known: LruCache::sparse(REMEMBERED),
        }
    }

    /// What leaves of a request.
    pub(super) fn part(&mut self, target: &Arc<Target>) -> Arc<RequestPart> {
        let paths = self.paths;
        let (_, part) = self.known.get_or_insert(Arc::as_ptr(target).addr(), || {
            let part = Arc::new(RequestPart::of(target, paths));
            (Arc::clone(target), part)
        });
        Arc::clone(part)
    }
}

impl RequestPart {
    fn of(target: &Target, paths: Paths) -> Self {
        let method = redact::label(&target.method, MAX_METHOD);
        let path = match paths {
            Paths::AsSent => redact::path(&target.path),
            Paths::Templated => redact::template(&target.path),
        };
        let host = target.host.as_deref();
        Self {
            protocol: target.protocol,
            host: host.map(|host| redact::label(host, MAX_HOST)),
            endpoint: Arc::new(Endpoint::new(&method, redact::template(&path))),
            method,
            path,
        }
    }
}
