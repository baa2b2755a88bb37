//! From options to what tokens are read and checked by.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::{Error, say};
use crate::credential::{
    Carriers, ClaimAllowList, Fetched, FingerprintKey, KeySetError, KeySets, Policy,
};
use crate::keys::fetch::{Client, Fetcher, Remote, Rhythm};

/// What `--jwks`, `--hmac-secret`, `--fingerprint-key` and `--show-claim` ask for.
pub(in crate::cli) fn policy(
    key_sets: &[String],
    secrets: &[String],
    fingerprint_key: Option<PathBuf>,
    claims: Vec<String>,
) -> Result<Policy, Error> {
    let mut keys = KeySets::default();
    for argument in key_sets {
        keys.add(argument).map_err(no_keys)?;
    }
    for argument in secrets {
        if let Some(hint) = keys.add_secret(argument).map_err(no_keys)? {
            say(hint);
        }
    }
    let key = match fingerprint_key {
        Some(path) => FingerprintKey::from_file(&path),
        None => FingerprintKey::random(),
    }
    .map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Policy::new(key, keys, ClaimAllowList::with(claims)))
}

/// Those of `--jwks` that are fetched, and the others.
pub(in crate::cli) fn remotes(
    key_sets: Vec<String>,
    discovered: &[String],
) -> (Vec<Remote>, Vec<String>) {
    let mut files = Vec::new();
    let mut remotes: Vec<_> = discovered
        .iter()
        .map(|issuer| Remote::discovered(issuer))
        .collect();
    for argument in key_sets {
        match Remote::of(&argument) {
            Some(remote) => remotes.push(remote),
            None => files.push(argument),
        }
    }
    (remotes, files)
}

/// What fetches them, if there are any.
pub(in crate::cli) fn fetcher(
    remotes: Vec<Remote>,
    in_clear: bool,
    fetched: &Arc<Fetched>,
) -> Option<Fetcher> {
    (!remotes.is_empty()).then(|| {
        let client = Client::new(in_clear);
        Fetcher::new(remotes, client, Rhythm::default(), Arc::clone(fetched))
    })
}

/// Fetches keys once, for commands that end by themselves.
pub(in crate::cli) fn fetch(fetcher: Option<Fetcher>) -> Result<(), Error> {
    let fetched = fetcher.map_or(Ok(()), Fetcher::once);
    fetched.map_err(|error| Error::Failed(format!("fetching keys: {error}")))
}

fn no_keys(error: KeySetError) -> Error {
    match error {
        KeySetError::Argument { .. } | KeySetError::SecretArgument { .. } => {
            Error::Usage(error.to_string())
        }
        _ => Error::Failed(error.to_string()),
    }
}

/// What `--carrier` asks for.
pub(in crate::cli) fn carriers(list: &[String]) -> Result<Carriers, Error> {
    Carriers::of(list.iter().map(String::as_str)).map_err(|error| Error::Usage(error.to_string()))
}
