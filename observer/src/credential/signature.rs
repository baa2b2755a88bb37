//! How long a signature must be, and whether it is the key's.

use super::keys::{Algorithm, Content, KeySet, MAX_KID};
use super::{KeySets, Signature};
use crate::redact;

/// How many keys are tried for a token that names none.
const MAX_TRIES: usize = 8;
/// How many kids are listed where none fits.
const MAX_LISTED: usize = 8;

/// Whether an `alg` is one that signs (RFC 7518 section 3.1, RFC 8037, RFC 8812, RFC 9864).
pub(super) fn is_known(alg: &str) -> bool {
    least(alg).is_some()
}

/// The fewest bytes of a signature of this algorithm. `None`: no algorithm that signs. RSA keys of
/// less than 2048 bits are not allowed by RFC 7518 section 3.3.
pub(super) fn least(alg: &str) -> Option<usize> {
    Some(match alg {
        "HS256" => 32,
        "HS384" => 48,
        "HS512" => 64,
        "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => 256,
        "ES256" | "ES256K" | "EdDSA" | "Ed25519" => 64,
        "ES384" => 96,
        "ES512" => 132,
        "Ed448" => 114,
        _ => return None,
    })
}

/// How many bytes are wanted where `have` are too few. RSA signatures are as long as the modulus,
/// which is a multiple of 32 bytes in practice: one of 300 bytes is the rest of one of 384.
pub(super) fn wanted(alg: &str, have: usize, key: Option<usize>) -> Option<usize> {
    let least = least(alg)?;
    let is_rsa = matches!(alg.get(..2), Some("RS" | "PS"));
    let want = match key {
        Some(modulus) if is_rsa => modulus,
        _ if is_rsa && have > least && !have.is_multiple_of(32) => {
            [384, 512, 1024].into_iter().find(|size| have < *size)?
        }
        _ => least,
    };
    (have < want).then_some(want)
}

/// How long the signatures of the key are that the token names, where that key is at hand.
pub(super) fn key_length(
    sets: &KeySets,
    issuer: Option<&str>,
    kid: Option<&str>,
    alg: &str,
) -> Option<usize> {
    let set = sets.of(issuer?)?;
    let key = set
        .candidates(Some(kid?), Algorithm::named(alg)?)
        .find(|key| key.kid.as_deref() == kid)?;
    key.material.signature_len()
}

/// Checks a signature against the key set of the token's own issuer, and no other.
pub(super) fn check(
    sets: &KeySets,
    issuer: Option<&str>,
    kid: Option<&str>,
    alg: Option<&str>,
    message: &[u8],
    signature: &[u8],
) -> Signature {
    let Some(alg) = alg.filter(|alg| is_known(alg)) else {
        return Signature::NotChecked;
    };
    let algorithm = Algorithm::named(alg);
    if let Some(Algorithm::Hmac(_)) | None = algorithm {
        let secrets = issuer.and_then(|issuer| sets.secrets_of(issuer));
        return match (algorithm, secrets) {
            (Some(algorithm), Some(secrets)) => {
                against(secrets, None, algorithm, message, signature)
            }
            _ => Signature::NotCheckable,
        };
    }
    match (algorithm, issuer.and_then(|issuer| sets.of(issuer))) {
        (Some(algorithm), Some(set)) => {
            let found = against(&set, kid, algorithm, message, signature);
            let is_missing = matches!(found, Signature::KeyNotFound { .. });
            if is_missing && !issuer.is_some_and(|issuer| sets.surely_lacks(issuer)) {
                return Signature::NotChecked;
            }
            found
        }
        _ => Signature::NotChecked,
    }
}

/// Checks a signature against the keys of a set, whoever issued it.
pub(super) fn against(
    set: &KeySet,
    kid: Option<&str>,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Signature {
    let digest = algorithm.digest(message);
    let content = Content {
        message: Some(message),
        digest: digest.as_deref(),
    };
    among(set, kid, algorithm, content, signature)
}

/// Checks a signature of what is left of a message.
pub(super) fn among(
    set: &KeySet,
    kid: Option<&str>,
    algorithm: Algorithm,
    content: Content<'_>,
    signature: &[u8],
) -> Signature {
    let mut tried = Vec::new();
    let mut candidates = set.candidates(kid, algorithm);
    for key in candidates.by_ref().take(MAX_TRIES) {
        if key.material.signed(algorithm, content, signature) {
            return Signature::Valid {
                kid: key.kid.as_deref().map(shown),
            };
        }
        tried.push(key);
    }
    if candidates.next().is_some() {
        // One that was not tried may be the one.
        return Signature::NotChecked;
    }
    match (kid, tried.as_slice()) {
        (_, []) => Signature::KeyNotFound {
            available: set.kids(MAX_LISTED),
        },
        // Only keys without a kid were tried: whether one of them was meant is not known.
        (Some(kid), keys) if keys.iter().all(|key| key.kid.as_deref() != Some(kid)) => {
            Signature::KeyNotFound {
                available: set.kids(MAX_LISTED),
            }
        }
        (Some(kid), _) => Signature::Invalid {
            kid: Some(shown(kid)),
        },
        (None, [key]) => Signature::Invalid {
            kid: key.kid.as_deref().map(shown),
        },
        (None, _) => Signature::Invalid { kid: None },
    }
}

fn shown(kid: &str) -> String {
    redact::label(kid, MAX_KID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_not_tried_may_be_the_one() {
        let text = std::fs::read_to_string(crate::credential::testing::jwks()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys = document["keys"].as_array().unwrap();
        let key = keys.iter().find(|key| key["kty"] == "RSA").unwrap();
        for (count, want) in [
            (MAX_TRIES, Signature::Invalid { kid: None }),
            (MAX_TRIES + 1, Signature::NotChecked),
        ] {
            let mut key = key.clone();
            key["alg"] = "RS256".into();
            let file = tempfile::NamedTempFile::new().unwrap();
            let document = serde_json::json!({"keys": vec![key; count]});
            std::fs::write(file.path(), document.to_string()).unwrap();
            let mut sets = KeySets::default();
            sets.add(&format!("issuer={}", file.path().display()))
                .unwrap();
            let set = sets.of("issuer").unwrap();
            let algorithm = Algorithm::named("RS256").unwrap();
            assert_eq!(against(&set, None, algorithm, b"a.b", &[0; 3]), want);
        }
    }

    #[test]
    fn a_signature_is_short_by_its_algorithm_or_by_its_key() {
        assert_eq!(wanted("RS256", 256, None), None);
        assert_eq!(wanted("RS256", 255, None), Some(256));
        assert_eq!(wanted("RS256", 300, None), Some(384));
        assert_eq!(wanted("RS256", 384, None), None);
        assert_eq!(wanted("RS256", 256, Some(512)), Some(512));
        assert_eq!(wanted("RS256", 128, Some(128)), None);
        assert_eq!(wanted("ES256", 64, None), None);
        assert_eq!(wanted("ES256", 63, None), Some(64));
        assert_eq!(wanted("HS256", 0, None), Some(32));
        assert_eq!(wanted("none", 0, None), None);
    }
}
