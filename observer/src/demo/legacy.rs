//! The service that validates, with `jsonwebtoken` and the manners of services in the field: one path
//! says why, another only says 401.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::service::serve;
use super::{AUDIENCE, Error, ISSUER, client, issuer};

/// The `jti` that was revoked, as a service keeps it in a table.
pub const REVOKED: &str = "7c9e6679";

/// Validates with the key set of the issuer at `issuer` until the parent ends.
///
/// # Errors
/// When the issuer gives no key set, or no port is to be had.
pub async fn run(issuer: SocketAddr) -> Result<(), Error> {
    let keys = issuer::key_set(&client::client(), issuer).await?;
    let legacy = Arc::new(Legacy::new(keys));
    serve("legacy", Router::new().fallback(answer).with_state(legacy)).await
}

struct Legacy {
    keys: JwkSet,
    rules: Validation,
}

/// What the service does not like.
#[derive(Debug, Eq, PartialEq)]
enum Refusal {
    Missing,
    BadRequest,
    BadToken(String),
    Scope(&'static str),
    Forbidden,
}

impl Legacy {
    fn new(keys: JwkSet) -> Self {
        let mut rules = Validation::new(Algorithm::ES256);
        rules.leeway = 0;
        rules.validate_nbf = true;
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        Self { keys, rules }
    }

    fn check(&self, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let claims = self.validate(bearer(headers)?)?;
        if path.starts_with("/admin/") {
            return Err(Refusal::Forbidden);
        }
        let scopes = claims
            .get("scope")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if path.starts_with("/reports/") && !scopes.split(' ').any(|name| name == "reports:read") {
            return Err(Refusal::Scope("reports:read"));
        }
        Ok(())
    }

    fn validate(&self, token: &str) -> Result<Value, Refusal> {
        let refuse = |error: jsonwebtoken::errors::Error| Refusal::BadToken(error.to_string());
        let header = jsonwebtoken::decode_header(token).map_err(refuse)?;
        let kid = header.kid.unwrap_or_default();
        let key = self
            .keys
            .find(&kid)
            .ok_or_else(|| Refusal::BadToken("No matching key found for kid".to_owned()))?;
        let key = DecodingKey::from_jwk(key).map_err(refuse)?;
        let claims = jsonwebtoken::decode::<Value>(token, &key, &self.rules)
            .map_err(refuse)?
            .claims;
        let now = jiff::Timestamp::now().as_second();
        if claims
            .get("iat")
            .and_then(Value::as_i64)
            .is_some_and(|iat| iat > now)
        {
            return Err(Refusal::BadToken("Token used before issued".to_owned()));
        }
        if claims.get("jti").and_then(Value::as_str) == Some(REVOKED) {
            return Err(Refusal::BadToken("The token has been revoked".to_owned()));
        }
        Ok(claims)
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let value = headers.get(header::AUTHORIZATION).ok_or(Refusal::Missing)?;
    let value = value.to_str().map_err(|_| Refusal::BadRequest)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            if token.is_empty() || token.contains([' ', '"', ',']) {
                Err(Refusal::BadRequest)
            } else {
                Ok(token)
            }
        }
        _ => Err(Refusal::Missing),
    }
}

async fn answer(State(legacy): State<Arc<Legacy>>, request: Request) -> Response {
    let path = request.uri().path();
    match legacy.check(path, request.headers()) {
        Ok(()) => (StatusCode::OK, "fine\n").into_response(),
        Err(Refusal::Missing) if path.starts_with("/portal/") => (
            StatusCode::FOUND,
            [(header::LOCATION, "/login?back=portal")],
        )
            .into_response(),
        Err(refusal) if path.starts_with("/invoices/") => bare(&refusal),
        Err(refusal) => stated(&refusal),
    }
}

/// A service that tells nothing.
fn bare(refusal: &Refusal) -> Response {
    let body = r#"{"message":"Unauthorized"}"#;
    let status = match refusal {
        Refusal::Scope(_) | Refusal::Forbidden => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A service that follows RFC 6750 section 3.
fn stated(refusal: &Refusal) -> Response {
    let (status, challenge) = match refusal {
        Refusal::Missing => (StatusCode::UNAUTHORIZED, r#"Bearer realm="legacy""#.to_owned()),
        Refusal::BadRequest => (
            StatusCode::BAD_REQUEST,
            r#"Bearer realm="legacy", error="invalid_request", error_description="The Authorization header is malformed""#
                .to_owned(),
        ),
        Refusal::BadToken(why) => (
            StatusCode::UNAUTHORIZED,
            format!(
                r#"Bearer realm="legacy", error="invalid_token", error_description="{}""#,
                why.replace(['"', '\\'], "'")
            ),
        ),
        Refusal::Scope(wanted) => (
            StatusCode::FORBIDDEN,
            format!(r#"Bearer realm="legacy", error="insufficient_scope", scope="{wanted}""#),
        ),
        Refusal::Forbidden => {
            return (StatusCode::FORBIDDEN, "You do not have permission to do this\n")
                .into_response();
        }
    };
    (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::keys::{KID, Signer, claims};

    fn check(path: &str, field: &str, signer: &Signer) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, field.parse().unwrap());
        Legacy::new(signer.key_set().unwrap()).check(path, &headers)
    }

    #[test]
    fn lets_a_good_token_in_and_says_why_not_of_others() {
        let signer = Signer::random(KID).unwrap();
        let now = jiff::Timestamp::now().as_second();
        let good = signer.sign(&claims(now)).unwrap();
        let field = format!("Bearer {good}");
        assert_eq!(check("/orders/1", &field, &signer), Ok(()));
        assert_eq!(check("/admin/1", &field, &signer), Err(Refusal::Forbidden));
        assert_eq!(
            check("/reports/1", &field, &signer),
            Err(Refusal::Scope("reports:read"))
        );
        let old = format!("Bearer {}", signer.sign(&claims(now - 7200)).unwrap());
        assert_eq!(
            check("/orders/1", &old, &signer),
            Err(Refusal::BadToken("ExpiredSignature".to_owned()))
        );
        let doubled = format!("Bearer {field}");
        assert_eq!(
            check("/orders/1", &doubled, &signer),
            Err(Refusal::BadRequest)
        );
    }
}
