//! What the body of an answer is: a key set, or a discovery document.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde_json::Value;

use super::place::Place;
use crate::credential::KeySet;
use crate::exchange::{Field, Response};

/// A compressed body is inflated up to so many bytes; one that has more is not read.
const MAX_INFLATED: u64 = 256 * 1024;
/// Longer issuers are nobody's.
const MAX_ISSUER: usize = 256;

/// What was read.
pub(super) enum Document {
    /// A key set, with how many keys are in it, usable or not.
    KeySet { set: KeySet, keys: usize },
    /// A discovery document: whose, and where the keys are.
    Discovery { issuer: String, keys: Option<Place> },
}

/// Reads the body of an answer.
pub(super) fn read(response: &Response) -> Result<Document, &'static str> {
    if response.status != 200 {
        return Err("the answer is none with keys");
    }
    let document = document(response).map_err(|why| match response.excerpt.is_whole() {
        true => why,
        // One that ends with its connection is not known to be whole, unless what it says is.
        false => "the body was not seen whole",
    })?;
    if let Some(keys) = document.get("keys").and_then(Value::as_array) {
        let keys = keys.len();
        return match KeySet::of_document(&document) {
            Ok(set) => Ok(Document::KeySet { set, keys }),
            Err(_) => Err("no key of the set can check a signature"),
        };
    }
    let text = |name| document.get(name).and_then(Value::as_str);
    match text("issuer") {
        Some(issuer) if issuer.len() <= MAX_ISSUER => Ok(Document::Discovery {
            issuer: issuer.to_owned(),
            keys: text("jwks_uri").and_then(Place::of_url),
        }),
        _ => Err("the body is neither a key set nor a discovery document"),
    }
}

/// The JSON of a body, inflated where it must be.
fn document(response: &Response) -> Result<Value, &'static str> {
    let bytes = response.excerpt.bytes();
    let coding = response.field(Field::ContentEncoding).unwrap_or_default();
    match coding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => parse(bytes),
        "gzip" | "x-gzip" => parse(&inflate(GzDecoder::new(bytes))?),
        "deflate" => match inflate(ZlibDecoder::new(bytes)) {
            Ok(plain) => parse(&plain),
            Err(_) => parse(&inflate(DeflateDecoder::new(bytes))?),
        },
        _ => Err("the body is compressed in a way that observer does not read"),
    }
}

fn parse(bytes: &[u8]) -> Result<Value, &'static str> {
    serde_json::from_slice(bytes).map_err(|_| "the body is not JSON")
}

fn inflate(decoder: impl Read) -> Result<Vec<u8>, &'static str> {
    let mut plain = Vec::new();
    let done = decoder.take(MAX_INFLATED + 1).read_to_end(&mut plain);
    if done.is_err() || plain.len() as u64 > MAX_INFLATED {
        return Err("the compressed body is broken or too large");
    }
    Ok(plain)
}
