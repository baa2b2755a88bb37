//! Requests whose truth is known: what is wrong with a token is decided when it is made.

use std::path::PathBuf;

use observer::demo::keys::{KID, Signer};
use observer_tests::mint::{claims, now, unsigned};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use observer_tests::mint::{AUDIENCE, ISSUER, bearer};

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    Nothing,
    Missing,
    Basic,
    Doubled,
    Malformed,
    Truncated,
    AlgNone,
    Expired,
    NotYet,
    IssuedInFuture,
    Issuer,
    Audience,
    UnknownKey,
    Signature,
    Scope,
    Denied,
}

impl Flaw {
    pub const ALL: &[Self] = &[
        Self::Nothing,
        Self::Missing,
        Self::Basic,
        Self::Doubled,
        Self::Malformed,
        Self::Truncated,
        Self::AlgNone,
        Self::Expired,
        Self::NotYet,
        Self::IssuedInFuture,
        Self::Issuer,
        Self::Audience,
        Self::UnknownKey,
        Self::Signature,
        Self::Scope,
        Self::Denied,
    ];

    /// Whether it can be seen in the request alone. That a service wants another scheme than Basic
    /// is not.
    pub fn is_in_the_token(self) -> bool {
        !matches!(
            self,
            Self::Nothing | Self::Basic | Self::Scope | Self::Denied
        )
    }

    /// The causes that are right for it.
    pub fn causes(self) -> &'static [&'static str] {
        match self {
            Self::Nothing => &[],
            Self::Missing => &["credentials_missing"],
            // A validator of bearer tokens sees no credential of its own: both names are true.
            Self::Basic => &["credentials_missing", "header_malformed"],
            Self::Doubled => &["header_malformed"],
            Self::Malformed => &["token_malformed"],
            Self::Truncated => &["token_truncated"],
            Self::AlgNone => &["alg_not_allowed"],
            Self::Expired => &["token_expired"],
            Self::NotYet => &["token_not_yet_valid"],
            Self::IssuedInFuture => &["token_issued_in_future"],
            Self::Issuer => &["issuer_mismatch"],
            Self::Audience => &["audience_mismatch"],
            Self::UnknownKey => &["key_not_found"],
            Self::Signature => &["signature_invalid"],
            Self::Scope => &["scope_insufficient"],
            Self::Denied => &["permission_denied"],
        }
    }
}

/// One request that was sent, and its truth.
#[derive(Clone, Debug)]
pub struct Sent {
    pub path: String,
    pub authorization: Option<String>,
    pub flaw: Flaw,
}

impl Sent {
    /// So many that are refused because their tokens have expired.
    pub fn expired(mint: &Mint, count: usize) -> Vec<Self> {
        let one = |number| Self {
            path: format!("/deny/{number}"),
            authorization: mint.authorization(Flaw::Expired),
            flaw: Flaw::Expired,
        };
        (0..count).map(one).collect()
    }

    /// As the badly behaved client takes it.
    pub fn request(&self) -> Value {
        json!({"method": "GET", "path": self.path, "authorization": self.authorization})
    }
}

/// Makes tokens; has the file of its key set.
pub struct Mint {
    signer: Signer,
    stranger: Signer,
    unknown: Signer,
    folder: TempDir,
}

impl Mint {
    pub fn new() -> Self {
        let signer = Signer::random(KID).unwrap();
        let folder = TempDir::new().unwrap();
        let set = serde_json::to_vec(&signer.key_set().unwrap()).unwrap();
        std::fs::write(folder.path().join("jwks.json"), set).unwrap();
        Self {
            signer,
            stranger: Signer::random(KID).unwrap(),
            unknown: Signer::random("retired-2019").unwrap(),
            folder,
        }
    }

    /// The file of the key set.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }

    /// `--jwks ISSUER=FILE`.
    pub fn jwks(&self) -> String {
        format!("{ISSUER}={}", self.keys().display())
    }

    /// A good token with these claims changed or added.
    pub fn token(&self, change: &Value) -> String {
        self.signer.sign(&claims(change)).unwrap()
    }

    /// The Authorization field with this flaw.
    pub fn authorization(&self, flaw: Flaw) -> Option<String> {
        let now = now();
        let good = || self.token(&json!({}));
        Some(match flaw {
            Flaw::Missing => return None,
            Flaw::Basic => "Basic bGFiOmxhYg==".to_owned(),
            Flaw::Nothing | Flaw::Scope | Flaw::Denied => bearer(&good()),
            Flaw::Doubled => bearer(&bearer(&good())),
            Flaw::Malformed => bearer(good().rsplit_once('.').unwrap().0),
            Flaw::Truncated => {
                let good = good();
                bearer(&good[..good.len() - 30])
            }
            Flaw::AlgNone => bearer(&unsigned(Some(KID), &claims(&json!({})))),
            Flaw::Expired => bearer(
                &self.token(&json!({"iat": now - 7200, "nbf": now - 7200, "exp": now - 3600})),
            ),
            Flaw::NotYet => bearer(&self.token(&json!({"nbf": now + 3000}))),
            Flaw::IssuedInFuture => bearer(&self.token(&json!({"iat": now + 3000}))),
            Flaw::Issuer => bearer(&self.token(&json!({"iss": "https://elsewhere.test"}))),
            Flaw::Audience => bearer(&self.token(&json!({"aud": "billing"}))),
            Flaw::UnknownKey => bearer(&self.unknown.sign(&claims(&json!({}))).unwrap()),
            Flaw::Signature => bearer(&self.stranger.sign(&claims(&json!({}))).unwrap()),
        })
    }

    /// One request per flaw, each with a path of its own below `folder`.
    pub fn every_flaw(&self, folder: &str) -> Vec<Sent> {
        Flaw::ALL
            .iter()
            .map(|flaw| Sent {
                path: match flaw {
                    Flaw::Scope => format!("{folder}/scoped"),
                    Flaw::Denied => format!("{folder}/denied"),
                    other => format!("{folder}/{other:?}"),
                },
                authorization: self.authorization(*flaw),
                flaw: *flaw,
            })
            .collect()
    }
}
