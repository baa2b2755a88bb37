//! An answer that names no cause, or several: the credential decides, or what fits is said.

use super::super::statement::{By, Said, Statement};
use super::super::token::{Presence, Token, absence};
use super::super::validator::Checker;
use super::super::{Cause, Certainty, Expectation};
use super::Finding;
use crate::credential::{Kind, Signature};
use crate::redact;

/// An answer that names no single cause.
pub(super) struct Case<'a> {
    pub(super) status: u16,
    pub(super) statement: &'a Statement,
    pub(super) token: &'a Token<'a>,
    pub(super) checker: &'a Checker,
}

impl Case<'_> {
    /// The server itself names several causes.
    pub(super) fn open(&self, said: &Said) -> Finding {
        let missing = said.causes.contains(&Cause::CredentialsMissing);
        if missing && matches!(self.token.presence, Presence::Absent) {
            return Finding {
                cause: Cause::CredentialsMissing,
                certainty: Certainty::Proven,
                candidates: Vec::new(),
                decisive: Some(absence(self.status).to_owned()),
            };
        }
        let mut causes = said.causes.clone();
        if said.by == By::Wording {
            // "expired or invalid" is open to the rest; the list of a rule is whole.
            causes.extend(self.usual());
        } else {
            causes.extend(self.suspicious());
        }
        self.by_token(vague(self.statement), causes)
    }

    /// The server says nothing that names a cause.
    pub(super) fn unspecific(&self) -> Finding {
        let vague = vague(self.statement);
        match self.token.presence {
            Presence::Absent => absent(self.status, self.statement),
            Presence::Unknown => Finding {
                cause: vague,
                certainty: Certainty::Unknown,
                candidates: Vec::new(),
                decisive: None,
            },
            Presence::Present(_) => other_scheme(self.status, self.statement, self.token)
                .unwrap_or_else(|| self.by_token(vague, self.usual())),
        }
    }

    /// The credential decides if it has exactly one defect, and one that no validator lets pass.
    fn by_token(&self, vague: Cause, also: Vec<Cause>) -> Finding {
        let Self {
            status,
            token,
            checker,
            ..
        } = *self;
        // A 403 without words is more often about what the caller may do than about the token.
        let is_permission = also.contains(&Cause::PermissionDenied);
        let is_about_token = !is_permission;
        let elsewhere = token.elsewhere();
        let can_be = |cause: Cause| !checker.answers_otherwise(cause, status);
        if let [only] = token.findings.as_slice()
            && only.sure
            && is_about_token
            && elsewhere.is_none()
            && can_be(only.cause)
        {
            return Finding {
                cause: only.cause,
                certainty: Certainty::TokenEvidence,
                candidates: Vec::new(),
                decisive: Some(only.clause.clone()),
            };
        }
        let mut candidates: Vec<Cause> =
            token.findings.iter().map(|finding| finding.cause).collect();
        // Of several defects the one that is checked first is what was refused.
        candidates.sort_by_key(|cause| {
            let is_sure = token.finding(*cause).is_some_and(|finding| finding.sure);
            (!is_sure, checker.place(*cause))
        });
        // Whoever looks at the Authorization field alone saw none.
        let unseen = elsewhere.is_some() && !is_permission;
        let unseen = unseen.then_some(Cause::CredentialsMissing);
        for cause in unseen.into_iter().chain(also) {
            if !candidates.contains(&cause) && !refuted(cause, token) {
                candidates.push(cause);
            }
        }
        if candidates.is_empty() {
            // Nothing of what the server names can be.
            candidates = self.usual();
            candidates.retain(|cause| !refuted(*cause, token));
        }
        candidates.retain(|cause| can_be(*cause));
        // A key that our copy of the set has is missing only in an older copy.
        candidates.sort_by_key(|cause| *cause == Cause::KeyNotFound && is_valid(token));
        let clauses: Vec<&str> = token
            .findings
            .iter()
            .map(|finding| finding.clause.as_str())
            .collect();
        let certainty = if candidates.is_empty() {
            Certainty::Unknown
        } else {
            Certainty::Candidates
        };
        let clauses: Vec<&str> = elsewhere.as_deref().into_iter().chain(clauses).collect();
        let decisive = (!clauses.is_empty()).then(|| clauses.join("; "));
        Finding {
            cause: vague,
            certainty,
            candidates,
            decisive,
        }
    }

    /// What a credential without a visible defect is usually refused for.
    fn usual(&self) -> Vec<Cause> {
        use Cause::{
            AudienceMismatch, HeaderMalformed, IssuerMismatch, KeyNotFound, LoginFailed,
            PermissionDenied, PrincipalDisabled, ScopeInsufficient, SignatureInvalid, TokenExpired,
            TokenInactive, TokenMalformed, TokenRevoked,
        };
        let Some(credential) = self.token.credential() else {
            return Vec::new();
        };
        let own = self.checker.causes(self.status);
        // Whoever says that the token is bad does not mean what its bearer may do.
        let of_token = self.statement.unspecific.is_some();
        match (self.status, credential.kind) {
            (403, _) if !of_token => {
                let permission = [PermissionDenied, ScopeInsufficient];
                own.iter().copied().chain(permission).collect()
            }
            (_, Kind::Jwt) => {
                let mut causes = if own.is_empty() {
                    vec![
                        AudienceMismatch,
                        IssuerMismatch,
                        SignatureInvalid,
                        KeyNotFound,
                        TokenRevoked,
                    ]
                } else {
                    own.to_vec()
                };
                if self.token.claims().is_none() {
                    causes.insert(0, TokenExpired);
                }
                causes.extend(self.suspicious());
                // Some answer so for a scope too: FastAPI, modules of Apache.
                causes.extend((!of_token).then_some(ScopeInsufficient));
                causes
            }
            (_, Kind::Jwe | Kind::Opaque) => vec![
                TokenExpired,
                TokenRevoked,
                TokenInactive,
                AudienceMismatch,
                // Where a JWT is wanted.
                TokenMalformed,
            ],
            // No scheme at all is asked for, or others: the scheme may be what is wrong.
            (_, Kind::Basic | Kind::Other) => {
                let scheme = credential.scheme.as_deref();
                let is_another = scheme.is_some_and(|scheme| !self.statement.asks_for(scheme));
                match (is_another, credential.kind) {
                    (true, _) => vec![HeaderMalformed],
                    (false, Kind::Basic) => vec![LoginFailed, PrincipalDisabled],
                    (false, _) => Vec::new(),
                }
            }
        }
    }

    /// What is unusual of a token, and no defect for everybody.
    fn suspicious(&self) -> impl Iterator<Item = Cause> {
        let alg = self.is_symmetric().then_some(Cause::AlgNotAllowed);
        let claim = self.lacks_a_claim().then_some(Cause::ClaimMissing);
        alg.into_iter().chain(claim)
    }

    /// Whether its algorithm is an HMAC, which whoever takes signatures of a public key refuses.
    fn is_symmetric(&self) -> bool {
        let header = self.token.credential().and_then(|one| one.header.as_ref());
        let alg = header.and_then(|header| header.alg.as_deref());
        alg.is_some_and(|alg| alg.starts_with("HS"))
    }

    /// Whether a claim is not there that most validators want.
    fn lacks_a_claim(&self) -> bool {
        let token = self.token;
        token.lacks("exp", |claims| claims.expires)
            || token
                .claims()
                .is_some_and(|claims| claims.audience.is_empty() || claims.issuer.is_none())
    }
}

/// A challenge without an error asks for schemes (RFC 6750 section 3.1); the request has another.
fn other_scheme(status: u16, statement: &Statement, token: &Token<'_>) -> Option<Finding> {
    let shown = token.credential()?.scheme.as_deref()?;
    // Whoever answers 403 has mostly understood who it is.
    let is_asked_for = status == 401 && statement.is_bare_challenge();
    if !is_asked_for || statement.asks_for(shown) || !token.findings.is_empty() {
        return None;
    }
    let wanted = redact::label(
        &statement
            .repeated
            .hide(&statement.challenges.first()?.scheme),
        32,
    );
    Some(Finding {
        cause: Cause::HeaderMalformed,
        certainty: Certainty::TokenEvidence,
        candidates: Vec::new(),
        decisive: Some(format!(
            "the request has the scheme {shown} and the service asks for {wanted}"
        )),
    })
}

fn absent(status: u16, statement: &Statement) -> Finding {
    let decisive = Some(absence(status).to_owned());
    let finding = |cause, certainty, candidates| Finding {
        cause,
        certainty,
        candidates,
        decisive: decisive.clone(),
    };
    let is_bare = statement.is_bare_challenge();
    if (statement.unspecific.is_some() && !is_bare) || statement.elsewhere.is_some() {
        // It speaks of a credential that we did not see, in a cookie, a parameter, another field; or it
        // says the same to whoever has none.
        let cause = vague(statement);
        return match statement.unspecific {
            Some(_) if status == 401 => finding(
                cause,
                Certainty::Candidates,
                vec![Cause::CredentialsMissing],
            ),
            _ => finding(cause, Certainty::Unknown, Vec::new()),
        };
    }
    if status == 403 {
        let causes = vec![Cause::CredentialsMissing, Cause::PermissionDenied];
        return finding(Cause::RejectedUnspecified, Certainty::Candidates, causes);
    }
    let certainty = if is_bare && statement.unspecific.is_none() {
        Certainty::Proven
    } else {
        Certainty::TokenEvidence
    };
    finding(Cause::CredentialsMissing, certainty, Vec::new())
}

/// Whether a cause cannot be, by our own checks.
fn refuted(cause: Cause, token: &Token<'_>) -> bool {
    let takes = |of: fn(&Expectation) -> &Vec<String>| {
        token
            .expected
            .is_some_and(|expected| !of(expected).is_empty())
            && token.claims().is_some()
            && token.finding(cause).is_none()
    };
    match cause {
        Cause::SignatureInvalid | Cause::TokenMalformed | Cause::AlgNotAllowed => is_valid(token),
        Cause::IssuerMismatch => takes(|expected| &expected.issuer),
        Cause::AudienceMismatch => takes(|expected| &expected.audience),
        Cause::TokenExpired => token
            .times
            .expires
            .is_some_and(|distance| distance.after && distance.beyond),
        Cause::CredentialsMissing => token.credential().is_some() && token.elsewhere().is_none(),
        _ => false,
    }
}

fn is_valid(token: &Token<'_>) -> bool {
    token
        .credential()
        .is_some_and(|credential| matches!(credential.signature, Signature::Valid { .. }))
}

fn vague(statement: &Statement) -> Cause {
    if statement.unspecific.is_some() {
        Cause::InvalidTokenUnspecified
    } else {
        Cause::RejectedUnspecified
    }
}
