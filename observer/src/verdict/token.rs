//! What the credential itself shows, at the time of its request.

mod times;

use super::validator::Leeway;
use super::{Cause, Expectation};
use crate::credential::{Claims, Credential, Defect, Echo, Kind, MAX_LIST, Signature};
use crate::exchange::Exchange;
use crate::time::Timestamp;

pub(super) use times::{Distance, Times};

/// The smallest limit on header fields that servers have by default, less what a field's name takes.
pub(super) const SMALLEST_LIMIT: u32 = 8000;

/// The credential of an exchange, and what is wrong with it.
pub(super) struct Token<'a> {
    /// Whether there was one.
    pub(super) presence: Presence<'a>,
    /// What is wrong, most certain first.
    pub(super) findings: Vec<Finding>,
    /// How far its times are from the time that counts: when the head was complete.
    pub(super) times: Times,
    /// What the service takes, as far as its operator told us.
    pub(super) expected: Option<&'a Expectation>,
    /// How sentences name that time.
    moment: &'a str,
}

/// The credential of an exchange as far as a verdict depends on it, before anything of it is judged.
#[derive(Clone, Copy, Default)]
pub(super) struct Shown<'a> {
    /// Whether there was one.
    pub(super) presence: Presence<'a>,
    /// How far its times are from the time that counts.
    pub(super) times: Times,
}

/// Whether a request carried a credential.
#[derive(Clone, Copy, Default)]
pub(super) enum Presence<'a> {
    /// No Authorization field.
    Absent,
    /// It had one.
    Present(&'a Credential),
    /// The request or the part of it where it could be was not seen.
    #[default]
    Unknown,
}

/// One thing that is wrong.
pub(super) struct Finding {
    /// The cause that it would be.
    pub(super) cause: Cause,
    /// No validator would let it pass.
    pub(super) sure: bool,
    /// The evidence, as a clause.
    pub(super) clause: String,
}

impl<'a> Presence<'a> {
    /// Of an exchange.
    pub(super) fn of(exchange: &'a Exchange) -> Self {
        let request = exchange.request.as_ref();
        match request.map(|request| request.credential.as_deref()) {
            Some(Some(credential)) => Self::Present(credential),
            Some(None) if !exchange.capture.request_cut && exchange.capture.lost == 0 => {
                Self::Absent
            }
            _ => Self::Unknown,
        }
    }

    /// How its secret is known where an answer repeats it.
    pub(super) fn echo(self) -> Echo {
        match self {
            Self::Present(credential) => credential.echo,
            Self::Absent | Self::Unknown => Echo::default(),
        }
    }
}

impl<'a> Shown<'a> {
    /// Looks at the credential of an exchange.
    pub(super) fn look(exchange: &'a Exchange) -> Self {
        let request = exchange.request.as_ref();
        Self::at(
            Presence::of(exchange),
            request.map(|request| request.finished),
        )
    }

    /// Looks at a credential at a time.
    pub(super) fn at(presence: Presence<'a>, time: Option<Timestamp>) -> Self {
        let claims = match presence {
            Presence::Present(credential) => credential.claims.as_ref(),
            Presence::Absent | Presence::Unknown => None,
        };
        let times = claims
            .zip(time)
            .map_or_else(Times::default, |(claims, time)| Times::of(claims, time));
        Self { presence, times }
    }
}

impl<'a> Token<'a> {
    /// Judges a credential at a time, which sentences name `moment`.
    ///
    /// `leeway`: by how much its validator lets times pass, where that is known.
    pub(super) fn of(
        shown: Shown<'a>,
        moment: &'a str,
        expected: Option<&'a Expectation>,
        leeway: Option<Leeway>,
    ) -> Self {
        let Shown { presence, times } = shown;
        let times = leeway.map_or(times, |leeway| times.for_leeway(leeway));
        let mut token = Self {
            presence,
            findings: Vec::new(),
            times,
            expected,
            moment,
        };
        if let Presence::Present(credential) = presence {
            token.judge(credential);
        }
        token.findings.sort_by_key(|finding| !finding.sure);
        token
    }

    /// The credential, where there is one.
    pub(super) fn credential(&self) -> Option<&'a Credential> {
        match self.presence {
            Presence::Present(credential) => Some(credential),
            Presence::Absent | Presence::Unknown => None,
        }
    }

    /// Its claims, where they can be read.
    pub(super) fn claims(&self) -> Option<&'a Claims> {
        self.credential()?.claims.as_ref()
    }

    /// What was found of one cause.
    pub(super) fn finding(&self, cause: Cause) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.cause == cause)
    }

    /// Whether it has no such time claim. One of a wrong type is there, and validators differ on it.
    pub(super) fn lacks(&self, name: &'static str, claim: impl Fn(&Claims) -> Option<f64>) -> bool {
        self.claims().is_some_and(|claims| claim(claims).is_none())
            && !self
                .credential()
                .is_some_and(|credential| credential.defects.contains(&Defect::BadType { name }))
    }

    fn judge(&mut self, credential: &Credential) {
        self.judge_form(credential);
        self.judge_times();
        self.judge_signature(credential);
        self.judge_expectation();
        self.judge_type();
    }

    fn judge_form(&mut self, credential: &Credential) {
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
                Defect::Repeated { .. } | Defect::WrongScheme => (Cause::HeaderMalformed, false),
                Defect::BadBase64 { .. }
                | Defect::BadJson { .. }
                | Defect::WrongParts { .. }
                | Defect::BadType { name: "alg" } => (Cause::TokenMalformed, true),
                Defect::BadType { .. }
                | Defect::DuplicateName { .. }
                | Defect::Milliseconds { .. }
                | Defect::TooMuch { .. } => (Cause::TokenMalformed, false),
                Defect::ShortSignature { .. } => continue,
            };
            let is_form = cause == Cause::TokenMalformed;
            if is_form && (credential.cut || (is_truncated && sure)) {
                continue;
            }
            self.find(cause, sure, defect.to_string());
        }
    }

    fn judge_times(&mut self) {
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

    fn judge_signature(&mut self, credential: &Credential) {
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

    fn judge_expectation(&mut self) {
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
    fn judge_type(&mut self) {
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

    fn find(&mut self, cause: Cause, sure: bool, clause: String) {
        match self
            .findings
            .iter_mut()
            .find(|finding| finding.cause == cause)
        {
            Some(finding) => {
                finding.sure |= sure;
                finding.clause.push_str(", and ");
                finding.clause.push_str(&clause);
            }
            None => self.findings.push(Finding {
                cause,
                sure,
                clause,
            }),
        }
    }
}

/// What `aud` says, for a sentence.
pub(super) fn audience(claims: &Claims) -> String {
    match claims.audience.as_slice() {
        [] => "(none)".to_owned(),
        [first @ .., last] if first.len() < 4 => {
            first
                .iter()
                .map(|one| format!("{one}, "))
                .collect::<String>()
                + last
        }
        [first, ..] => format!("{first} and {} more", claims.audience.len() - 1),
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
