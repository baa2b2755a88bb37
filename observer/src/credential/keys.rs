//! Key sets (JWKS, RFC 7517 section 5) by issuer: what signatures are checked with.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::prelude::*;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use thiserror::Error;

use crate::redact;

/// The largest file that is read as a key set: 1 MiB.
const MAX_FILE: u64 = 1 << 20;
/// More keys than this in one set are not used.
const MAX_KEYS: usize = 256;
/// The longest `kid` kept.
pub(super) const MAX_KID: usize = 128;

/// The key sets at hand, by issuer.
#[derive(Default)]
pub struct KeySets(HashMap<String, KeySet>);

impl KeySets {
    /// Reads the key set of `--jwks ISSUER=FILE`. Two files of one issuer are one set. The issuer ends
    /// at the last `=`, because issuers are URLs and may have some of their own.
    ///
    /// # Errors
    /// When the argument has no `=`, or the file is no key set with a key that can be used.
    pub fn add(&mut self, argument: &str) -> Result<(), KeySetError> {
        let (issuer, path) = argument
            .rsplit_once('=')
            .filter(|(issuer, path)| !issuer.is_empty() && !path.is_empty())
            .ok_or_else(|| KeySetError::Argument {
                argument: redact::label(argument, 256),
            })?;
        let set = read(Path::new(path))?;
        self.0.entry(issuer.to_owned()).or_default().0.extend(set.0);
        Ok(())
    }

    /// The key set of an issuer, which must be exactly the `iss` of the token.
    pub(super) fn of(&self, issuer: &str) -> Option<&KeySet> {
        self.0.get(issuer)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The public keys of one issuer.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// The keys that a token with this `kid` and algorithm may have been signed with: those with its
    /// kid; without a kid, all of the right type; and keys that have none themselves.
    pub(super) fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            key.fits(algorithm) && (kid.is_none() || key.kid.is_none() || key.kid.as_deref() == kid)
        })
    }

    /// The kids of the set, at most `count`.
    pub(super) fn kids(&self, count: usize) -> Vec<String> {
        let kids = self.0.iter().filter_map(|key| key.kid.as_deref());
        kids.take(count)
            .map(|kid| redact::label(kid, MAX_KID))
            .collect()
    }
}

/// One public key.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) decoding: DecodingKey,
    /// How long its signatures are, in bytes.
    pub(super) signature_len: usize,
    family: Family,
    algorithm: Option<Algorithm>,
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.family == Family::of(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Family {
    Ed25519,
    Hmac,
    P256,
    P384,
    Rsa,
}

impl Family {
    fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => Self::P256,
            Algorithm::ES384 => Self::P384,
            Algorithm::EdDSA => Self::Ed25519,
            Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Self::Hmac,
            _ => Self::Rsa,
        }
    }
}

fn read(path: &Path) -> Result<KeySet, KeySetError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text))
        .map_err(|error| KeySetError::Read {
            path: path.to_owned(),
            error,
        })?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(KeySetError::TooLarge {
            path: path.to_owned(),
        });
    }
    let document: Value = serde_json::from_slice(&text).map_err(|error| KeySetError::NotJson {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
    })?;
    let Some(keys) = document.get("keys").and_then(Value::as_array) else {
        return Err(KeySetError::NotAKeySet {
            path: path.to_owned(),
        });
    };
    let usable: Vec<Key> = keys.iter().take(MAX_KEYS).filter_map(key).collect();
    if usable.is_empty() {
        return Err(KeySetError::NoUsableKey {
            path: path.to_owned(),
            keys: keys.len(),
        });
    }
    Ok(KeySet(usable))
}

/// A key for signatures of a type that we can check. Symmetric keys are no public keys: they are left
/// where they are.
fn key(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let (family, signature_len) = match &jwk.algorithm {
        // The verifier takes moduli up to 4096 bits.
        AlgorithmParameters::RSA(key) => {
            let modulus = length(&key.n)?;
            (128..=512)
                .contains(&modulus)
                .then_some((Family::Rsa, modulus))?
        }
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 if length(&key.x)? == 32 && length(&key.y)? == 32 => {
                (Family::P256, 64)
            }
            EllipticCurve::P384 if length(&key.x)? == 48 && length(&key.y)? == 48 => {
                (Family::P384, 96)
            }
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 if length(&key.x)? == 32 => (Family::Ed25519, 64),
            _ => return None,
        },
        _ => return None,
    };
    let algorithm = match jwk.common.key_algorithm {
        Some(algorithm) => Some(Algorithm::try_from(algorithm).ok()?),
        None => None,
    };
    Some(Key {
        decoding: DecodingKey::from_jwk(&jwk).ok()?,
        kid: jwk.common.key_id,
        signature_len,
        family,
        algorithm,
    })
}

/// How many bytes a base64url text stands for.
fn length(text: &str) -> Option<usize> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(
        bytes
            .iter()
            .skip_while(|byte| **byte == 0 && bytes.len() > 64)
            .count(),
    )
}

/// Why a key set cannot be used. Never quotes the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The argument is not `ISSUER=FILE`.
    #[error(
        "--jwks {argument}: want ISSUER=FILE, with the issuer exactly as `iss` of the tokens has it"
    )]
    Argument {
        /// What was given.
        argument: String,
    },
    /// The file cannot be read.
    #[error("cannot read the key set {path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is too large.
    #[error("the key set {path} has more than 1 MiB; a JWKS is a small file, see the issuer's jwks_uri", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not JSON.
    #[error("the key set {path} is not JSON (line {line}, column {column}); save the document of the issuer's jwks_uri", path = path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where the parser stopped.
        line: usize,
        /// Where the parser stopped.
        column: usize,
    },
    /// It is JSON, and not a JWKS.
    #[error("{path} is JSON, but no key set: it has no array `keys` (RFC 7517 section 5); save the document of the issuer's jwks_uri, not the discovery document or a single key", path = path.display())]
    NotAKeySet {
        /// The file.
        path: PathBuf,
    },
    /// No key in it can be used.
    #[error("the key set {path} has no key that can check a signature ({keys} keys read): want RSA up to 4096 bits, P-256, P-384 or Ed25519, not for encryption", path = path.display())]
    NoUsableKey {
        /// The file.
        path: PathBuf,
        /// How many keys it has.
        keys: usize,
    },
}
