//! The taxonomy: stable ids that users put into alerts. Never rename one.

/// Declares an enum whose variants have a stable text.
macro_rules! ids {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $id:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The one with this id.
            pub fn from_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.id() == id)
            }

            /// The stable id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}

pub(crate) use ids;

ids! {
    /// Why one request was rejected.
    Cause {
        /// No credential reached the validator.
        CredentialsMissing = "credentials_missing",
        /// A credential is there, but not as `scheme token`.
        HeaderMalformed = "header_malformed",
        /// More than one credential came, and only one may.
        CredentialsDuplicated = "credentials_duplicated",
        /// Not three or five parts, bad base64url, bad JSON.
        TokenMalformed = "token_malformed",
        /// A part of a token: its end is missing.
        TokenTruncated = "token_truncated",
        /// A header limit was hit.
        TokenTooLarge = "token_too_large",
        /// `alg` is none, unknown or not allowed.
        AlgNotAllowed = "alg_not_allowed",
        /// The validator has no key for the kid.
        KeyNotFound = "key_not_found",
        /// A key was found and the check failed.
        SignatureInvalid = "signature_invalid",
        /// The validator could not get its keys.
        KeysUnavailable = "keys_unavailable",
        /// An encrypted token could not be decrypted.
        DecryptionFailed = "decryption_failed",
        /// `exp` has passed.
        TokenExpired = "token_expired",
        /// `nbf` is in the future.
        TokenNotYetValid = "token_not_yet_valid",
        /// `iat` is in the future.
        TokenIssuedInFuture = "token_issued_in_future",
        /// It was issued longer ago than the validator takes, whatever `exp` says.
        TokenTooOld = "token_too_old",
        /// `exp` is further ahead than the validator takes.
        LifetimeTooLong = "lifetime_too_long",
        /// The issuer is not one that the validator trusts.
        IssuerMismatch = "issuer_mismatch",
        /// The token is for another audience.
        AudienceMismatch = "audience_mismatch",
        /// A claim that the validator wants is not there.
        ClaimMissing = "claim_missing",
        /// A claim is not of the type that it must be.
        ClaimMalformed = "claim_malformed",
        /// A claim is there and is not what the validator wants.
        ClaimInvalid = "claim_invalid",
        /// A refresh or ID token in the place of an access token.
        TokenTypeWrong = "token_type_wrong",
        /// The token is of another tenant.
        WrongTenant = "wrong_tenant",
        /// The token was revoked.
        TokenRevoked = "token_revoked",
        /// The session at the server, on which the token rests, is over.
        SessionEnded = "session_ended",
        /// Introspection says that the token is not active.
        TokenInactive = "token_inactive",
        /// What may be used once was used again.
        TokenReplayed = "token_replayed",
        /// The user, client or consumer of the token does not exist.
        PrincipalUnknown = "principal_unknown",
        /// The user, client or consumer of the token is disabled.
        PrincipalDisabled = "principal_disabled",
        /// Authenticated, but a scope is lacking.
        ScopeInsufficient = "scope_insufficient",
        /// Authenticated, but not allowed.
        PermissionDenied = "permission_denied",
        /// The way of logging in was not strong or not recent enough (RFC 9470).
        AuthLevelInsufficient = "auth_level_insufficient",
        /// The token is bound to a key, and no proof of that came (RFC 9449).
        DpopProofMissing = "dpop_proof_missing",
        /// The proof of the key is not valid (RFC 9449).
        DpopProofInvalid = "dpop_proof_invalid",
        /// The proof must hold a nonce of the server: the client tries again with it (RFC 9449).
        DpopNonceRequired = "dpop_nonce_required",
        /// The token is bound to a certificate, and another or none came (RFC 8705).
        CertBindingMismatch = "cert_binding_mismatch",
        /// The proof against forged requests of a browser is missing or wrong.
        CsrfFailed = "csrf_failed",
        /// The issuer does not take the code, the refresh token or the assertion (RFC 6749 section 5.2).
        GrantInvalid = "grant_invalid",
        /// A refresh token was used that had been exchanged for another.
        RefreshTokenReused = "refresh_token_reused",
        /// The client did not prove who it is (RFC 6749 section 5.2).
        ClientAuthFailed = "client_auth_failed",
        /// The client may not use this grant (RFC 6749 section 5.2).
        ClientUnauthorized = "client_unauthorized",
        /// The issuer does not know this type of grant (RFC 6749 section 5.2).
        GrantUnsupported = "grant_unsupported",
        /// The scope that was asked for is unknown, malformed, or more than was granted (RFC 6749
        /// section 5.2).
        ScopeInvalid = "scope_invalid",
        /// A parameter is missing, repeated or malformed (RFC 6749 section 5.2).
        RequestInvalid = "request_invalid",
        /// The name or the password is wrong.
        LoginFailed = "login_failed",
        /// The fault is the validator's configuration.
        ValidatorMisconfigured = "validator_misconfigured",
        /// The fault is in the validator's code.
        ValidatorError = "validator_error",
        /// The identity provider answered the service with an error.
        IdpError = "idp_error",
        /// Another credential than the token is missing: a key of the API.
        OtherCredentialMissing = "other_credential_missing",
        /// Another credential than the token is wrong: a key of the API.
        OtherCredentialInvalid = "other_credential_invalid",
        /// There is no such route, and the answer only sounds like a matter of tokens.
        RouteNotFound = "route_not_found",
        /// The server says that the token is bad, and not why.
        InvalidTokenUnspecified = "invalid_token_unspecified",
        /// 401 or 403 and nothing else.
        RejectedUnspecified = "rejected_unspecified",
        /// The first leg of a handshake, or a preflight: nothing is wrong.
        NotAFailure = "not_a_failure",
    }
}

/// What a cause is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    /// The credential of the request.
    Credential,
    /// Who calls, and how they logged in.
    Caller,
    /// A grant at the endpoints of an issuer, which needs no credential in the request's head.
    Grant,
    /// The service or those that it asks.
    Service,
    /// None of these.
    Elsewhere,
}

impl Cause {
    /// What it is about.
    pub(super) const fn subject(self) -> Subject {
        match self {
            Self::SessionEnded
            | Self::PrincipalUnknown
            | Self::PrincipalDisabled
            | Self::PermissionDenied
            | Self::AuthLevelInsufficient
            | Self::CsrfFailed
            | Self::LoginFailed => Subject::Caller,
            Self::GrantInvalid
            | Self::RefreshTokenReused
            | Self::ClientAuthFailed
            | Self::ClientUnauthorized
            | Self::GrantUnsupported
            | Self::ScopeInvalid
            | Self::RequestInvalid => Subject::Grant,
            Self::KeysUnavailable
            | Self::ValidatorMisconfigured
            | Self::ValidatorError
            | Self::IdpError
            | Self::NotAFailure => Subject::Service,
            Self::OtherCredentialMissing | Self::OtherCredentialInvalid | Self::RouteNotFound => {
                Subject::Elsewhere
            }
            _ => Subject::Credential,
        }
    }

    /// Whether it says only that something is wrong with a claim, a grant or a request, which another cause
    /// of the same answer says better.
    pub(super) const fn is_general(self) -> bool {
        matches!(
            self,
            Self::ClaimInvalid | Self::GrantInvalid | Self::RequestInvalid
        )
    }
}

ids! {
    /// How certain a cause is.
    Certainty {
        /// The token shows the defect beyond the widest leeway and the server states the same cause;
        /// or our own check of the signature agrees with what the server states.
        Proven = "proven",
        /// The server states one specific cause and the token does not contradict it.
        Stated = "stated",
        /// The server is generic and the token has exactly one defect.
        TokenEvidence = "token_evidence",
        /// From history only.
        Inferred = "inferred",
        /// The server is generic and the token has several defects or none: `candidates` has the set.
        Candidates = "candidates",
        /// The server states one thing and the token refutes it.
        Conflict = "conflict",
        /// A rejection, and nothing else is known.
        Unknown = "unknown",
    }
}

ids! {
    /// What became of a request. docs/events.md has the table of status and evidence behind it.
    Outcome {
        /// It was let in.
        Accepted = "accepted",
        /// It was refused for its credential or for what the credential may do.
        Rejected = "rejected",
        /// It was asked to authenticate, as a first leg or by a redirect to a login.
        Challenged = "challenged",
        /// The answer does not tell.
        Undetermined = "undetermined",
        /// No answer was seen.
        Unanswered = "unanswered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_cause_in_order_and_no_other() {
        let page = include_str!("../../../docs/causes.md");
        let sections: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .filter(|title| !matches!(*title, "How certain" | "Who checked"))
            .collect();
        let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.id()).collect();
        assert_eq!(sections, causes);
        for part in page.split("\n## ").skip(3) {
            for label in ["**Proven by:**", "**Looks alike:**", "**Do:**"] {
                assert!(part.contains(label), "{label} is missing in {part}");
            }
        }
        for certainty in Certainty::ALL {
            assert!(page.contains(&format!("| `{certainty}` |")), "{certainty}");
        }
    }

    #[test]
    fn the_table_of_outcomes_has_every_outcome() {
        let page = include_str!("../../../docs/events.md");
        let table = page
            .split("## Outcomes")
            .nth(1)
            .unwrap()
            .split("\n## ")
            .next()
            .unwrap();
        for outcome in Outcome::ALL {
            assert!(table.contains(&format!("| `{outcome}` |")), "{outcome}");
        }
    }

    #[test]
    fn an_id_finds_its_cause() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_id(cause.id()), Some(*cause));
        }
        assert_eq!(Cause::from_id("token_gone"), None);
    }
}
