//! Tokens for tests, good and broken in every way.

use std::path::PathBuf;
use std::sync::Arc;

use base64::prelude::*;
use httparse::Header;
use jsonwebtoken::{Algorithm, EncodingKey, crypto::sign};
use serde_json::{Value, json};

use super::{
    Carried, ClaimAllowList, Credential, FingerprintKey, Inspector, KeySets, Places, Policy,
};

pub(crate) const ISSUER: &str = "https://issuer.example/";

/// The key set of [`ISSUER`].
pub(crate) fn jwks() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/jwks.json")
}

pub(crate) fn policy(with_keys: bool) -> Arc<Policy> {
    let mut sets = KeySets::default();
    if with_keys {
        sets.add(&format!("{ISSUER}={}", jwks().display())).unwrap();
    }
    Arc::new(Policy::new(
        FingerprintKey::random().unwrap(),
        sets,
        ClaimAllowList::default(),
    ))
}

/// What a request for `target` with these fields carries.
pub(crate) fn carried_with(
    inspector: &mut Inspector,
    target: &str,
    fields: &[(&str, &str)],
) -> Carried {
    let fields: Vec<Header<'_>> = fields
        .iter()
        .map(|(name, value)| Header {
            name,
            value: value.as_bytes(),
        })
        .collect();
    inspector.all(Places {
        target,
        fields: &fields,
        authorization: None,
        cut: false,
    })
}

/// What an inspector with keys says of one Authorization field.
pub(crate) fn inspect(value: &str) -> Credential {
    inspect_bytes(value.as_bytes(), true, false)
}

pub(crate) fn inspect_bytes(value: &[u8], with_keys: bool, cut: bool) -> Credential {
    let fields = [Header {
        name: "Authorization",
        value,
    }];
    let credential = Inspector::new(policy(with_keys))
        .inspect(&fields, cut)
        .unwrap();
    Arc::unwrap_or_clone(credential)
}

/// A token of this header and payload, whatever they are.
pub(crate) fn token(header: &Value, payload: &Value) -> String {
    signed(
        &header.to_string(),
        &payload.to_string(),
        header["alg"].as_str().unwrap_or_default(),
    )
}

/// A good RS256 token of [`ISSUER`] with these claims besides `iss`.
pub(crate) fn good(claims: &Value) -> String {
    let mut payload = json!({"iss": ISSUER});
    for (name, value) in claims.as_object().unwrap() {
        payload[name] = value.clone();
    }
    token(
        &json!({"alg": "RS256", "typ": "JWT", "kid": "rsa-1"}),
        &payload,
    )
}

pub(crate) fn signed(header: &str, payload: &str, alg: &str) -> String {
    let message = format!(
        "{}.{}",
        BASE64_URL_SAFE_NO_PAD.encode(header),
        BASE64_URL_SAFE_NO_PAD.encode(payload)
    );
    let rsa = || EncodingKey::from_rsa_der(include_bytes!("../../testdata/keys/rsa2048.der"));
    let key = match alg {
        "RS256" => (rsa(), Algorithm::RS256),
        "PS256" => (rsa(), Algorithm::PS256),
        "ES256" => {
            let key = include_bytes!("../../testdata/keys/p256.der");
            (EncodingKey::from_ec_der(key), Algorithm::ES256)
        }
        "EdDSA" => {
            let key = include_bytes!("../../testdata/keys/ed25519.der");
            (EncodingKey::from_ed_der(key), Algorithm::EdDSA)
        }
        "HS256" => (EncodingKey::from_secret(b"shared"), Algorithm::HS256),
        _ => return format!("{message}."),
    };
    let signature = sign(message.as_bytes(), &key.0, key.1).unwrap();
    format!("{message}.{signature}")
}
