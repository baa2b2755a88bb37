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

pub(super) use ids;

ids! {
    /// Why one request was rejected.
    Cause {
        /// No credential reached the validator.
        CredentialsMissing = "credentials_missing",
        /// A credential is there, but not as `scheme token`.
        HeaderMalformed = "header_malformed",
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
        /// `exp` has passed.
        TokenExpired = "token_expired",
        /// `nbf` is in the future.
        TokenNotYetValid = "token_not_yet_valid",
        /// `iat` is in the future.
        TokenIssuedInFuture = "token_issued_in_future",
        /// The issuer is not one that the validator trusts.
        IssuerMismatch = "issuer_mismatch",
        /// The token is for another audience.
        AudienceMismatch = "audience_mismatch",
        /// A claim that the validator wants is not there.
        ClaimMissing = "claim_missing",
        /// A refresh or ID token in the place of an access token.
        TokenTypeWrong = "token_type_wrong",
        /// The token was revoked.
        TokenRevoked = "token_revoked",
        /// Introspection says that the token is not active.
        TokenInactive = "token_inactive",
        /// Authenticated, but a scope is lacking.
        ScopeInsufficient = "scope_insufficient",
        /// Authenticated, but not allowed.
        PermissionDenied = "permission_denied",
        /// The fault is the validator's own.
        ValidatorError = "validator_error",
        /// The server says that the token is bad, and not why.
        InvalidTokenUnspecified = "invalid_token_unspecified",
        /// 401 or 403 and nothing else.
        RejectedUnspecified = "rejected_unspecified",
        /// The first leg of a handshake, or a preflight: nothing is wrong.
        NotAFailure = "not_a_failure",
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
        assert_eq!(Cause::from_id("session_ended"), None);
    }
}
