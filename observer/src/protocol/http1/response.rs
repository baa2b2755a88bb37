//! The head of an answer.

use std::sync::Arc;

use httparse::{Header, Response as Parsed};

use super::body::Body;
use super::fields::{self, Framing};
use super::{Method, Missing};
use crate::exchange::{Field, MAX_FIELD, MAX_FIELDS};

/// What an answer's head says: all of it depends on its bytes alone.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) status: u16,
    pub(super) fields: Arc<[(Field, String)]>,
    /// What the fields say of the body, whatever the request was.
    pub(super) framing: Framing,
    /// Whether the body is said to be JSON, as key sets and discovery documents are.
    pub(super) is_json: bool,
}

/// Reads a head. `None` when it is none.
pub(super) fn read(bytes: &[u8], missing: Missing) -> Option<Read> {
    let changed = fields::readable(bytes, missing);
    let readable = changed.as_ref().map_or(bytes, |changed| changed);
    let mut slots = fields::slots();
    let mut parsed = Parsed::new(&mut []);
    let result =
        fields::lenient().parse_response_with_uninit_headers(&mut parsed, readable, &mut slots);
    if !fields::is_whole(&result) {
        return None;
    }
    let mut framing = Framing::default();
    let mut kept = Vec::new();
    for field in parsed.headers.iter() {
        framing.add(field);
        keep(&mut kept, field);
    }
    Some(Read {
        status: parsed.code?,
        is_json: is_json(&kept),
        fields: kept.into(),
        framing,
    })
}

/// The body of an answer to a request with `method`; `None` where there is none (RFC 9112
/// section 6.3). An answer whose length nobody can tell goes on until the connection closes.
pub(super) fn body(status: u16, framing: &Framing, method: Option<Method>) -> Option<Body> {
    match (status, method) {
        (100..=199 | 204 | 304, _) | (_, Some(Method::Head)) => None,
        (200..=299, Some(Method::Connect)) => None,
        _ => Some(framing.body(Body::UntilClose).unwrap_or(Body::UntilClose)),
    }
}

fn is_json(fields: &[(Field, String)]) -> bool {
    let mut kinds = fields
        .iter()
        .filter(|(field, _)| *field == Field::ContentType);
    kinds.next().is_some_and(|(_, kind)| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
            || kind.eq_ignore_ascii_case("application/jwk-set+json")
    })
}

/// The fields that are kept as they are, by name.
const NAMED: &[(&str, Field)] = &[
    ("cache-control", Field::CacheControl),
    ("www-authenticate", Field::WwwAuthenticate),
    ("proxy-authenticate", Field::ProxyAuthenticate),
    ("content-encoding", Field::ContentEncoding),
    ("content-type", Field::ContentType),
    ("date", Field::Date),
    ("location", Field::Location),
    ("server", Field::Server),
];

/// Fields by which gateways name themselves or their reason: how their names begin.
const OTHERS: &[&str] = &[
    "apigw-",
    "dpop-nonce",
    "grpc-message",
    "grpc-status",
    "via",
    "x-amz-apigw-id",
    "x-amz-cf-id",
    "x-amzn-errortype",
    "x-amzn-remapped-",
    "x-amzn-requestid",
    "x-auth-",
    "x-envoy-",
    "x-error",
    "x-generator",
    "x-goog-iap-",
    "x-kong-",
    "x-ms-",
    "x-powered-by",
    "x-tyk-",
];

/// Whether fields of this name are kept as fields by which a gateway names itself or its reason.
pub(super) fn is_kept(name: &str) -> bool {
    OTHERS.iter().any(|start| begins(name, start))
}

fn keep(kept: &mut Vec<(Field, String)>, field: &Header<'_>) {
    if kept.len() >= MAX_FIELDS {
        return;
    }
    let named = NAMED
        .iter()
        .find(|(name, _)| field.name.eq_ignore_ascii_case(name));
    if let Some((_, kind)) = named {
        // A second one would take the room of a field that says why.
        if *kind == Field::CacheControl && kept.iter().any(|(known, _)| known == kind) {
            return;
        }
        kept.push((*kind, fields::text(field.value, MAX_FIELD)));
    } else if is_kept(field.name) {
        let mut value = field.name.to_ascii_lowercase();
        value.push_str(": ");
        value.push_str(&fields::text(field.value, MAX_FIELD));
        value.truncate(value.floor_char_boundary(MAX_FIELD));
        kept.push((Field::Other, value));
    }
}

fn begins(name: &str, start: &str) -> bool {
    name.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_field_that_is_kept() {
        let page = include_str!("../../../../docs/configuration.md");
        let list = OTHERS.iter().map(|start| format!("`{start}`"));
        let list = list.collect::<Vec<_>>().join(", ");
        assert!(page.contains(&list), "{list}");
    }
}
