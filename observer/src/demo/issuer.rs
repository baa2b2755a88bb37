//! The issuer: signs whatever it is asked for, and serves its key set.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};

use super::keys::{self, KID, Signer};
use super::service::{serve, url};
use super::{Error, client};

/// Where the key set is.
pub const KEY_SET: &str = "/.well-known/jwks.json";

/// Serves until the parent ends.
///
/// # Errors
/// When keys cannot be made or no port is to be had.
pub async fn run() -> Result<(), Error> {
    serve("issuer", app()?).await
}

/// A token; `change` has the claims that differ from those of a good one, null takes one away.
///
/// # Errors
/// When the issuer at `address` gives none.
pub async fn ask(
    http: &Client<HttpConnector, Body>,
    address: SocketAddr,
    change: &Value,
) -> Result<String, Error> {
    let url = url(address, "/token");
    let failed = |reason: &str| Error::Call {
        url: url.clone(),
        reason: reason.to_owned(),
    };
    let request = Request::post(&url)
        .header("content-type", "application/json")
        .body(Body::from(change.to_string()))
        .map_err(|error| failed(&error.to_string()))?;
    let answer = client::json(http, request).await?;
    answer
        .get("access_token")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| failed("there is no access_token in the answer"))
}

/// The key set of the issuer at `address`.
///
/// # Errors
/// When it gives none.
pub async fn key_set(
    http: &Client<HttpConnector, Body>,
    address: SocketAddr,
) -> Result<JwkSet, Error> {
    let url = url(address, KEY_SET);
    let failed = |reason: String| Error::Call {
        url: url.clone(),
        reason,
    };
    let request = Request::get(&url)
        .body(Body::empty())
        .map_err(|error| failed(error.to_string()))?;
    serde_json::from_value(client::json(http, request).await?)
        .map_err(|error| failed(error.to_string()))
}

fn app() -> Result<Router, Error> {
    let signer = Arc::new(Signer::random(KID)?);
    let set = serde_json::to_string(&signer.key_set()?)
        .map_err(|error| Error::Keys(error.to_string()))?;
    Ok(Router::new()
        .route(KEY_SET, get(move || async move { json(set) }))
        .route("/token", post(issue))
        .with_state(signer))
}

async fn issue(State(signer): State<Arc<Signer>>, change: String) -> Response {
    let mut claims = keys::claims(jiff::Timestamp::now().as_second());
    let change = match serde_json::from_str(&change) {
        Ok(Value::Object(change)) => change,
        Ok(Value::Null) => serde_json::Map::new(),
        _ => {
            return (
                StatusCode::BAD_REQUEST,
                "claims as a JSON object, or null\n",
            )
                .into_response();
        }
    };
    if let Some(claims) = claims.as_object_mut() {
        claims.extend(change);
        claims.retain(|_, value| !value.is_null());
    }
    match signer.sign(&claims) {
        Ok(token) => json(json!({"access_token": token, "token_type": "Bearer"}).to_string()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn json(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
