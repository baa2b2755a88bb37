//! From what was said and what the credential shows to a cause and how certain it is.

mod unnamed;

use super::agree::{Weight, weigh};
use super::cause::Subject;
use super::statement::{By, Statement};
use super::token::Token;
use super::validator::Checker;
use super::{Cause, Certainty, outcome};
use crate::exchange::Exchange;
use unnamed::Case;

/// A cause, and what it rests on.
pub(super) struct Finding {
    pub(super) cause: Cause,
    pub(super) certainty: Certainty,
    /// The other causes that fit.
    pub(super) candidates: Vec<Cause>,
    /// What of the credential decides, as a clause.
    pub(super) decisive: Option<String>,
}

/// Weighs a rejection.
pub(super) fn combine(
    exchange: &Exchange,
    status: u16,
    statement: &Statement,
    token: &Token<'_>,
    checker: &Checker,
) -> Finding {
    let mut stated = stated(exchange, status, statement);
    if !stated.is_empty() {
        // Several causes at once (a validator that joins its errors): the one that the token shows.
        let proven = stated.iter().position(|cause| {
            matches!(weigh(*cause, exchange, statement, token), Weight::Proves(_))
        });
        let cause = stated.remove(proven.unwrap_or(0));
        return one(cause, stated, exchange, statement, token);
    }
    let case = Case {
        status,
        statement,
        token,
        checker,
    };
    match statement.said.iter().find(|said| said.open) {
        Some(said) => case.open(said),
        None => case.unspecific(),
    }
}

/// The causes that are named by themselves, best evidence first. Hints are not among them.
fn stated(exchange: &Exchange, status: u16, statement: &Statement) -> Vec<Cause> {
    let mut causes = Vec::new();
    for said in &statement.said {
        // "Access denied" on a 401 is a way to say 401; on a 403 it is what a 403 means.
        let is_permission = said.one() == Some(Cause::PermissionDenied);
        let is_hint = match said.by {
            By::Protocol | By::Known(_) => false,
            By::Wording => is_permission && status != 403,
            By::Hint => !(is_permission && status == 403),
        };
        if let Some(cause) = said
            .one()
            .filter(|cause| !is_hint && !causes.contains(cause))
        {
            causes.push(cause);
        }
    }
    match status {
        431 if causes.is_empty() => causes.push(Cause::TokenTooLarge),
        outcome::OF_PROVIDER if causes.is_empty() => causes.push(Cause::IdpError),
        _ => {}
    }
    // Others than issuers say "invalid_request" of what has nothing to do with a grant.
    if !outcome::is_of_issuer(exchange.request.as_ref()) {
        causes.retain(|cause| *cause != Cause::RequestInvalid);
    }
    // Who refuses a grant speaks of the token in it, and not of the credential of the request.
    if causes.iter().any(|cause| cause.subject() == Subject::Grant) {
        causes.retain(|cause| cause.subject() != Subject::Credential);
    }
    if !causes.iter().all(|cause| cause.is_general()) {
        causes.retain(|cause| !cause.is_general());
    }
    // RFC 6750: the scope of a challenge with insufficient_scope says more than "permission denied".
    if causes.contains(&Cause::ScopeInsufficient) {
        causes.retain(|cause| *cause != Cause::PermissionDenied);
    }
    causes
}

fn one(
    cause: Cause,
    others: Vec<Cause>,
    exchange: &Exchange,
    statement: &Statement,
    token: &Token<'_>,
) -> Finding {
    let make = |cause, certainty, candidates, decisive| Finding {
        cause,
        certainty,
        candidates,
        decisive,
    };
    match weigh(cause, exchange, statement, token) {
        Weight::Proves(clause) => make(cause, Certainty::Proven, others, Some(clause)),
        Weight::Fits(clause) => make(cause, Certainty::Stated, others, clause),
        Weight::Refutes(clause) => make(cause, Certainty::Conflict, others, Some(clause)),
        Weight::Better(better, clause) => {
            let mut candidates = vec![cause];
            candidates.extend(others.into_iter().filter(|other| *other != better));
            make(better, Certainty::TokenEvidence, candidates, Some(clause))
        }
        Weight::Open(causes, clause) => make(
            Cause::RejectedUnspecified,
            Certainty::Candidates,
            causes,
            Some(clause),
        ),
    }
}
