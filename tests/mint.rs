//! Tokens as an issuer makes them, and as nobody should.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// Who issues.
pub const ISSUER: &str = "https://issuer.lab.test";
/// For whom.
pub const AUDIENCE: &str = "lab";

/// Signs.
pub struct Signer {
    /// The `kid` of its tokens, if they have one.
    pub kid: Option<String>,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// By a key.
    pub fn new(kid: Option<&str>, key: EncodingKey, algorithm: Algorithm) -> Self {
        Self {
            kid: kid.map(str::to_owned),
            key,
            algorithm,
        }
    }

    /// The token for these claims. `header` has fields more, or others than usual.
    ///
    /// # Errors
    /// When the key is none of the algorithm.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<String, String> {
        let mut all = json!({"alg": self.algorithm, "typ": "JWT"});
        if let Some(kid) = &self.kid {
            change(&mut all, &json!({"kid": kid}));
        }
        change(&mut all, header);
        let message = format!("{}.{}", part(&all), part(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm)
            .map_err(|error| format!("signing: {error}"))?;
        Ok(format!("{message}.{signature}"))
    }
}

/// The claims of a good token, with these changed or added. Null takes one away.
pub fn claims(changes: &Value) -> Value {
    let now = now();
    let mut claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "bob@lab.test",
        "iat": now - 5,
        "nbf": now - 5,
        "exp": now + 3600,
        "scope": "orders:read",
    });
    change(&mut claims, changes);
    claims
}

/// A token for these claims that nobody signed.
pub fn unsigned(kid: Option<&str>, claims: &Value) -> String {
    let mut header = json!({"alg": "none", "typ": "JWT", "kid": kid});
    change(&mut header, &json!({}));
    format!("{}.{}.", part(&header), part(claims))
}

/// `Bearer token`.
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// In seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// A part of a token.
pub fn part(object: &Value) -> String {
    URL_SAFE_NO_PAD.encode(object.to_string())
}

fn change(object: &mut Value, changes: &Value) {
    if let (Some(object), Some(changes)) = (object.as_object_mut(), changes.as_object()) {
        object.extend(changes.clone());
        object.retain(|_, value| !value.is_null());
    }
}
