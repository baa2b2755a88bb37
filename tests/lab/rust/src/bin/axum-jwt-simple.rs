//! axum with jwt-simple, as its README shows it; with details the error is sent.

use std::collections::HashSet;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jwt_simple::prelude::*;
use lab_validators::{key_file, serve, setting};

#[derive(Serialize, Deserialize)]
struct More {
    #[serde(default)]
    scope: String,
}

fn check(headers: &HeaderMap) -> Result<More, Why> {
    let field = headers.get(header::AUTHORIZATION).ok_or(None)?;
    let field = field.to_str().map_err(|_| None)?;
    let token = field.strip_prefix("Bearer ").ok_or(None)?;
    let key = RS256PublicKey::from_pem(&key_file("rs256.pem"))
        .map_err(|error| Some(error.to_string()))?;
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([setting("LAB_ISSUER")])),
        allowed_audiences: Some(HashSet::from([setting("LAB_AUDIENCE")])),
        ..Default::default()
    };
    key.verify_token::<More>(token, Some(options))
        .map(|claims| claims.custom)
        .map_err(|error| Some(error.to_string()))
}

/// Why a token is refused. `None`: there was none.
type Why = Option<String>;

fn refuse(status: StatusCode, code: &str, why: Why) -> Response {
    let challenge = match why.filter(|_| setting("LAB_DETAILS") == "on") {
        Some(why) => {
            let why = why.replace('"', "'");
            format!("Bearer error=\"{code}\", error_description=\"{why}\"")
        }
        None => "Bearer".to_owned(),
    };
    (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

async fn orders(headers: HeaderMap) -> Response {
    match check(&headers) {
        Ok(_) => "fine\n".into_response(),
        Err(why) => refuse(StatusCode::UNAUTHORIZED, "invalid_token", why),
    }
}

async fn reports(headers: HeaderMap) -> Response {
    match check(&headers) {
        Ok(more) if more.scope.split(' ').any(|scope| scope == "reports:read") => {
            "fine\n".into_response()
        }
        Ok(_) => refuse(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            Some("The request requires higher privileges".to_owned()),
        ),
        Err(why) => refuse(StatusCode::UNAUTHORIZED, "invalid_token", why),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    serve(orders, reports).await;
}
