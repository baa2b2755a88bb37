//! What a configuration says of tokens: what services expect, and what they are checked with.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::List;
use super::limits::Bounds;
use crate::keys::fetch::is_url;
use crate::service;
use crate::verdict::Expectation;

/// What counts from the start of a run to its end: a configuration that is read again does not change it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Fixed {
    /// Key sets of issuers, as `--jwks` takes them: `ISSUER=FILE`, `ISSUER=URL` or an issuer alone.
    pub key_sets: Vec<String>,
    /// Secrets of issuers, as `--hmac-secret` takes them: `ISSUER=FILE`.
    pub secrets: Vec<String>,
    /// Claims that are shown, besides the usual.
    pub claims: Vec<String>,
    /// Where else credentials are looked for, as `--carrier` takes them.
    pub carriers: Vec<String>,
    /// The file with the key of the fingerprints.
    pub fingerprint_key: Option<PathBuf>,
    /// The bounds.
    pub bounds: Bounds,
}

impl Fixed {
    /// The keys of the file whose values are not the same in another.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("jwks", self.key_sets != other.key_sets),
            ("hmac_secret", self.secrets != other.secrets),
            ("show_claims", self.claims != other.claims),
            ("carriers", self.carriers != other.carriers),
            (
                "fingerprint_key",
                self.fingerprint_key != other.fingerprint_key,
            ),
            ("limits", self.bounds != other.bounds),
        ]
        .into_iter()
        .filter_map(|(key, differs)| differs.then_some(key))
        .collect()
    }
}

/// What a service expects of tokens, for services that do not say why they refuse.
#[derive(Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Expect {
    pub(super) service: String,
    pub(super) what: Expectation,
}

/// A `[[expect]]`: what a service expects of tokens, for services that do not say why they refuse.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Expect",
    extend("anyOf" = [{"required": ["iss"]}, {"required": ["aud"]}])
)]
pub(super) struct Written {
    /// The name of the service, with or without its port.
    #[schemars(length(min = 1, max = 128))]
    service: String,
    /// The issuers that it trusts.
    #[serde(default)]
    iss: List<String>,
    /// The audiences that it is.
    #[serde(default)]
    aud: List<String>,
}

impl TryFrom<Written> for Expect {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { service, iss, aud } = written;
        service::checked(&service)?;
        if iss.0.is_empty() && aud.0.is_empty() {
            return Err(format!(
                "nothing is expected of tokens for {service:?}: say it with iss or aud"
            ));
        }
        let what = Expectation {
            issuer: iss.0,
            audience: aud.0,
        };
        Ok(Self { service, what })
    }
}

/// Adds what is expected of tokens for a service, to what was expected of them before.
pub(crate) fn expect(all: &mut Vec<(String, Expectation)>, service: String, more: Expectation) {
    match all.iter_mut().find(|(known, _)| *known == service) {
        Some((_, known)) => {
            known.issuer.extend(more.issuer);
            known.audience.extend(more.audience);
        }
        None => all.push((service, more)),
    }
}

/// A `[[jwks]]`.
#[derive(Deserialize)]
#[serde(try_from = "Set")]
pub(super) struct Keys {
    issuer: String,
    place: Place,
}

/// Where a key set is.
enum Place {
    File(File),
    Url(String),
    /// Where the discovery document of the issuer says.
    Discovered,
}

/// A `[[jwks]]`: the key set of an issuer, in a file or at a URL. With neither it is where the discovery
/// document of the issuer says, which is a URL then.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "Keys",
    extend(
        "not" = {"required": ["file", "url"]},
        "anyOf" = [
            {"required": ["file"]},
            {"required": ["url"]},
            {"properties": {"issuer": {"pattern": "^https?://[^=]*$"}}},
        ]
    )
)]
pub(super) struct Set {
    /// Exactly as `iss` of the tokens has it.
    #[schemars(length(min = 1))]
    issuer: String,
    /// The document of the issuer's jwks_uri. A path that is not absolute begins where the configuration
    /// lies.
    #[schemars(with = "Option<String>", regex(pattern = "^[^=]+$"))]
    file: Option<File>,
    /// The issuer's jwks_uri, which is fetched.
    #[schemars(regex(pattern = "^https?://"))]
    url: Option<String>,
}

impl TryFrom<Set> for Keys {
    type Error = String;

    fn try_from(set: Set) -> Result<Self, String> {
        let issuer = set.issuer;
        let place = match (set.file, set.url) {
            (Some(_), Some(_)) => {
                return Err(format!(
                    "the keys of {issuer:?} are in a file or at a url: leave one out"
                ));
            }
            (Some(file), None) => Place::File(file),
            (None, Some(url)) if is_url(&url) => Place::Url(url),
            (None, Some(url)) => {
                return Err(format!(
                    "{:?} is no url: it begins with https://",
                    crate::redact::url(&url)
                ));
            }
            (None, None) if is_url(&issuer) && !issuer.contains('=') => Place::Discovered,
            (None, None) => {
                return Err(format!(
                    "where the keys of {issuer:?} are is not said: say it with file or url; an issuer alone \
                     must be the https:// address of a discovery document"
                ));
            }
        };
        Ok(Self { issuer, place })
    }
}

impl Keys {
    /// As `--jwks` takes them. `folder`: where the configuration lies.
    pub(super) fn argument(self, folder: &Path) -> String {
        let Self { issuer, place } = self;
        match place {
            Place::File(file) => format!("{issuer}={}", folder.join(file.0).display()),
            Place::Url(url) => format!("{issuer}={url}"),
            Place::Discovered => issuer,
        }
    }
}

/// A `[[hmac_secret]]`: what the MACs of an issuer's tokens are checked with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// Exactly as `iss` of the tokens has it.
    #[schemars(length(min = 1))]
    issuer: String,
    /// Where it is. A path that is not absolute begins where the configuration lies.
    #[schemars(with = "String", regex(pattern = "^[^=]+$"))]
    file: File,
}

impl Secret {
    /// As `--hmac-secret` takes it. `folder`: where the configuration lies.
    pub(super) fn argument(self, folder: &Path) -> String {
        format!("{}={}", self.issuer, folder.join(self.file.0).display())
    }
}

/// A path without the sign that ends an issuer in the argument.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct File(String);

impl TryFrom<String> for File {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        match path.is_empty() || path.contains('=') {
            true => Err(format!("{path:?} cannot be: the path of a file, without =")),
            false => Ok(Self(path)),
        }
    }
}
