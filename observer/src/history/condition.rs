//! What many exchanges explain together, and what leaves of it.

use std::fmt;
use std::sync::Arc;

use crate::time::Timestamp;
use crate::verdict::ids;

ids! {
    /// What may explain many rejections. docs/conditions.md says what each rests on. Stable: users put the
    /// ids into alerts.
    Condition {
        /// Tokens that were accepted are refused before they expire, and others of the same key are not.
        TokenRevokedInferred = "token_revoked_inferred",
        /// A validator does not know a new key that others take.
        KeyRotationValidatorStale = "key_rotation_validator_stale",
        /// Tokens of an old key are refused everywhere, and those of a newer one are not.
        KeyRotationTokenStale = "key_rotation_token_stale",
        /// All tokens of one key are refused at once, and nobody had begun to use another.
        KeyCompromiseOrPurge = "key_compromise_or_purge",
        /// A validator cannot get the keys of an issuer.
        IssuerKeyOutage = "issuer_key_outage",
        /// The clock of a validator is ahead.
        ClockSkewValidatorAhead = "clock_skew_validator_ahead",
        /// The clock of a validator is behind.
        ClockSkewValidatorBehind = "clock_skew_validator_behind",
        /// The clock of an issuer is ahead.
        ClockSkewIssuerAhead = "clock_skew_issuer_ahead",
        /// A field with a token arrives at one hop, and not at the next.
        HeaderStrippedBetweenHops = "header_stripped_between_hops",
        /// A token arrives at one hop whole, and at the next damaged.
        HeaderAlteredBetweenHops = "header_altered_between_hops",
        /// Refresh tokens are sent where access tokens belong.
        RefreshTokenUsedAsAccess = "refresh_token_used_as_access",
        /// ID tokens are sent where access tokens belong.
        IdTokenUsedAsAccess = "id_token_used_as_access",
        /// Tokens arrive cut, again and again at the same length.
        TokenTruncated = "token_truncated",
        /// Tokens come from another environment than the one that the service takes.
        WrongEnvironment = "wrong_environment",
        /// Tokens come from another tenant of the same issuer.
        WrongTenant = "wrong_tenant",
        /// A validator refuses since some moment what it accepted before.
        ValidatorConfigDrift = "validator_config_drift",
        /// One replica refuses what another accepts.
        ReplicasDisagree = "replicas_disagree",
        /// Clients go on with a token that was refused.
        StaleClientCache = "stale_client_cache",
        /// Clients get new tokens, which are refused too.
        RefreshLoop = "refresh_loop",
        /// Two requests use one refresh token at once, and one of them loses.
        RefreshRace = "refresh_race",
        /// One token comes from many clients.
        TokenFromManyClients = "token_from_many_clients",
        /// Clients fail again and again, with one token after the other.
        ClientFailing = "client_failing",
    }
}

ids! {
    /// Why a condition ended.
    Ending {
        /// What it rested on was refuted: what was refused is accepted again.
        Healed = "healed",
        /// Nothing more was seen of it for its time.
        AgedOut = "aged_out",
        /// There were too many conditions: the one that was seen last the longest ago made room.
        Displaced = "displaced",
    }
}

/// For whom a condition is, as far as that is known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Concern {
    /// The service that refuses.
    pub service: Arc<str>,
    /// The issuer of the tokens, capped and escaped.
    pub issuer: Option<Arc<str>>,
    /// The key of the tokens, likewise.
    pub kid: Option<Arc<str>>,
}

/// How much a condition rests on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Weight {
    /// How many exchanges are behind it.
    pub exchanges: u64,
    /// How many different tokens; at most 64 are told apart.
    pub tokens: u32,
    /// From how many different clients; likewise.
    pub clients: u32,
}

/// A condition that began or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Tells this condition from the others of the run: the end has the number of its beginning.
    pub number: u64,
    /// When it began or ended.
    pub time: Timestamp,
    /// What it is.
    pub condition: Condition,
    /// For whom.
    pub concern: Concern,
    /// The first exchange behind it.
    pub since: Timestamp,
    /// The last exchange behind it.
    pub last: Timestamp,
    /// What it rests on.
    pub weight: Weight,
    /// The facts, a sentence each.
    pub evidence: Vec<String>,
    /// How it ended, and a sentence on that. `None`: it began.
    pub ended: Option<(Ending, String)>,
}

impl Change {
    /// `begun` or `ended`.
    pub const fn state(&self) -> &'static str {
        match self.ended {
            None => "begun",
            Some(_) => "ended",
        }
    }

    /// One sentence for a person.
    pub fn explanation(&self) -> String {
        let what = self.condition.sentence();
        match &self.ended {
            None => format!("{what} (inferred)"),
            Some((_, how)) => format!("{what}: {how}"),
        }
    }
}

impl Condition {
    /// What it says, without its certainty and end.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TokenRevokedInferred => "Tokens were probably revoked",
            Self::KeyRotationValidatorStale => {
                "The issuer signs with a new key, which this validator has not taken over"
            }
            Self::KeyRotationTokenStale => {
                "The issuer dropped an old key while tokens of it are still in use"
            }
            Self::KeyCompromiseOrPurge => "All tokens of one key are refused since the same moment",
            Self::IssuerKeyOutage => "The validator cannot get the issuer's keys",
            Self::ClockSkewValidatorAhead => "The clock of the validator is ahead",
            Self::ClockSkewValidatorBehind => "The clock of the validator is behind",
            Self::ClockSkewIssuerAhead => "The clock of the issuer is ahead",
            Self::HeaderStrippedBetweenHops => "The token is lost between two hops",
            Self::HeaderAlteredBetweenHops => "The token is damaged between two hops",
            Self::RefreshTokenUsedAsAccess => "Refresh tokens are sent as access tokens",
            Self::IdTokenUsedAsAccess => "ID tokens are sent as access tokens",
            Self::TokenTruncated => "Tokens are cut at the same length again and again",
            Self::WrongEnvironment => "Tokens of another environment are sent here",
            Self::WrongTenant => "Tokens of another tenant are sent here",
            Self::ValidatorConfigDrift => "The service refuses what it accepted before",
            Self::ReplicasDisagree => "One replica refuses what another accepts",
            Self::StaleClientCache => "Clients go on with a token that was refused",
            Self::RefreshLoop => "Clients get new tokens again and again, and each is refused",
            Self::RefreshRace => "Clients use one refresh token twice at once",
            Self::TokenFromManyClients => "One token is used by many clients",
            Self::ClientFailing => "A client fails again and again",
        }
    }

    /// What would refute it.
    pub const fn refuted_by(self) -> &'static str {
        match self {
            Self::TokenRevokedInferred => {
                "one of these tokens is accepted again; or tokens of the same key are refused as well"
            }
            Self::KeyRotationValidatorStale => {
                "it lasts longer than a day: then it is no cache, and the validator asks another issuer"
            }
            Self::KeyRotationTokenStale => "a token of the old key is accepted somewhere",
            Self::KeyCompromiseOrPurge => {
                "a token of this key is accepted somewhere; or those of the issuer's other keys are refused too"
            }
            Self::IssuerKeyOutage => "a token of this issuer is accepted",
            Self::ClockSkewValidatorAhead => {
                "the answer was about another token than the one seen here: a proxy put its own in place"
            }
            Self::ClockSkewValidatorBehind => {
                "other services refuse the same tokens as too early: then the issuer's clock is ahead"
            }
            Self::ClockSkewIssuerAhead => "the clock of the host that observer runs on is behind",
            Self::HeaderStrippedBetweenHops => {
                "the second hop is not reached with the token by design, and its answer is meant so"
            }
            Self::HeaderAlteredBetweenHops => {
                "the first hop exchanges the token by design: then it has other claims"
            }
            Self::RefreshTokenUsedAsAccess | Self::IdTokenUsedAsAccess => {
                "the service accepts such tokens"
            }
            Self::TokenTruncated => "longer tokens come whole by the same way",
            Self::WrongEnvironment | Self::WrongTenant => {
                "the service accepts tokens of this issuer"
            }
            Self::ValidatorConfigDrift => "tokens of the same kind are accepted there again",
            Self::ReplicasDisagree => "this replica accepts tokens of the same kind",
            Self::StaleClientCache => {
                "the tokens were not refused for what they are, but all are refused"
            }
            Self::RefreshLoop => "one of the new tokens is accepted",
            Self::RefreshRace => {
                "the two requests come from different owners: then the refresh token was stolen"
            }
            Self::TokenFromManyClients => {
                "the addresses are one client's: a translating gateway with many, or a moving phone"
            }
            Self::ClientFailing => "a request of this client is accepted",
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let more = |count: u32| {
            if count as usize >= super::few::MOST {
                "+"
            } else {
                ""
            }
        };
        let Self {
            exchanges,
            tokens,
            clients,
        } = *self;
        write!(f, "{exchanges} exchange{}", plural(exchanges))?;
        if tokens > 0 {
            write!(
                f,
                ", {tokens}{} token{}",
                more(tokens),
                plural(tokens.into())
            )?;
        }
        if clients > 0 {
            write!(
                f,
                ", {clients}{} client{}",
                more(clients),
                plural(clients.into())
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/conditions.md");

    #[test]
    fn the_page_has_every_condition_in_order_and_no_other() {
        let titles = PAGE.lines().filter_map(|line| line.strip_prefix("## "));
        let sections: Vec<&str> = titles.filter(|title| *title != "Clocks").collect();
        let conditions: Vec<&str> = Condition::ALL.iter().map(|one| one.id()).collect();
        assert_eq!(sections, conditions);
        for part in PAGE.split("\n## ").skip(1).take(conditions.len()) {
            for label in ["**Rests on:**", "**Looks alike:**", "**Do:**"] {
                assert!(part.contains(label), "{label} is missing in {part}");
            }
        }
        for ending in Ending::ALL {
            assert!(PAGE.contains(&format!("`{ending}`")), "{ending}");
        }
    }

    #[test]
    fn the_table_says_when_each_ends() {
        for condition in Condition::ALL {
            let row = PAGE
                .lines()
                .find(|line| line.starts_with(&format!("| `{condition}` |")));
            let minutes = condition.remembered_for().as_secs() / 60;
            let ends = format!("| {minutes} min |");
            assert!(
                row.is_some_and(|row| row.ends_with(&ends)),
                "{condition}: {ends}"
            );
        }
    }
}
