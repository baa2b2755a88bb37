//! One key of a key set (JWK, RFC 7517 section 4), as a key that checks signatures.

use base64::prelude::*;
use rsa::{BigUint, RsaPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::Key;
use super::algorithm::Algorithm;
use super::material::Material;

/// The fewest and the most bits of an RSA modulus: fewer sign nothing any more, and more are not taken
/// by the library.
const RSA_BITS: std::ops::RangeInclusive<usize> = 1024..=4096;

/// What of a JWK says how to check with it (RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// A key for signatures of a type that we can check. Symmetric keys are no public keys: they are left
/// where they are.
pub(super) fn key(value: &Value) -> Option<Key> {
    let jwk = Jwk::deserialize(value).ok()?;
    let is_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|all| all.iter().any(|one| one == "verify"));
    if !is_for_signatures {
        return None;
    }
    let material = jwk.material()?;
    let algorithm = match &jwk.alg {
        Some(alg) => Some(Algorithm::named(alg)?),
        None => None,
    };
    Some(Key {
        kid: jwk.kid,
        material,
        algorithm,
    })
}

impl Jwk {
    fn material(&self) -> Option<Material> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let number = |text: &Option<String>| Some(BigUint::from_bytes_be(&bytes(text)?));
                let (n, e) = (number(&self.n)?, number(&self.e)?);
                if !RSA_BITS.contains(&n.bits()) {
                    return None;
                }
                Some(Material::Rsa(Box::new(RsaPublicKey::new(n, e).ok()?)))
            }
            ("EC", Some("P-256")) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.point(32)?);
                Some(Material::P256(key.ok()?))
            }
            ("EC", Some("P-384")) => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&self.point(48)?);
                Some(Material::P384(key.ok()?))
            }
            ("EC", Some("P-521")) => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&self.point(66)?);
                Some(Material::P521(Box::new(key.ok()?)))
            }
            ("OKP", Some("Ed25519")) => {
                let x = <[u8; 32]>::try_from(bytes(&self.x)?).ok()?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&x).ok()?;
                Some(Material::Ed25519(key))
            }
            _ => None,
        }
    }

    /// The point of a curve, uncompressed (SEC 1 section 2.3.3). Coordinates have all of their bytes
    /// (RFC 7518 section 6.2.1.2).
    fn point(&self, len: usize) -> Option<Vec<u8>> {
        let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
        (x.len() == len && y.len() == len).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    }
}

fn bytes(text: &Option<String>) -> Option<Vec<u8>> {
    // No key that is used is longer, and hostile sets are not decoded for nothing.
    let text = text.as_deref().filter(|text| text.len() <= 1024)?;
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
