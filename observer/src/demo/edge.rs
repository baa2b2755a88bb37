//! The edge: forwards what it gets, and refuses only what is too large for it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;

use super::service::serve;
use super::{Error, client};

/// The longest header field it takes, in bytes, as many servers have it.
pub const LONGEST_FIELD: usize = 8190;

/// Forwards to `upstream` until the parent ends.
///
/// # Errors
/// When no port is to be had.
pub async fn run(upstream: SocketAddr) -> Result<(), Error> {
    let edge = Edge {
        upstream,
        http: client::client(),
    };
    serve("edge", Router::new().fallback(forward).with_state(edge)).await
}

#[derive(Clone)]
struct Edge {
    upstream: SocketAddr,
    http: Client<HttpConnector, Body>,
}

async fn forward(State(edge): State<Edge>, mut request: Request) -> Response {
    let too_long = |value: &[u8]| value.len() > LONGEST_FIELD;
    if request
        .headers()
        .values()
        .any(|value| too_long(value.as_bytes()))
    {
        return (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request header field is too large\n",
        )
            .into_response();
    }
    let Some(uri) = upstream_uri(edge.upstream, request.uri().path_and_query()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    drop_hop_by_hop(&mut request);
    match edge.http.request(request).await {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            tracing::warn!(%error, "the upstream does not answer");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

fn upstream_uri(upstream: SocketAddr, path: Option<&PathAndQuery>) -> Option<Uri> {
    let authority: Authority = upstream.to_string().parse().ok()?;
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path?.clone())
        .build()
        .ok()
}

/// RFC 9110 section 7.6.1. The Host field goes too: the client writes the upstream's.
fn drop_hop_by_hop(request: &mut Request) {
    const NAMES: [HeaderName; 4] = [
        header::CONNECTION,
        header::HOST,
        header::TE,
        header::UPGRADE,
    ];
    for name in NAMES {
        request.headers_mut().remove(name);
    }
}
