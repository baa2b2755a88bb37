//! The credential of an event.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::credential::{Credential, Defect, Fingerprint, JoseHeader, Kind, Signature};

use super::text;

/// The credential of an event. Its text was capped and escaped where it was taken apart.
#[derive(Clone, Debug, Serialize)]
pub struct CredentialPart {
    /// Where it travelled: `authorization`, `cookie:NAME` and so on, as docs/carriers.md has them.
    pub carrier: String,
    /// The authentication scheme in lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// `jwt`, `jwe`, `opaque`, `basic` or `other`.
    pub kind: &'static str,
    /// What stands for it: 16 hexadecimal digits.
    #[serde(
        serialize_with = "text::display_some",
        skip_serializing_if = "Option::is_none"
    )]
    pub fingerprint: Option<Fingerprint>,
    /// What stands for the subject of a JWT.
    #[serde(
        serialize_with = "text::display_some",
        skip_serializing_if = "Option::is_none"
    )]
    pub subject: Option<Fingerprint>,
    /// How many bytes it has, as captured.
    pub length: usize,
    /// The JOSE header, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderPart>,
    /// The claims of the allow-list, where they could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Map<String, Value>>,
    /// The names of the claims that are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Vec<String>>,
    /// What the keys at hand say: `valid`, `invalid`, `key_not_found` or `not_checkable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<&'static str>,
    /// What is wrong with its form, in the order found.
    pub defects: Vec<DefectPart>,
}

/// The fields of a JOSE header that are shown.
#[derive(Clone, Debug, Serialize)]
pub struct HeaderPart {
    /// `alg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `kid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `typ`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// `enc` of a JWE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enc: Option<String>,
    /// `cty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cty: Option<String>,
    /// The names of the other fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

/// One thing that is wrong with the form of a credential.
#[derive(Clone, Debug, Serialize)]
pub struct DefectPart {
    /// Its stable id.
    pub id: &'static str,
    /// Which part, claim or field it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<&'static str>,
    /// How many there are, or how long it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub have: Option<usize>,
    /// How many there must be at the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub want: Option<usize>,
}

/// Writes a credential as [`CredentialPart`], which is made only where somebody wants it.
pub(super) fn written<S: Serializer>(credential: &Credential, to: S) -> Result<S::Ok, S::Error> {
    CredentialPart::from(credential).serialize(to)
}

/// The same for one that may be absent.
pub(super) fn written_some<S: Serializer>(
    credential: &Option<Arc<Credential>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match credential {
        Some(credential) => written(credential, to),
        None => to.serialize_none(),
    }
}

/// The same for several.
pub(super) fn all_written<S: Serializer>(
    credentials: &[Arc<Credential>],
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_seq(
        credentials
            .iter()
            .map(|one| CredentialPart::from(one.as_ref())),
    )
}

impl From<&Credential> for CredentialPart {
    fn from(credential: &Credential) -> Self {
        let claims = credential.claims.as_ref();
        Self {
            carrier: credential.carrier.to_string(),
            scheme: credential.scheme.clone(),
            kind: kind(credential.kind),
            fingerprint: credential.fingerprint,
            subject: claims.and_then(|claims| claims.subject),
            length: credential.length,
            header: credential.header.as_ref().map(HeaderPart::from),
            claims: claims.map(|claims| claims.shown.clone()),
            withheld: claims.map(|claims| claims.withheld.clone()),
            signature: signature(&credential.signature),
            defects: credential.defects.iter().map(DefectPart::from).collect(),
        }
    }
}

impl From<&JoseHeader> for HeaderPart {
    fn from(header: &JoseHeader) -> Self {
        Self {
            alg: header.alg.clone(),
            kid: header.kid.clone(),
            typ: header.typ.clone(),
            enc: header.enc.clone(),
            cty: header.cty.clone(),
            others: header.others.clone(),
        }
    }
}

impl From<&Defect> for DefectPart {
    fn from(defect: &Defect) -> Self {
        let (at, have, want) = match *defect {
            Defect::BadBase64 { part }
            | Defect::BadJson { part }
            | Defect::DuplicateName { part } => (Some(part), None, None),
            Defect::BadType { name } | Defect::Milliseconds { name } => (Some(name), None, None),
            Defect::TooMuch { what } => (Some(what), None, None),
            Defect::ShortSignature { have, want } => (None, Some(have), Some(want)),
            Defect::WrongParts { have } | Defect::Repeated { fields: have } => {
                (None, Some(have), None)
            }
            _ => (None, None, None),
        };
        Self {
            id: defect.id(),
            at,
            have,
            want,
        }
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Basic => "basic",
        Kind::Jwe => "jwe",
        Kind::Jwt => "jwt",
        Kind::Opaque => "opaque",
        Kind::Other => "other",
    }
}

fn signature(signature: &Signature) -> Option<&'static str> {
    match signature {
        Signature::Invalid { .. } => Some("invalid"),
        Signature::KeyNotFound { .. } => Some("key_not_found"),
        Signature::NotCheckable => Some("not_checkable"),
        Signature::NotChecked => None,
        Signature::Valid { .. } => Some("valid"),
    }
}
