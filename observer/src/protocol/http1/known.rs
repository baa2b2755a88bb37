//! What is remembered of heads.
//!
//! A client on a connection that is kept alive sends the same head again and again, and so does a
//! server within a second. Such a head is read once. What it was is remembered as a keyed digest: no
//! byte of it is kept.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use super::{request, response};
use crate::digest::{Digest, DigestKey};
use crate::exchange::Target;
use crate::recent::Recent;

/// The heads that were read lately. One per worker.
pub struct Heads {
    key: DigestKey,
    requests: Recent<Digest, request::Read>,
    responses: LruCache<Digest, response::Read>,
    targets: LruCache<[u64; 10], Arc<Target>>,
    /// How long the latest answer's head was.
    answered: usize,
}

/// How many heads of requests are remembered at least, and half of how many at most: about 100 bytes
/// each, and the credential.
const REQUESTS: usize = 8192;
/// How many heads of answers are remembered: about 500 bytes each, and at most 33 KiB.
const RESPONSES: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");
/// How many things to ask for are remembered: about 250 bytes each, and at most 1.5 KiB.
const TARGETS: NonZeroUsize = NonZeroUsize::new(2048).expect("it is not zero");

impl Default for Heads {
    fn default() -> Self {
        Self {
            key: DigestKey::default(),
            requests: Recent::new(REQUESTS),
            responses: LruCache::sparse(RESPONSES),
            targets: LruCache::sparse(TARGETS),
            answered: 0,
        }
    }
}

impl Heads {
    /// Forgets the heads of requests: what their credentials are worth has changed.
    pub fn forget_requests(&mut self) {
        self.requests = Recent::new(REQUESTS);
    }

    /// What stands for the bytes of a head.
    pub(super) fn digest(&self, head: &[u8]) -> Digest {
        self.key.of(head)
    }

    pub(super) fn request(&mut self, digest: Digest) -> Option<request::Read> {
        self.requests.get(&digest).cloned()
    }

    pub(super) fn response(&mut self, digest: Digest) -> Option<response::Read> {
        self.responses.get(&digest).cloned()
    }

    /// What may be the head of an answer at the start of bytes: as long as the one before was. Where it is
    /// known, it is one, and needs no search for its end.
    pub(super) fn like_before<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let head = bytes.get(..self.answered)?;
        head.ends_with(b"\r\n\r\n").then_some(head)
    }

    /// Notes how long the head of an answer was.
    pub(super) fn answered(&mut self, head: &[u8]) {
        self.answered = head.len();
    }

    pub(super) fn remember_request(&mut self, digest: Digest, read: &request::Read) {
        self.requests.put(digest, read.clone());
    }

    pub(super) fn remember_response(&mut self, digest: Digest, read: &response::Read) {
        self.responses.put(digest, read.clone());
    }

    /// The one that stands for all that are alike.
    pub(super) fn target(&mut self, target: Target) -> Arc<Target> {
        let of = |text: &str| self.key.of(text.as_bytes()).words();
        let [method_low, method_high, method_len] = of(&target.method);
        let [path_low, path_high, path_len] = of(&target.path);
        let [host_low, host_high, host_len] = match &target.host {
            Some(host) => of(host),
            None => [0, 0, u64::MAX],
        };
        let key = [
            u64::from(target.protocol == "http/1.0"),
            method_low,
            method_high,
            method_len,
            path_low,
            path_high,
            path_len,
            host_low,
            host_high,
            host_len,
        ];
        Arc::clone(self.targets.get_or_insert(key, || Arc::new(target)))
    }
}
