//! ES256 keys made at start, and tokens signed with them.

use std::fs::File;
use std::io::Read;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{AUDIENCE, Error, ISSUER};

/// The `kid` of the issuer's key.
pub const KID: &str = "demo-2026";

/// A signing key with its id.
pub struct Signer {
    key: EncodingKey,
    kid: String,
}

impl Signer {
    /// A new random key.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random(kid: &str) -> Result<Self, Error> {
        let mut scalar = [0_u8; 32];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut scalar))
            .map_err(|error| Error::Keys(format!("/dev/urandom: {error}")))?;
        // The top bit cleared: always below the order of the curve, so every draw is a key.
        scalar[0] &= 0x7f;
        let mut der = PKCS8_P256.to_vec();
        der.extend_from_slice(&scalar);
        Ok(Self {
            key: EncodingKey::from_ec_der(&der),
            kid: kid.to_owned(),
        })
    }

    /// The token for these claims.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, claims: &Value) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key)
            .map_err(|error| Error::Keys(error.to_string()))
    }

    /// The public half as a key set.
    ///
    /// # Errors
    /// When the key is not one.
    pub fn key_set(&self) -> Result<JwkSet, Error> {
        let mut key = Jwk::from_encoding_key(&self.key, Algorithm::ES256)
            .map_err(|error| Error::Keys(error.to_string()))?;
        key.common.key_id = Some(self.kid.clone());
        Ok(JwkSet { keys: vec![key] })
    }
}

/// The claims of a good token, issued at `now` (seconds since the Unix epoch), for an hour.
pub fn claims(now: i64) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice@demo.test",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "scope": "orders:read invoices:read",
    })
}

/// RFC 5208 and RFC 5915 around a bare P-256 scalar, which follows.
const PKCS8_P256: &[u8] = &[
    0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x04, 0x27, 0x30, 0x25, 0x02, 0x01,
    0x01, 0x04, 0x20,
];

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};

    #[test]
    fn what_one_key_signs_only_its_own_set_verifies() {
        let mine = Signer::random(KID).unwrap();
        let other = Signer::random(KID).unwrap();
        let token = mine.sign(&claims(1)).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        rules.set_audience(&[AUDIENCE]);
        let verify = |signer: &Signer| {
            let set = signer.key_set().unwrap();
            let key = DecodingKey::from_jwk(set.find(KID).unwrap()).unwrap();
            jsonwebtoken::decode::<Value>(&token, &key, &rules).is_ok()
        };
        assert!(verify(&mine));
        assert!(!verify(&other));
    }
}
