//! axum with jsonwebtoken, as axum's example "jwt" shows it; with details the error is sent, with 401.

use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestPartsExt};
use axum_extra::TypedHeader;
use axum_extra::headers::Authorization;
use axum_extra::headers::authorization::Bearer;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lab_validators::{key_file, serve, setting};
use serde::Deserialize;
use serde_json::json;

static KEYS: LazyLock<JwkSet> =
    LazyLock::new(|| serde_json::from_str(&key_file("jwks.json")).expect("a key set"));

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    scope: String,
}

enum AuthError {
    MissingCredentials(String),
    InvalidToken(String),
}

impl<S: Send + Sync> FromRequestParts<S> for Claims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let TypedHeader(Authorization(bearer)) = parts
            .extract::<TypedHeader<Authorization<Bearer>>>()
            .await
            .map_err(|error| AuthError::MissingCredentials(error.to_string()))?;
        check(bearer.token()).map_err(AuthError::InvalidToken)
    }
}

fn check(token: &str) -> Result<Claims, String> {
    let header = decode_header(token).map_err(|error| error.to_string())?;
    let kid = header.kid.ok_or("no kid in the header")?;
    let jwk = KEYS.find(&kid).ok_or("no matching JWK for the kid")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[setting("LAB_ISSUER")]);
    validation.set_audience(&[setting("LAB_AUDIENCE")]);
    validation.leeway = setting("LAB_LEEWAY").parse().expect("a number");
    decode::<Claims>(token, &key, &validation)
        .map(|data| data.claims)
        .map_err(|error| error.to_string())
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        let details = setting("LAB_DETAILS") == "on";
        let (status, words) = match self {
            Self::MissingCredentials(_) if !details => {
                (StatusCode::BAD_REQUEST, "Missing credentials".to_owned())
            }
            Self::InvalidToken(_) if !details => {
                (StatusCode::BAD_REQUEST, "Invalid token".to_owned())
            }
            Self::MissingCredentials(words) | Self::InvalidToken(words) => {
                (StatusCode::UNAUTHORIZED, words)
            }
        };
        (status, Json(json!({ "error": words }))).into_response()
    }
}

async fn orders(_: Claims) -> &'static str {
    "fine\n"
}

async fn reports(claims: Claims) -> Response {
    if claims.scope.split(' ').any(|scope| scope == "reports:read") {
        "fine\n".into_response()
    } else {
        (
            StatusCode::FORBIDDEN,
            Json(json!({ "error": "Insufficient scope" })),
        )
            .into_response()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    serve(orders, reports).await;
}
