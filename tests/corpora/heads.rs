//! The bytes of requests, for what observer does not let out: the values of Authorization fields.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use httparse::Header;
use observer::credential::{Credential, Inspector, Policy};
use observer::exchange::{Exchange, Request};
use observer::packet::{Batch, ItemKind};
use sha2::{Digest, Sha256};

/// Who sends, and to whom.
type Ends = (SocketAddr, SocketAddr);

/// What was sent, segment by segment.
pub(crate) struct Heads {
    segments: HashMap<Ends, Vec<(u32, Vec<u8>)>>,
    inspector: Inspector,
}

impl Heads {
    /// Nothing yet. The policy is that of the engine.
    pub(crate) fn new(policy: &Arc<Policy>) -> Self {
        Self {
            segments: HashMap::new(),
            inspector: Inspector::new(Arc::clone(policy)),
        }
    }

    /// Keeps the segments of a batch.
    pub(crate) fn keep(&mut self, batch: &Batch) {
        for item in batch.items() {
            if let ItemKind::Segment(segment) = &item.kind {
                let bytes = batch.bytes(&segment.payload);
                self.segments
                    .entry((segment.source, segment.target))
                    .or_default()
                    .push((segment.seq, bytes.to_vec()));
            }
        }
    }

    /// Whether a segment starts at `seq` with these bytes.
    pub(crate) fn begins(&self, ends: Ends, seq: u32, bytes: &[u8]) -> bool {
        let segments = self.segments.get(&ends).into_iter().flatten();
        segments
            .filter(|(start, _)| *start == seq)
            .any(|(_, segment)| segment.starts_with(bytes))
    }

    /// The SHA-256 of each Authorization field of a request, of which the first must be the credential
    /// that observer took apart.
    pub(crate) fn authorization(
        &mut self,
        exchange: &Exchange,
        request: &Request,
        credential: &Credential,
    ) -> Vec<String> {
        let ends = (exchange.connection.client, exchange.connection.server);
        let head = self.bytes(ends, request.seq, request.head_len);
        let values: Vec<&[u8]> = head
            .split(|byte| *byte == b'\n')
            .skip(1)
            .filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = line.split_at(colon);
                name.trim_ascii()
                    .eq_ignore_ascii_case(b"authorization")
                    .then(|| value[1..].trim_ascii())
            })
            .collect();
        let fields: Vec<Header<'_>> = values
            .iter()
            .map(|value| Header {
                name: "authorization",
                value,
            })
            .collect();
        let same = self
            .inspector
            .inspect(&fields, credential.cut)
            .is_some_and(|seen| seen.fingerprint == credential.fingerprint);
        if !same {
            return vec!["another".to_owned()];
        }
        values.into_iter().map(hash).collect()
    }

    /// `len` bytes from `seq` on; of each the copy that came first. Fewer where some are not there.
    fn bytes(&self, ends: Ends, seq: u32, len: u32) -> Vec<u8> {
        let segments = self.segments.get(&ends).map_or(&[][..], Vec::as_slice);
        let mut bytes = Vec::new();
        while bytes.len() < len as usize {
            let wanted = seq.wrapping_add(bytes.len() as u32);
            let next = segments.iter().find_map(|(start, segment)| {
                let from = wanted.wrapping_sub(*start) as usize;
                segment.get(from..).filter(|rest| !rest.is_empty())
            });
            let Some(next) = next else {
                break;
            };
            let missing = len as usize - bytes.len();
            bytes.extend_from_slice(next.get(..missing).unwrap_or(next));
        }
        bytes
    }
}

fn hash(value: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(value) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
