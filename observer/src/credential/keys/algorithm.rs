//! The algorithms whose signatures can be checked.

use rsa::sha2::{Digest, Sha256, Sha384, Sha512};

/// An algorithm that signs and that we can check: RFC 7518 section 3.1 and RFC 8037.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::credential) enum Algorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA with the hash, on the curve that belongs to it.
    Ecdsa(Hash),
    /// HMAC with the hash.
    Hmac(Hash),
    /// RSASSA-PKCS1-v1_5 with the hash.
    RsaPkcs1(Hash),
    /// RSASSA-PSS with the hash, and a salt as long as it.
    RsaPss(Hash),
}

use Algorithm::{Ecdsa, Ed25519, Hmac, RsaPkcs1, RsaPss};

/// A hash function of the SHA-2 family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::credential) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// The one of this `alg`. `None`: it is none that signs, or none that we can check (ES256K, Ed448).
    pub(in crate::credential) fn named(alg: &str) -> Option<Self> {
        Some(match alg {
            "ES256" => Ecdsa(Hash::Sha256),
            "ES384" => Ecdsa(Hash::Sha384),
            "ES512" => Ecdsa(Hash::Sha512),
            "EdDSA" | "Ed25519" => Ed25519,
            "HS256" => Hmac(Hash::Sha256),
            "HS384" => Hmac(Hash::Sha384),
            "HS512" => Hmac(Hash::Sha512),
            "PS256" => RsaPss(Hash::Sha256),
            "PS384" => RsaPss(Hash::Sha384),
            "PS512" => RsaPss(Hash::Sha512),
            "RS256" => RsaPkcs1(Hash::Sha256),
            "RS384" => RsaPkcs1(Hash::Sha384),
            "RS512" => RsaPkcs1(Hash::Sha512),
            _ => return None,
        })
    }

    /// What is signed in place of a message. `None`: the message itself goes into the check.
    pub(in crate::credential) fn digest(self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Ecdsa(hash) | RsaPkcs1(hash) | RsaPss(hash) => Some(hash.of(message)),
            Ed25519 | Hmac(_) => None,
        }
    }
}

impl Hash {
    fn of(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}
