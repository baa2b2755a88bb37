//! Keys as they are used: one for each kind, and whether a signature is theirs.

use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Hash};

/// A key that signatures are checked with.
pub(in crate::credential) enum Material {
    Ed25519(ed25519_dalek::VerifyingKey),
    /// A secret that issuer and validators share.
    Hmac(Zeroizing<Vec<u8>>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Rsa(Box<RsaPublicKey>),
}

/// What is signed.
#[derive(Clone, Copy)]
pub(in crate::credential) struct Content<'a> {
    /// All of it, where it is still there.
    pub(in crate::credential) message: Option<&'a [u8]>,
    /// What [`Algorithm::digest`] makes of it.
    pub(in crate::credential) digest: Option<&'a [u8]>,
}

impl Material {
    /// Whether signatures of this algorithm may be its own.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::Ed25519(_), Algorithm::Ed25519)
                | (Self::Hmac(_), Algorithm::Hmac(_))
                | (Self::P256(_), Algorithm::Ecdsa(Hash::Sha256))
                | (Self::P384(_), Algorithm::Ecdsa(Hash::Sha384))
                | (Self::P521(_), Algorithm::Ecdsa(Hash::Sha512))
                | (Self::Rsa(_), Algorithm::RsaPkcs1(_) | Algorithm::RsaPss(_))
        )
    }

    /// How many bytes its signatures have. `None`: as many as the algorithm says.
    pub(in crate::credential) fn signature_len(&self) -> Option<usize> {
        match self {
            Self::Rsa(key) => Some(key.size()),
            _ => None,
        }
    }

    /// Whether the signature is of this key.
    pub(in crate::credential) fn signed(
        &self,
        algorithm: Algorithm,
        content: Content<'_>,
        signature: &[u8],
    ) -> bool {
        let digest = content.digest.unwrap_or_default();
        match (self, algorithm, content.message) {
            (Self::Ed25519(key), Algorithm::Ed25519, Some(message)) => {
                ed25519_dalek::Signature::from_slice(signature).is_ok_and(|signature| {
                    ed25519_dalek::Verifier::verify(key, message, &signature).is_ok()
                })
            }
            (Self::Hmac(secret), Algorithm::Hmac(hash), Some(message)) => {
                is_mac(hash, secret, message, signature)
            }
            (Self::P256(key), Algorithm::Ecdsa(Hash::Sha256), _) => {
                p256::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
            }
            (Self::P384(key), Algorithm::Ecdsa(Hash::Sha384), _) => {
                p384::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
            }
            (Self::P521(key), Algorithm::Ecdsa(Hash::Sha512), _) => {
                p521::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
            }
            (Self::Rsa(key), Algorithm::RsaPkcs1(hash), _) => {
                let scheme = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.verify(scheme, digest, signature).is_ok()
            }
            (Self::Rsa(key), Algorithm::RsaPss(hash), _) => {
                let scheme = match hash {
                    Hash::Sha256 => Pss::new::<Sha256>(),
                    Hash::Sha384 => Pss::new::<Sha384>(),
                    Hash::Sha512 => Pss::new::<Sha512>(),
                };
                key.verify(scheme, digest, signature).is_ok()
            }
            _ => false,
        }
    }
}

fn is_mac(hash: Hash, secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
    fn check<M: Mac + KeyInit>(secret: &[u8], message: &[u8], tag: &[u8]) -> bool {
        // HMAC takes keys of any length; the error exists for other algorithms.
        <M as KeyInit>::new_from_slice(secret).is_ok_and(|mac| {
            let mut mac: M = mac;
            mac.update(message);
            mac.verify_slice(tag).is_ok()
        })
    }
    match hash {
        Hash::Sha256 => check::<Hmac<sha2::Sha256>>(secret, message, tag),
        Hash::Sha384 => check::<Hmac<sha2::Sha384>>(secret, message, tag),
        Hash::Sha512 => check::<Hmac<sha2::Sha512>>(secret, message, tag),
    }
}
