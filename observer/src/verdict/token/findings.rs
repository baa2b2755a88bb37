//! What is wrong with a credential, one look after the other.

use std::sync::Arc;

use super::{Cause, Times, Token, audience};
use crate::credential::{Credential, Defect, Kind, MAX_LIST, Signature, second};

impl Token<'_> {
    pub(super) fn judge_form(&mut self, credential: &Credential) {
        let defects = &credential.defects;
        // Of a cut credential nothing is known about its end, and a defect may be the cut's.
        if !credential.cut
            && let Some(clause) = truncated(defects)
        {
            self.find(Cause::TokenTruncated, true, clause);
        }
        let is_truncated = self.finding(Cause::TokenTruncated).is_some();
        for defect in defects {
            let (cause, sure) = match defect {
                Defect::AlgNone => (Cause::AlgNotAllowed, true),
                Defect::Blank
                | Defect::DoubledScheme
                | Defect::Empty
                | Defect::Placeholder
                | Defect::Quoted
                | Defect::Separator => (Cause::HeaderMalformed, true),
                Defect::MissingScheme => (Cause::HeaderMalformed, credential.kind == Kind::Jwt),
                Defect::WrongScheme => (Cause::HeaderMalformed, false),
                Defect::Repeated { .. } => (Cause::CredentialsDuplicated, false),
                Defect::BadBase64 { .. }
                | Defect::BadJson { .. }
                | Defect::WrongParts { .. }
                | Defect::BadType { name: "alg" } => (Cause::TokenMalformed, true),
                Defect::BadType { .. } | Defect::Milliseconds { .. } => {
                    (Cause::ClaimMalformed, false)
                }
                Defect::DuplicateName { .. } | Defect::TooMuch { .. } => {
                    (Cause::TokenMalformed, false)
                }
                Defect::ShortSignature { .. } => continue,
            };
            let is_form = matches!(cause, Cause::TokenMalformed | Cause::ClaimMalformed);
            if is_form && (credential.cut || (is_truncated && sure)) {
                continue;
            }
            self.find(cause, sure, defect.to_string());
        }
    }

    /// A client must not send a token by two methods (RFC 6750 section 2).
    pub(super) fn judge_number(&mut self, judged: &Credential, others: &[Arc<Credential>]) {
        if let Some(second) = second(judged, others) {
            let (first, other) = (judged.carrier.clause(), second.carrier.clause());
            let clause = format!("the request had one token in {first} and another in {other}");
            self.find(Cause::CredentialsDuplicated, false, clause);
        }
    }

    pub(super) fn judge_times(&mut self) {
        let Times {
            expires,
            not_before,
            issued,
        } = self.times;
        if let Some(distance) = expires.filter(|distance| !distance.after) {
            self.find(
                Cause::TokenExpired,
                distance.beyond,
                format!("exp was {distance} before {}", self.moment),
            );
        }
        for (cause, name, distance) in [
            (Cause::TokenNotYetValid, "nbf", not_before),
            (Cause::TokenIssuedInFuture, "iat", issued),
        ] {
            // Within the slack it is the usual difference of two clocks.
            if let Some(distance) = distance.filter(|distance| distance.after && distance.clear) {
                self.find(
                    cause,
                    distance.beyond,
                    format!("{name} was {distance} after {}", self.moment),
                );
            }
        }
    }

    pub(super) fn judge_signature(&mut self, credential: &Credential) {
        match &credential.signature {
            Signature::Invalid { kid } => {
                let key = kid
                    .as_deref()
                    .map_or_else(String::new, |kid| format!(" {kid}"));
                let clause = format!("the signature is not that of the issuer's key{key}");
                self.find(Cause::SignatureInvalid, true, clause);
            }
            Signature::KeyNotFound { available } => {
                let header = credential.header.as_ref();
                let kid = header
                    .and_then(|header| header.kid.as_deref())
                    .unwrap_or("(none)");
                let has = available.join(", ");
                let clause = format!(
                    "the issuer's key set has no key {kid} for this algorithm; it has {has}"
                );
                self.find(Cause::KeyNotFound, true, clause);
            }
            Signature::NotCheckable | Signature::NotChecked | Signature::Valid { .. } => {}
        }
    }

    pub(super) fn judge_expectation(&mut self) {
        let (Some(expected), Some(claims)) = (self.expected, self.claims()) else {
            return;
        };
        let issuer = claims.issuer.as_deref().unwrap_or("(none)");
        if !expected.issuer.is_empty() && !expected.issuer.iter().any(|one| one == issuer) {
            let wants = expected.issuer.join(" or ");
            self.find(
                Cause::IssuerMismatch,
                true,
                format!("iss is {issuer} and the service takes {wants}"),
            );
        }
        if !expected.audience.is_empty()
            && claims.audience.len() < MAX_LIST
            && !expected
                .audience
                .iter()
                .any(|one| claims.audience.contains(one))
        {
            let wants = expected.audience.join(" or ");
            let has = audience(claims);
            self.find(
                Cause::AudienceMismatch,
                true,
                format!("aud is {has} and the service takes {wants}"),
            );
        }
    }

    /// Claims by which issuers mark tokens that are no access tokens.
    pub(super) fn judge_type(&mut self) {
        let Some(claims) = self.claims() else { return };
        let wrong = ["refresh", "offline", "id", "id_token", "refresh_token"];
        if let Some((name, value)) = claims.marked(&wrong) {
            // ID tokens are taken here and there; nobody takes what can only be exchanged.
            let is_for_exchange = !value.to_ascii_lowercase().starts_with("id");
            self.find(
                Cause::TokenTypeWrong,
                is_for_exchange,
                format!("the claim {name} is {value}: no access token"),
            );
        }
    }
}

/// Why a token was truncated: its signature is shorter than its algorithm's, or it ends in a part
/// that is broken where more parts should follow.
fn truncated(defects: &[Defect]) -> Option<String> {
    if let Some(short) = defects
        .iter()
        .find(|defect| matches!(defect, Defect::ShortSignature { .. }))
    {
        return Some(short.to_string());
    }
    let ends_in = |part: &str| {
        defects.iter().any(|defect| {
            matches!(defect, Defect::BadBase64 { part: own } | Defect::BadJson { part: own } if *own == part)
        })
    };
    defects.iter().find_map(|defect| match defect {
        Defect::WrongParts { have: 1 } if ends_in("header") => {
            Some("it ends in the middle of its header".to_owned())
        }
        Defect::WrongParts { have: 2 } if ends_in("payload") => {
            Some("it ends in the middle of its payload".to_owned())
        }
        _ => None,
    })
}
