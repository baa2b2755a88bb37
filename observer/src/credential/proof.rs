//! What is left of a token to check its signature later, with a key that is not known yet.

use std::fmt;

use super::keys::{Algorithm, Content, KeySet};
use super::{Signature, signature};

/// The signature of a token and the digest of what it signs. No token can be made of the two: the claims
/// are not in it.
///
/// There is none of MACs, which take a secret, nor of Ed25519, which hashes the key with the token.
#[derive(Clone, Eq, PartialEq)]
pub struct Proof {
    issuer: String,
    kid: Option<String>,
    algorithm: Algorithm,
    digest: Box<[u8]>,
    signature: Box<[u8]>,
}

impl Proof {
    /// Of a token in its parts. `None` where nothing could be checked with it.
    pub(super) fn of(
        issuer: Option<&str>,
        kid: Option<&str>,
        alg: Option<&str>,
        message: &[u8],
        signature: Vec<u8>,
    ) -> Option<Self> {
        let (issuer, algorithm) = (issuer?, Algorithm::named(alg?)?);
        let digest = algorithm.digest(message)?;
        let is_short = issuer.len() <= MAX_NAME && kid.is_none_or(|kid| kid.len() <= MAX_NAME);
        Some(Self {
            issuer: is_short.then(|| issuer.to_owned())?,
            kid: kid.map(str::to_owned),
            algorithm,
            digest: digest.into(),
            signature: signature.into(),
        })
    }

    /// The issuer exactly as the token names it: text from the wire that is not to be shown.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What a key set says of the signature.
    pub fn check(&self, set: &KeySet) -> Signature {
        let content = Content {
            message: None,
            digest: Some(&self.digest),
        };
        let kid = self.kid.as_deref();
        signature::among(set, kid, self.algorithm, content, &self.signature)
    }
}

/// Longer issuers and kids are nobody's.
const MAX_NAME: usize = 1024;

/// It tells nothing.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}
