//! One sentence for a person.

use super::combine::Finding;
use super::{Cause, Certainty};

/// How many candidates a sentence names.
const MAX_NAMED: usize = 4;

/// Says why.
pub(super) fn sentence(finding: &Finding) -> String {
    let clause = clause(finding.cause);
    let because = |separator: &str| {
        finding
            .decisive
            .as_deref()
            .map_or_else(String::new, |decisive| format!("{separator}{decisive}"))
    };
    let sentence = match finding.certainty {
        Certainty::Proven => format!("{clause}{}", because(": ")),
        Certainty::Stated | Certainty::Inferred => {
            format!("the server says that {clause}{}", because("; "))
        }
        Certainty::TokenEvidence => format!("most likely {clause}{}", because(": ")),
        Certainty::Conflict => format!("the server says that {clause}{}", because(", but ")),
        Certainty::Candidates => {
            let named: Vec<&str> = finding
                .candidates
                .iter()
                .take(MAX_NAMED)
                .map(|cause| self::clause(*cause))
                .collect();
            format!(
                "{clause}; it may be that {}{}",
                alternatives(&named),
                because(" (")
            ) + if finding.decisive.is_some() { ")" } else { "" }
        }
        Certainty::Unknown => format!("{clause}{}", because("; ")),
    };
    capitalised(&sentence) + "."
}

/// A cause as a clause that can follow "because".
pub(super) const fn clause(cause: Cause) -> &'static str {
    match cause {
        Cause::CredentialsMissing => "no credential reached the service",
        Cause::HeaderMalformed => "the Authorization field is malformed",
        Cause::TokenMalformed => "the token is malformed",
        Cause::TokenTruncated => "the token was truncated on its way",
        Cause::TokenTooLarge => "the token made the request's head too large",
        Cause::AlgNotAllowed => "the token's algorithm is not allowed",
        Cause::KeyNotFound => "the service has no key for the token",
        Cause::SignatureInvalid => "the token's signature is not valid",
        Cause::KeysUnavailable => "the service could not get its keys",
        Cause::TokenExpired => "the token had expired",
        Cause::TokenNotYetValid => "the token was not valid yet",
        Cause::TokenIssuedInFuture => "the token was issued in the future",
        Cause::IssuerMismatch => "the service does not take the token's issuer",
        Cause::AudienceMismatch => "the token is for another audience",
        Cause::ClaimMissing => "the token lacks a claim that the service wants",
        Cause::TokenTypeWrong => "the token is not an access token",
        Cause::TokenRevoked => "the token was revoked",
        Cause::TokenInactive => "the token is not active",
        Cause::ScopeInsufficient => "the token lacks a scope",
        Cause::PermissionDenied => "the caller is known and may not do this",
        Cause::ValidatorError => "the service's own validation is broken",
        Cause::InvalidTokenUnspecified => "the service says that the token is bad, and not why",
        Cause::RejectedUnspecified => "the service refused and did not say why",
        Cause::NotAFailure => "this is a step of a handshake and no failure",
    }
}

fn alternatives(clauses: &[&str]) -> String {
    match clauses {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
