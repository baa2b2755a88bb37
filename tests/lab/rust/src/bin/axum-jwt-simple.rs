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

fn check(headers: &HeaderMap) -> Result<More, String> {
    let field = headers.get(header::AUTHORIZATION).ok_or("missing Authorization header")?;
    let field = field.to_str().map_err(|error| error.to_string())?;
    let token = field.strip_prefix("Bearer ").ok_or("the Authorization header is not Bearer")?;
    let key = RS256PublicKey::from_pem(&key_file("rs256.pem")).map_err(|error| error.to_string())?;
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([setting("LAB_ISSUER")])),
        allowed_audiences: Some(HashSet::from([setting("LAB_AUDIENCE")])),
        ..Default::default()
    };
    key.verify_token::<More>(token, Some(options))
        .map(|claims| claims.custom)
        .map_err(|error| error.to_string())
}

fn refuse(status: StatusCode, words: String) -> Response {
    let challenge = if setting("LAB_DETAILS") == "on" && status == StatusCode::UNAUTHORIZED {
        format!("Bearer error=\"invalid_token\", error_description=\"{words}\"")
    } else {
        "Bearer".to_owned()
    };
    (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}

async fn orders(headers: HeaderMap) -> Response {
    match check(&headers) {
        Ok(_) => "fine\n".into_response(),
        Err(words) => refuse(StatusCode::UNAUTHORIZED, words),
    }
}

async fn reports(headers: HeaderMap) -> Response {
    match check(&headers) {
        Ok(more) if more.scope.split(' ').any(|scope| scope == "reports:read") => {
            "fine\n".into_response()
        }
        Ok(_) => refuse(StatusCode::FORBIDDEN, "insufficient scope".to_owned()),
        Err(words) => refuse(StatusCode::UNAUTHORIZED, words),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    serve(orders, reports).await;
}
