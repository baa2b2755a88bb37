//! Key sets (JWKS, RFC 7517 section 5) and shared secrets by issuer: what signatures are checked with.

mod algorithm;
mod fetched;
mod jwk;
mod material;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

pub(super) use algorithm::Algorithm;
pub use fetched::{Fetched, State};
pub(super) use material::Content;

use crate::redact;
use material::Material;

/// The largest file that is read as a key set: 1 MiB.
const MAX_FILE: u64 = 1 << 20;
/// The largest file that is read as a secret.
const MAX_SECRET: u64 = 4096;
/// More keys than this in one set are not used.
pub const MAX_KEYS: usize = 256;
/// The longest `kid` kept.
pub(super) const MAX_KID: usize = 128;

/// The key sets and secrets at hand, by issuer.
#[derive(Default)]
pub struct KeySets {
    public: HashMap<String, KeySet>,
    secret: HashMap<String, KeySet>,
    fetched: Arc<Fetched>,
}

/// A key set at hand.
pub(super) enum Held<'a> {
    /// From a file.
    Given(&'a KeySet),
    /// From the network.
    Fetched(Arc<KeySet>),
}

impl Deref for Held<'_> {
    type Target = KeySet;

    fn deref(&self) -> &KeySet {
        match self {
            Self::Given(set) => set,
            Self::Fetched(set) => set,
        }
    }
}

impl KeySets {
    /// Reads the key set of `--jwks ISSUER=FILE`. Two files of one issuer are one set. The issuer ends
    /// at the last `=`, because issuers are URLs and may have some of their own.
    ///
    /// # Errors
    /// When the argument has no `=`, or the file is no key set with a key that can be used.
    pub fn add(&mut self, argument: &str) -> Result<(), KeySetError> {
        let (issuer, path) = divide(argument).ok_or_else(|| KeySetError::Argument {
            argument: redact::label(argument, 256),
        })?;
        let set = read(Path::new(path))?;
        let known = self.public.entry(issuer.to_owned()).or_default();
        known.0.extend(set.0);
        Ok(())
    }

    /// Reads the secret of `--hmac-secret ISSUER=FILE`: the bytes of the file, a line end at its end left
    /// out. Of several secrets of one issuer any may have signed. Gives what there is to say of the
    /// file's permissions.
    ///
    /// # Errors
    /// When the argument has no `=`, or the file is empty, has more than 4096 bytes or cannot be read.
    pub fn add_secret(&mut self, argument: &str) -> Result<Option<String>, KeySetError> {
        let (issuer, path) = divide(argument).ok_or_else(|| KeySetError::SecretArgument {
            argument: redact::label(argument, 256),
        })?;
        let path = Path::new(path);
        let refuse = |error| KeySetError::ReadSecret {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(refuse)?;
        let mode = file.metadata().map_err(refuse)?.permissions().mode();
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET as usize + 1));
        file.take(MAX_SECRET + 1)
            .read_to_end(&mut bytes)
            .map_err(refuse)?;
        let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
        let set = KeySet::secret(secret).filter(|_| bytes.len() as u64 <= MAX_SECRET);
        let set = set.ok_or_else(|| KeySetError::SecretLength {
            path: path.to_owned(),
        })?;
        let known = self.secret.entry(issuer.to_owned()).or_default();
        known.0.extend(set.0);
        let open = mode & 0o077 != 0;
        Ok(open.then(|| {
            let path = path.display();
            format!(
                "others than its owner may read the secret {path}, and who has it can make tokens: \
                 chmod 600 {path}"
            )
        }))
    }

    /// The key set of an issuer, which must be exactly the `iss` of the token.
    pub(super) fn of(&self, issuer: &str) -> Option<Held<'_>> {
        match self.public.get(issuer) {
            Some(set) => Some(Held::Given(set)),
            None => self.fetched.of(issuer).map(Held::Fetched),
        }
    }

    /// Whether an issuer whose set lacks a key has none: one that was fetched some time ago may have got it
    /// since, and is fetched again.
    pub(super) fn surely_lacks(&self, issuer: &str) -> bool {
        self.public.contains_key(issuer) || self.fetched.miss(issuer)
    }

    /// Where sets are put that are fetched. Those of a file come before them.
    pub fn fetched(&self) -> &Arc<Fetched> {
        &self.fetched
    }

    /// The secrets of an issuer, likewise.
    pub(super) fn secrets_of(&self, issuer: &str) -> Option<&KeySet> {
        self.secret.get(issuer)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.public.is_empty() && self.secret.is_empty()
    }
}

/// The keys of one issuer.
#[derive(Default)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// The keys of a key set that can check signatures, at most [`MAX_KEYS`].
    ///
    /// # Errors
    /// When it is no key set, or no key in it can be used.
    pub fn read(text: &[u8]) -> Result<Self, Unusable> {
        let document: Value = serde_json::from_slice(text).map_err(|error| Unusable::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        Self::of_document(&document)
    }

    /// The same of a document that was parsed.
    ///
    /// # Errors
    /// As [`KeySet::read`].
    pub fn of_document(document: &Value) -> Result<Self, Unusable> {
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or(Unusable::NotAKeySet)?;
        let usable: Vec<Key> = keys.iter().take(MAX_KEYS).filter_map(jwk::key).collect();
        match usable.is_empty() {
            true => Err(Unusable::NoUsableKey { keys: keys.len() }),
            false => Ok(Self(usable)),
        }
    }

    /// A secret for HMAC. `None`: it is empty.
    pub fn secret(bytes: &[u8]) -> Option<Self> {
        let key = Key {
            kid: None,
            material: Material::Hmac(Zeroizing::new(bytes.to_vec())),
            algorithm: None,
        };
        (!bytes.is_empty()).then(|| Self(vec![key]))
    }

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
    pub fn kids(&self, count: usize) -> Vec<String> {
        let kids = self.0.iter().filter_map(|key| key.kid.as_deref());
        kids.take(count)
            .map(|kid| redact::label(kid, MAX_KID))
            .collect()
    }
}

/// One key.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) material: Material,
    algorithm: Option<Algorithm>,
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        self.material.fits(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

/// Issuer and file of an argument.
fn divide(argument: &str) -> Option<(&str, &str)> {
    argument
        .rsplit_once('=')
        .filter(|(issuer, path)| !issuer.is_empty() && !path.is_empty())
}

fn read(path: &Path) -> Result<KeySet, KeySetError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text))
        .map_err(|error| KeySetError::Read {
            path: path.to_owned(),
            error,
        })?;
    let path = || path.to_owned();
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(KeySetError::TooLarge { path: path() });
    }
    KeySet::read(&text).map_err(|unusable| KeySetError::Unusable {
        path: path(),
        unusable,
    })
}

/// Why a document is no key set that can be used. Never quotes it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Unusable {
    /// It is not JSON.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson {
        /// Where the parser stopped.
        line: usize,
        /// Where the parser stopped.
        column: usize,
    },
    /// It is JSON, and not a JWKS.
    #[error("it is JSON, but no key set: it has no array `keys` (RFC 7517 section 5)")]
    NotAKeySet,
    /// No key in it can be used.
    #[error(
        "it has no key that can check a signature ({keys} keys read): want RSA up to 4096 bits, P-256, P-384, P-521 or Ed25519, not for encryption"
    )]
    NoUsableKey {
        /// How many keys it has.
        keys: usize,
    },
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
    /// What is in it cannot be used.
    #[error("the key set {path} cannot be used: {unusable}; save the document of the issuer's jwks_uri, not the discovery document or a single key", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        unusable: Unusable,
    },
    /// The argument is not `ISSUER=FILE`.
    #[error(
        "--hmac-secret {argument}: want ISSUER=FILE, with the issuer exactly as `iss` of the tokens has it"
    )]
    SecretArgument {
        /// What was given.
        argument: String,
    },
    /// The file cannot be read.
    #[error("cannot read the secret {path}: {error}", path = path.display())]
    ReadSecret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is empty or too large.
    #[error("the secret {path} must have 1 to 4096 bytes: the bytes that issuer and validators share, as they use them", path = path.display())]
    SecretLength {
        /// The file.
        path: PathBuf,
    },
}
