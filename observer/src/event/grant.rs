//! The grant of an event.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::credential::Fingerprint;
use crate::oauth::{Grant, Token};

use super::credential::kind;
use super::text;

/// The grant of an event. Its text was capped and escaped where it was read.
#[derive(Clone, Debug, Serialize)]
pub struct GrantPart {
    /// `issue`, `revoke` or `introspect`.
    pub action: &'static str,
    /// `grant_type`, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// `client_id`, where it is in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What the client presented.
    pub presented: Vec<TokenPart>,
    /// What the answer gave out.
    pub issued: Vec<TokenPart>,
    /// `expires_in`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// `error` of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// `active` of an introspection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The bodies of which something is missing: `request`, `response`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<&'static str>,
}

/// A token of a grant.
#[derive(Clone, Debug, Serialize)]
pub struct TokenPart {
    /// The name of its member.
    pub role: &'static str,
    /// `jwt`, `jwe` or `opaque`.
    pub kind: &'static str,
    /// What stands for it: 16 hexadecimal digits.
    #[serde(serialize_with = "text::display")]
    pub fingerprint: Fingerprint,
    /// `exp` of a JWT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<f64>,
}

impl From<&Grant> for GrantPart {
    fn from(grant: &Grant) -> Self {
        let cut = [
            grant.form_cut.then_some("request"),
            grant.answer_cut.then_some("response"),
        ];
        Self {
            action: grant.action.id(),
            grant_type: grant.grant_type.clone(),
            client_id: grant.client.clone(),
            presented: grant.presented.iter().map(TokenPart::from).collect(),
            issued: grant.issued.iter().map(TokenPart::from).collect(),
            expires_in: grant.expires_in,
            error: grant.error.clone(),
            active: grant.active,
            cut: cut.into_iter().flatten().collect(),
        }
    }
}

impl From<&Token> for TokenPart {
    fn from(token: &Token) -> Self {
        Self {
            role: token.role.id(),
            kind: kind(token.kind),
            fingerprint: token.fingerprint,
            expires: token.expires,
        }
    }
}

/// Writes a grant as [`GrantPart`], which is made only where somebody wants it.
pub(super) fn written_some<S: Serializer>(
    grant: &Option<Arc<Grant>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    grant.as_deref().map(GrantPart::from).serialize(to)
}
