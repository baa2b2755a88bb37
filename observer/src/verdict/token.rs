//! What the credential itself shows, at the time of its request.

mod findings;
mod times;

use std::sync::Arc;

use super::validator::Leeway;
use super::{Cause, Expectation};
use crate::credential::{Carrier, Claims, Credential, Defect, Signature};
use crate::exchange::{Exchange, Request};
use crate::keys::Testimony;
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
    /// What else the request carried.
    others: &'a [Arc<Credential>],
}

/// Whether a request carried a credential.
#[derive(Clone, Copy, Default)]
pub(super) enum Presence<'a> {
    /// None in any place that is read.
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
        let by_proxy = exchange
            .response
            .as_ref()
            .is_some_and(|one| one.status == 407);
        let request = exchange.request.as_ref();
        match request.map(|request| match by_proxy {
            true => for_proxy(request),
            false => request.credential.as_deref(),
        }) {
            Some(Some(credential)) => Self::Present(credential),
            // What it showed is in its form.
            Some(None) if exchange.has_secrets() => Self::Unknown,
            Some(None) if !exchange.capture.request_cut && exchange.capture.lost == 0 => {
                Self::Absent
            }
            _ => Self::Unknown,
        }
    }
}

/// The credential for whoever answers 407, RFC 9110 section 11.7.
fn for_proxy(request: &Request) -> Option<&Credential> {
    let others = request.others.iter().map(AsRef::as_ref);
    let mut all = request.credential.as_deref().into_iter().chain(others);
    all.find(|credential| credential.carrier == Carrier::ProxyAuthorization)
}

/// That a request had no credential where whoever answers with this status looks for one, as a clause.
pub(super) const fn absence(status: u16) -> &'static str {
    match status {
        407 => "the request had no Proxy-Authorization field",
        _ => "the request had no Authorization field and no token in another place that is read",
    }
}

impl<'a> Shown<'a> {
    /// Looks at the credential of an exchange.
    pub(super) fn look(exchange: &'a Exchange) -> Self {
        let request = exchange.request.as_ref();
        let time = request.map(|request| request.finished);
        Self {
            others: request.map_or(&[], |request| &request.others),
            ..Self::at(Presence::of(exchange), time)
        }
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
        Self {
            presence,
            times,
            others: &[],
        }
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
        let Shown {
            presence,
            times,
            others,
        } = shown;
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
            token.judge_number(credential, others);
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

    /// Where it travelled, as a clause, if not in the field that every service of HTTP looks at.
    pub(super) fn elsewhere(&self) -> Option<String> {
        let carrier = &self.credential()?.carrier;
        let is_usual = matches!(
            carrier,
            Carrier::Authorization | Carrier::ProxyAuthorization
        );
        (!is_usual).then(|| {
            let place = carrier.clause();
            format!("the request had no Authorization field; its token was in {place}")
        })
    }

    /// Its claims, where they can be read.
    pub(super) fn claims(&self) -> Option<&'a Claims> {
        self.credential()?.claims.as_ref()
    }

    /// What was found of one cause.
    pub(super) fn finding(&self, cause: Cause) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.cause == cause)
    }

    /// The same where no validator would let it pass.
    pub(super) fn sure(&self, cause: Cause) -> Option<&Finding> {
        self.finding(cause).filter(|finding| finding.sure)
    }

    /// Whether it has no such time claim. One of a wrong type is there, and validators differ on it.
    pub(super) fn lacks(&self, name: &'static str, claim: impl Fn(&Claims) -> Option<f64>) -> bool {
        self.claims().is_some_and(|claims| claim(claims).is_none())
            && !self
                .credential()
                .is_some_and(|credential| credential.defects.contains(&Defect::BadType { name }))
    }

    /// Hears what key sets that were seen on the wire say. Nobody vouches for them, so nothing follows from
    /// them alone: what they find is unsure.
    pub(super) fn hear(&mut self, learned: &Testimony) {
        let cause = match learned.signature {
            Signature::Invalid { .. } => Cause::SignatureInvalid,
            Signature::KeyNotFound { .. } => Cause::KeyNotFound,
            Signature::NotCheckable | Signature::NotChecked | Signature::Valid { .. } => return,
        };
        self.find(cause, false, learned.clause.clone());
    }

    fn judge(&mut self, credential: &Credential) {
        self.judge_form(credential);
        self.judge_times();
        self.judge_signature(credential);
        self.judge_expectation();
        self.judge_type();
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
