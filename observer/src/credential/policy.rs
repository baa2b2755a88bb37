//! What the inspection of credentials is told once, at start.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Carriers, ClaimAllowList, Fetched, Fingerprint, KeySets};

/// The key, the key sets and the claims that inspectors work with. One per process, shared.
pub struct Policy {
    pub(super) key: FingerprintKey,
    pub(super) keys: KeySets,
    pub(super) claims: ClaimAllowList,
    pub(super) carriers: Carriers,
}

impl Policy {
    /// A policy of these parts.
    pub fn new(key: FingerprintKey, keys: KeySets, claims: ClaimAllowList) -> Self {
        Self {
            key,
            keys,
            claims,
            carriers: Carriers::default(),
        }
    }

    /// The same, that looks for credentials in these places too.
    #[must_use]
    pub fn reading(self, carriers: Carriers) -> Self {
        Self { carriers, ..self }
    }

    /// Where key sets are put that are fetched.
    pub fn fetched(&self) -> &Arc<Fetched> {
        self.keys.fetched()
    }

    /// A random fingerprint key, no key sets, the default claims.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<Self, FingerprintKeyError> {
        let key = FingerprintKey::random()?;
        Ok(Self::new(
            key,
            KeySets::default(),
            ClaimAllowList::default(),
        ))
    }
}

/// The key of the fingerprints. Without it a fingerprint cannot be linked to a token.
///
/// A random one lasts as long as the process: fingerprints of two runs do not match. One from a file
/// makes those of a whole fleet match.
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// The fewest bytes of a key: as many as HMAC-SHA-256 gives.
    pub const MIN: usize = 32;
    /// The most.
    pub const MAX: usize = 4096;

    /// 32 bytes of the system's randomness.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random() -> Result<Self, FingerprintKeyError> {
        let mut bytes = Zeroizing::new([0; Self::MIN]);
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(bytes.as_mut_slice()))
            .map_err(|error| FingerprintKeyError::Random { error })?;
        Self::from_bytes(bytes.as_slice())
    }

    /// The bytes of a file, blanks and line ends at its end left out, so that an editor that adds one
    /// does not make another key of it. At least [`Self::MIN`] and at most [`Self::MAX`] bytes.
    ///
    /// # Errors
    /// When the file cannot be read, or has too few or too many bytes.
    pub fn from_file(path: &Path) -> Result<Self, FingerprintKeyError> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::MAX + 1));
        let limit = u64::try_from(Self::MAX + 1).unwrap_or(u64::MAX);
        File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| FingerprintKeyError::Read {
                path: path.to_owned(),
                error,
            })?;
        let key = bytes.trim_ascii_end();
        if key.len() < Self::MIN || bytes.len() > Self::MAX {
            let path = path.to_owned();
            return Err(FingerprintKeyError::Length {
                path,
                short: key.len() < Self::MIN,
            });
        }
        Self::from_bytes(key)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, FingerprintKeyError> {
        // HMAC takes keys of any length; the error exists for other algorithms.
        Hmac::new_from_slice(bytes)
            .map(Self)
            .map_err(|_| FingerprintKeyError::Unusable)
    }

    /// What stands for these bytes.
    pub(super) fn fingerprint(&self, parts: &[&[u8]]) -> Fingerprint {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first
            .iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        Fingerprint(u64::from_be_bytes(first))
    }
}

/// Why there is no fingerprint key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FingerprintKeyError {
    /// No randomness.
    #[error(
        "cannot read random bytes for the fingerprint key from /dev/urandom: {error}; give a key with --fingerprint-key FILE"
    )]
    Random {
        /// What the system said.
        error: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the fingerprint key {path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Too short or too long.
    #[error(
        "the fingerprint key {path} is too {}: it must have {} to {} bytes; make one with `head -c 32 /dev/urandom | base64 > {path}`",
        if *short { "short" } else { "long" }, FingerprintKey::MIN, FingerprintKey::MAX, path = path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Too short, else too long.
        short: bool,
    },
    /// The MAC does not take it.
    #[error("the fingerprint key cannot be used with HMAC-SHA-256; make another")]
    Unusable,
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn key_of(content: &[u8]) -> Result<FingerprintKey, FingerprintKeyError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        FingerprintKey::from_file(file.path())
    }

    #[test]
    fn a_line_end_does_not_make_another_key() {
        let key = [b'k'; 32];
        let with_line_end = [&key[..], b"\r\n"].concat();
        let one = key_of(&key).unwrap().fingerprint(&[b"token"]);
        assert_eq!(
            one,
            key_of(&with_line_end).unwrap().fingerprint(&[b"token"])
        );
        assert_ne!(
            one,
            FingerprintKey::random().unwrap().fingerprint(&[b"token"])
        );
    }

    #[test]
    fn the_fingerprint_is_the_start_of_the_hmac() {
        // RFC 4231 section 4.2, with its key of 20 bytes.
        let key = FingerprintKey::from_bytes(&[0x0b; 20]).unwrap();
        assert_eq!(
            key.fingerprint(&[b"Hi ", b"There"]).to_string(),
            "b0344c61d8db3853"
        );
    }

    #[test]
    fn refuses_what_is_no_key() {
        for content in [&b""[..], &[b'k'; 31], &[b'k'; 4097]] {
            assert!(matches!(
                key_of(content),
                Err(FingerprintKeyError::Length { .. })
            ));
        }
        let missing = FingerprintKey::from_file(Path::new("/nonexistent/key"));
        assert!(matches!(missing, Err(FingerprintKeyError::Read { .. })));
    }
}
