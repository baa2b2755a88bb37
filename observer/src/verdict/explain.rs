//! One sentence for a person.

use std::borrow::Cow;

use super::combine::Finding;
use super::token::Token;
use super::{Cause, Certainty};
use crate::credential::Carrier;

/// How many candidates a sentence names.
const MAX_NAMED: usize = 4;

/// Says why.
pub(super) fn sentence(finding: &Finding, token: &Token<'_>) -> String {
    let clause = |cause| clause_with(cause, token);
    let named = clause(finding.cause);
    let because = |separator: &str| {
        finding
            .decisive
            .as_deref()
            .map_or_else(String::new, |decisive| format!("{separator}{decisive}"))
    };
    let sentence = match finding.certainty {
        Certainty::Proven => format!("{named}{}", because(": ")),
        Certainty::Stated | Certainty::Inferred => {
            format!("the server says that {named}{}", because("; "))
        }
        Certainty::TokenEvidence => format!("most likely {named}{}", because(": ")),
        Certainty::Conflict => format!("the server says that {named}{}", because(", but ")),
        Certainty::Candidates => {
            let candidates = finding.candidates.iter().take(MAX_NAMED);
            let candidates: Vec<_> = candidates.map(|cause| clause(*cause)).collect();
            format!(
                "{named}; it may be that {}{}",
                alternatives(&candidates),
                because(" (")
            ) + if finding.decisive.is_some() { ")" } else { "" }
        }
        Certainty::Unknown => format!("{named}{}", because("; ")),
    };
    capitalised(&sentence) + "."
}

/// The same of a credential that may have been elsewhere than in the `Authorization` field.
fn clause_with(cause: Cause, token: &Token<'_>) -> Cow<'static, str> {
    let carrier = token.credential().map(|credential| &credential.carrier);
    // Without a fault in it, the server alone speaks of a field, and of the one that it looks at.
    let is_found = token.finding(Cause::HeaderMalformed).is_some();
    match (cause, carrier) {
        (Cause::HeaderMalformed, Some(carrier))
            if is_found || *carrier == Carrier::ProxyAuthorization =>
        {
            format!("{} is malformed", carrier.clause()).into()
        }
        _ => clause(cause).into(),
    }
}

/// A cause as a clause that can follow "because".
const fn clause(cause: Cause) -> &'static str {
    match cause {
        Cause::CredentialsMissing => "no credential reached the service",
        Cause::HeaderMalformed => "the Authorization field is malformed",
        Cause::CredentialsDuplicated => "more than one credential came",
        Cause::TokenMalformed => "the token is malformed",
        Cause::TokenTruncated => "the token was truncated on its way",
        Cause::TokenTooLarge => "the token made the request's head too large",
        Cause::AlgNotAllowed => "the token's algorithm is not allowed",
        Cause::KeyNotFound => "the service has no key for the token",
        Cause::SignatureInvalid => "the token's signature is not valid",
        Cause::KeysUnavailable => "the service could not get its keys",
        Cause::DecryptionFailed => "the service could not decrypt the token",
        Cause::TokenExpired => "the token had expired",
        Cause::TokenNotYetValid => "the token was not valid yet",
        Cause::TokenIssuedInFuture => "the token was issued in the future",
        Cause::TokenTooOld => "the token was issued longer ago than the service takes",
        Cause::LifetimeTooLong => "the token lives longer than the service takes",
        Cause::IssuerMismatch => "the service does not take the token's issuer",
        Cause::AudienceMismatch => "the token is for another audience",
        Cause::ClaimMissing => "the token lacks a claim that the service wants",
        Cause::ClaimMalformed => "a claim of the token is not of the type that it must be",
        Cause::ClaimInvalid => "a claim of the token is not what the service wants",
        Cause::TokenTypeWrong => "the token is not an access token",
        Cause::WrongTenant => "the token is of another tenant",
        Cause::TokenRevoked => "the token was revoked",
        Cause::SessionEnded => "the session behind the token is over",
        Cause::TokenInactive => "the token is not active",
        Cause::TokenReplayed => "what may be used once was used again",
        Cause::PrincipalUnknown => "the service does not know the user or client",
        Cause::PrincipalDisabled => "the account is disabled",
        Cause::ScopeInsufficient => "the token lacks a scope",
        Cause::PermissionDenied => "the caller is known and may not do this",
        Cause::AuthLevelInsufficient => "the caller must log in more strongly, or again",
        Cause::DpopProofMissing => "the proof of the token's key (DPoP) is missing",
        Cause::DpopProofInvalid => "the proof of the token's key (DPoP) is not valid",
        Cause::DpopNonceRequired => "the server asks for a DPoP nonce",
        Cause::CertBindingMismatch => {
            "the client's certificate is not the one that the token is bound to"
        }
        Cause::CsrfFailed => "the check against forged requests failed",
        Cause::GrantInvalid => "the issuer does not take the code, refresh token or assertion",
        Cause::RefreshTokenReused => "the refresh token had been used before",
        Cause::ClientAuthFailed => "the client did not prove who it is",
        Cause::ClientUnauthorized => "the client may not use this grant",
        Cause::GrantUnsupported => "the issuer does not know this type of grant",
        Cause::ScopeInvalid => "the issuer does not give the scope that was asked for",
        Cause::RequestInvalid => "the request to the issuer is malformed",
        Cause::LoginFailed => "the name or the password is wrong",
        Cause::ValidatorMisconfigured => "the service's own validation is not configured rightly",
        Cause::ValidatorError => "the service's own validation broke",
        Cause::IdpError => "the identity provider answered the service with an error",
        Cause::OtherCredentialMissing => "another credential than the token is missing",
        Cause::OtherCredentialInvalid => "another credential than the token is wrong",
        Cause::RouteNotFound => "there is no such route",
        Cause::InvalidTokenUnspecified => "the service says that the token is bad, and not why",
        Cause::RejectedUnspecified => "the service refused and did not say why",
        Cause::NotAFailure => "this is a step of a handshake and no failure",
    }
}

fn alternatives(clauses: &[Cow<'_, str>]) -> String {
    match clauses {
        [] => String::new(),
        [only] => only.to_string(),
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
