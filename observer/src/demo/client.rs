//! The client of the demo: plays the story against the edge.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::keys::{self, KID, Signer};
use super::service::{announce, until_orphaned, url};
use super::story::{STORY, Shown};
use super::{Error, issuer};

/// Between two requests, so that the story reads in order in every list.
const PAUSE: Duration = Duration::from_millis(10);
/// No answer on loopback takes this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Plays the whole story once; prints what each request got.
///
/// # Errors
/// When a service does not answer.
pub async fn run(issuer: SocketAddr, edge: SocketAddr) -> Result<(), Error> {
    let orphaned = until_orphaned("client");
    tokio::select! {
        told = tell(issuer, edge) => told,
        () = orphaned => Ok(()),
    }
}

async fn tell(issuer: SocketAddr, edge: SocketAddr) -> Result<(), Error> {
    let http = client();
    for step in STORY {
        let field = authorization(&http, issuer, &step.shown).await?;
        let status = get(&http, &url(edge, step.path), field.as_deref()).await?;
        announce(format_args!("{status} {}", step.path));
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// A client that keeps its connections.
pub fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// The body of an answer, as JSON.
///
/// # Errors
/// When there is no answer or it is not JSON.
pub async fn json(
    http: &Client<HttpConnector, Body>,
    request: Request<Body>,
) -> Result<Value, Error> {
    let url = request.uri().to_string();
    let failed = |reason: String| Error::Call {
        url: url.clone(),
        reason,
    };
    let answer = tokio::time::timeout(PATIENCE, http.request(request))
        .await
        .map_err(|_| failed(format!("nothing within {PATIENCE:?}")))?
        .map_err(|error| failed(error.to_string()))?;
    let body = answer
        .into_body()
        .collect()
        .await
        .map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| failed(error.to_string()))
}

async fn get(
    http: &Client<HttpConnector, Body>,
    url: &str,
    authorization: Option<&str>,
) -> Result<u16, Error> {
    let failed = |reason: String| Error::Call {
        url: url.to_owned(),
        reason,
    };
    let mut request = Request::builder().method(Method::GET).uri(url);
    if let Some(value) = authorization {
        let value = HeaderValue::from_str(value).map_err(|error| failed(error.to_string()))?;
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request
        .body(Body::empty())
        .map_err(|error| failed(error.to_string()))?;
    let answer = tokio::time::timeout(PATIENCE, http.request(request))
        .await
        .map_err(|_| failed(format!("nothing within {PATIENCE:?}")))?
        .map_err(|error| failed(error.to_string()))?;
    let status = answer.status().as_u16();
    // Read to the end, so that the connection is kept.
    answer
        .into_body()
        .collect()
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(status)
}

async fn authorization(
    http: &Client<HttpConnector, Body>,
    issuer: SocketAddr,
    shown: &Shown,
) -> Result<Option<String>, Error> {
    let now = jiff::Timestamp::now().as_second();
    Ok(match shown {
        Shown::Nothing => None,
        Shown::Text(text) => Some((*text).to_owned()),
        Shown::Good => {
            let token = issuer::ask(http, issuer, &Value::Null).await?;
            Some(format!("Bearer {token}"))
        }
        Shown::Issued(change) => {
            let token = issuer::ask(http, issuer, &change(now)).await?;
            Some(format!("Bearer {token}"))
        }
        Shown::Altered(alter) => {
            let token = issuer::ask(http, issuer, &Value::Null).await?;
            Some(alter(&token))
        }
        Shown::Forged { kid } => {
            let stranger = Signer::random(kid.unwrap_or(KID))?;
            Some(format!("Bearer {}", stranger.sign(&keys::claims(now))?))
        }
    })
}
