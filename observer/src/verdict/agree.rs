//! Whether the credential bears out what the server states.

use super::cause::{Cause, Subject};
use super::statement::Statement;
use super::token::{Distance, Presence, SMALLEST_LIMIT, Token, absence, audience};
use crate::credential::{Kind, MAX_LIST, Signature};
use crate::exchange::Exchange;

/// How a stated cause compares with the credential.
pub(super) enum Weight {
    /// The credential shows the same, beyond doubt.
    Proves(String),
    /// It does not contradict.
    Fits(Option<String>),
    /// It shows that this cannot be.
    Refutes(String),
    /// It shows the cause of which this is the symptom.
    Better(Cause, String),
    /// What is stated can mean each of these.
    Open(Vec<Cause>, String),
}

use Weight::{Better, Fits, Open, Proves, Refutes};

/// Weighs a cause that the server states.
pub(super) fn weigh(
    cause: Cause,
    exchange: &Exchange,
    statement: &Statement,
    token: &Token<'_>,
) -> Weight {
    let absent = || absence(exchange.response.as_ref().map_or(0, |one| one.status));
    match cause {
        Cause::CredentialsMissing => missing(statement, token, absent()),
        Cause::HeaderMalformed => header(token, absent()),
        Cause::PermissionDenied => match token.presence {
            Presence::Absent => Open(
                vec![Cause::CredentialsMissing, Cause::PermissionDenied],
                absent().to_owned(),
            ),
            _ => Fits(None),
        },
        Cause::TokenTooLarge => too_large(exchange),
        _ if matches!(token.presence, Presence::Absent)
            && cause.subject() == Subject::Credential =>
        {
            Fits(Some(format!(
                "{}: the credential travelled elsewhere",
                absent()
            )))
        }
        Cause::TokenExpired => expired(token),
        Cause::TokenNotYetValid | Cause::TokenIssuedInFuture => early(cause, token),
        Cause::TokenMalformed
        | Cause::SignatureInvalid
        | Cause::KeyNotFound
        | Cause::AlgNotAllowed => integrity(cause, token),
        Cause::IssuerMismatch | Cause::AudienceMismatch => addressee(cause, token),
        Cause::ScopeInsufficient => scope(statement, token),
        Cause::TokenInactive | Cause::SessionEnded => over(token, None),
        Cause::TokenTooOld => over(token, token.times.issued.map(|at| from_request("iat", at))),
        Cause::LifetimeTooLong => Fits(token.times.expires.map(|at| from_request("exp", at))),
        Cause::ClaimInvalid => claim(token),
        Cause::WrongTenant => addressee(Cause::IssuerMismatch, token),
        _ => token
            .finding(cause)
            .map_or(Fits(None), |finding| Proves(finding.clause.clone())),
    }
}

fn missing(statement: &Statement, token: &Token<'_>, absent: &str) -> Weight {
    if let Some(elsewhere) = token.elsewhere() {
        return Fits(Some(elsewhere));
    }
    let credential = match token.presence {
        Presence::Absent => return Proves(absent.to_owned()),
        Presence::Unknown => return Fits(None),
        Presence::Present(credential) => credential,
    };
    if let Some(finding) = token.finding(Cause::HeaderMalformed) {
        return Better(Cause::HeaderMalformed, finding.clause.clone());
    }
    let scheme = credential.scheme.as_deref().unwrap_or("(none)");
    let is_usual = matches!(scheme, "bearer" | "dpop");
    if !is_usual && !statement.asks_for(scheme) {
        let clause =
            format!("the request had the scheme {scheme}, which the server does not ask for");
        return Better(Cause::HeaderMalformed, clause);
    }
    Refutes(format!(
        "the request carried a credential with the scheme {scheme}"
    ))
}

fn header(token: &Token<'_>, absent: &str) -> Weight {
    match (token.presence, token.finding(Cause::HeaderMalformed)) {
        (_, Some(finding)) => Proves(finding.clause.clone()),
        (Presence::Absent, None) => Better(Cause::CredentialsMissing, absent.to_owned()),
        _ => match token.finding(Cause::CredentialsDuplicated) {
            Some(finding) => Better(Cause::CredentialsDuplicated, finding.clause.clone()),
            None => Fits(token.elsewhere()),
        },
    }
}

fn too_large(exchange: &Exchange) -> Weight {
    let Some(request) = &exchange.request else {
        return Fits(None);
    };
    if request.longest_field >= SMALLEST_LIMIT {
        Proves(format!(
            "the longest field of the request had {} bytes",
            request.longest_field
        ))
    } else if request.head_len < 2048 && !exchange.capture.request_cut {
        Refutes(format!(
            "the whole head of the request had {} bytes",
            request.head_len
        ))
    } else {
        Fits(Some(format!(
            "the head of the request had {} bytes",
            request.head_len
        )))
    }
}

fn expired(token: &Token<'_>) -> Weight {
    match token.times.expires {
        Some(distance) => {
            let clause = from_request("exp", distance);
            match (distance.beyond, distance.after) {
                (true, false) => Proves(clause),
                (true, true) => Refutes(clause),
                (false, _) => Fits(Some(clause)),
            }
        }
        None if token.lacks("exp", |claims| claims.expires) => {
            Fits(Some("the token has no exp".to_owned()))
        }
        None => Fits(None),
    }
}

/// What is over because its time has passed is called inactive, ended or too old as well.
fn over(token: &Token<'_>, clause: Option<String>) -> Weight {
    match token.sure(Cause::TokenExpired) {
        Some(finding) => Better(Cause::TokenExpired, finding.clause.clone()),
        None => Fits(clause),
    }
}

/// A claim that is not named: the one that is wrong, if exactly one is.
fn claim(token: &Token<'_>) -> Weight {
    const CLAIMS: [Cause; 6] = [
        Cause::TokenExpired,
        Cause::TokenNotYetValid,
        Cause::TokenIssuedInFuture,
        Cause::IssuerMismatch,
        Cause::AudienceMismatch,
        Cause::TokenTypeWrong,
    ];
    let mut wrong = CLAIMS.into_iter().filter_map(|cause| token.sure(cause));
    match (wrong.next(), wrong.next()) {
        (Some(only), None) => Better(only.cause, only.clause.clone()),
        _ => Fits(None),
    }
}

/// Where a time claim lies, as a clause.
fn from_request(name: &str, distance: Distance) -> String {
    let way = if distance.after { "after" } else { "before" };
    format!("{name} was {distance} {way} the request")
}

/// `nbf` and `iat` are reported for each other.
fn early(cause: Cause, token: &Token<'_>) -> Weight {
    let (not_before, issued) = (token.times.not_before, token.times.issued);
    let (own, own_name, other, other_name, other_cause) = if cause == Cause::TokenNotYetValid {
        (not_before, "nbf", issued, "iat", Cause::TokenIssuedInFuture)
    } else {
        (issued, "iat", not_before, "nbf", Cause::TokenNotYetValid)
    };
    let early = |distance: Distance| distance.after && distance.beyond;
    match (own, other) {
        (Some(own), _) if early(own) => Proves(from_request(own_name, own)),
        (_, Some(other)) if early(other) => Better(other_cause, from_request(other_name, other)),
        (Some(own), _) if own.beyond => Refutes(from_request(own_name, own)),
        (Some(own), _) => Fits(Some(from_request(own_name, own))),
        (None, _)
            if cause == Cause::TokenNotYetValid
                && token.lacks("nbf", |claims| claims.not_before) =>
        {
            Refutes("the token has no nbf".to_owned())
        }
        (None, _) => Fits(None),
    }
}

/// Form, signature, key and algorithm: validators name one where another is wrong.
fn integrity(cause: Cause, token: &Token<'_>) -> Weight {
    match token.finding(cause) {
        Some(finding) if finding.sure => return Proves(finding.clause.clone()),
        // Validators differ on it, or it is a bound of ours.
        Some(finding) => return Fits(Some(finding.clause.clone())),
        None => {}
    }
    // What is wrong further out makes what is further in look wrong.
    let roots: &[Cause] = match cause {
        Cause::TokenMalformed => &[
            Cause::HeaderMalformed,
            Cause::TokenTruncated,
            Cause::AlgNotAllowed,
        ],
        Cause::SignatureInvalid => &[
            Cause::HeaderMalformed,
            Cause::TokenTruncated,
            Cause::AlgNotAllowed,
            Cause::TokenMalformed,
        ],
        Cause::KeyNotFound => &[Cause::HeaderMalformed, Cause::AlgNotAllowed],
        Cause::AlgNotAllowed => &[Cause::HeaderMalformed, Cause::TokenMalformed],
        _ => &[],
    };
    let root = roots.iter().find_map(|root| token.sure(*root));
    if let Some(finding) = root {
        return Better(finding.cause, finding.clause.clone());
    }
    // Who reads claims into types calls a token malformed for one of them.
    if cause == Cause::TokenMalformed
        && let Some(finding) = token.finding(Cause::ClaimMalformed)
    {
        return Fits(Some(finding.clause.clone()));
    }
    let Some(credential) = token.credential() else {
        return Fits(None);
    };
    let valid = match &credential.signature {
        Signature::Valid { kid } => Some(kid.as_deref().unwrap_or("without a kid")),
        _ => None,
    };
    match (cause, valid, credential.kind) {
        (Cause::SignatureInvalid, Some(kid), _) => {
            Refutes(format!("the signature is that of the issuer's key {kid}"))
        }
        (Cause::KeyNotFound, Some(kid), _) => Fits(Some(format!(
            "the issuer's key set at hand has the key {kid}: the server's copy may be older"
        ))),
        (Cause::SignatureInvalid, None, _) => Fits(
            token
                .finding(Cause::KeyNotFound)
                .map(|finding| finding.clause.clone()),
        ),
        (Cause::TokenMalformed, _, Kind::Opaque) if !credential.cut => {
            Proves("the token is no JWT".to_owned())
        }
        (Cause::TokenMalformed, _, Kind::Jwt) if !credential.cut => {
            Refutes("the token is a well-formed JWT".to_owned())
        }
        (Cause::AlgNotAllowed, _, _) => Fits(
            credential
                .header
                .as_ref()
                .and_then(|header| header.alg.as_deref())
                .map(|alg| format!("alg is {alg}")),
        ),
        _ => Fits(None),
    }
}

fn addressee(cause: Cause, token: &Token<'_>) -> Weight {
    if let Some(finding) = token.finding(cause) {
        return Proves(finding.clause.clone());
    }
    let Some(claims) = token.claims() else {
        return Fits(None);
    };
    let (clause, takes) = if cause == Cause::IssuerMismatch {
        let issuer = claims.issuer.as_deref().unwrap_or("(none)");
        (
            format!("iss is {issuer}"),
            token
                .expected
                .is_some_and(|expected| !expected.issuer.is_empty()),
        )
    } else {
        let takes = token
            .expected
            .is_some_and(|expected| !expected.audience.is_empty());
        (format!("aud is {}", audience(claims)), takes)
    };
    // With an expectation and no finding, the token has what we were told the service takes.
    if takes {
        Refutes(format!("{clause}, which the service was said to take"))
    } else {
        Fits(Some(clause))
    }
}

fn scope(statement: &Statement, token: &Token<'_>) -> Weight {
    let wanted: Vec<&str> = statement
        .attribute("scope")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    let Some(claims) = token.claims() else {
        return Fits(None);
    };
    let has = if claims.scopes.is_empty() {
        "no scope".to_owned()
    } else {
        format!("the scopes {}", claims.scopes.join(" "))
    };
    if wanted.is_empty() {
        return Fits(Some(format!("the token has {has}")));
    }
    let lacking: Vec<&str> = wanted
        .into_iter()
        // Some issuers leave the resource out of the scopes of a token: `api://orders/read` is `read`.
        .filter(|scope| {
            let name = scope.rsplit('/').next().unwrap_or(scope);
            !claims.scopes.iter().any(|own| own == scope || own == name)
        })
        .take(8)
        .collect();
    if lacking.is_empty() {
        Refutes(format!(
            "the token has {has}, all that the challenge asks for"
        ))
    } else if claims.scopes.len() >= MAX_LIST {
        Fits(Some("the token has more scopes than are kept".to_owned()))
    } else {
        let lacking = crate::redact::text(&statement.repeated.hide(&lacking.join(" ")), 160);
        Proves(format!("the token has {has} and lacks {lacking}"))
    }
}
