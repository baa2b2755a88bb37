//! What history takes of an exchange.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::credential::{Credential, Kind};
use crate::exchange::{Exchange, Side};
use crate::keys::{Fetch, Fetched, Timeline};
use crate::time::{Step, Timestamp};
use crate::verdict::{Cause, Certainty, Outcome, Verdict};

/// An exchange with its verdict, as the pipeline gives it.
#[derive(Clone, Copy)]
pub struct Sighting<'a> {
    /// The exchange, in the time of day.
    pub exchange: &'a Exchange,
    /// What its server is called.
    pub service: &'a Arc<str>,
    /// What was concluded of it.
    pub verdict: &'a Arc<Verdict>,
    /// How far the time of day was set when it began.
    pub step: Step,
    /// What is known of keys and of who fetched them.
    pub keys: Option<&'a Timeline>,
}

/// Why a request was refused, as far as it matters to history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// The validator has no key for it, or another.
    Key,
    /// The validator has no keys at all.
    Keys,
    /// `exp`.
    Expired,
    /// `nbf` or `iat`.
    Early,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// Which token it is, or what it lacks.
    Claims,
    /// What became of it at the issuer.
    State,
    /// Its form.
    Form,
    /// There was none.
    Missing,
    /// What its owner may do.
    Policy,
    /// Nobody says.
    Unsaid,
}

impl<'a> Sighting<'a> {
    /// Whether the request was let in.
    pub(super) fn is_accepted(&self) -> bool {
        self.verdict.outcome == Outcome::Accepted
    }

    /// Why it was refused, where it was.
    pub(super) fn why(&self) -> Option<Why> {
        if self.verdict.outcome != Outcome::Rejected {
            return None;
        }
        Some(match self.verdict.cause? {
            Cause::KeyNotFound | Cause::SignatureInvalid | Cause::AlgNotAllowed => Why::Key,
            Cause::KeysUnavailable => Why::Keys,
            Cause::TokenExpired => Why::Expired,
            Cause::TokenNotYetValid | Cause::TokenIssuedInFuture => Why::Early,
            Cause::IssuerMismatch | Cause::WrongTenant => Why::Issuer,
            Cause::AudienceMismatch => Why::Audience,
            Cause::ClaimMissing
            | Cause::ClaimMalformed
            | Cause::ClaimInvalid
            | Cause::TokenTypeWrong => Why::Claims,
            Cause::TokenRevoked | Cause::TokenInactive | Cause::SessionEnded => Why::State,
            Cause::HeaderMalformed
            | Cause::CredentialsDuplicated
            | Cause::TokenMalformed
            | Cause::TokenTruncated
            | Cause::TokenTooLarge
            | Cause::DecryptionFailed => Why::Form,
            Cause::CredentialsMissing => Why::Missing,
            Cause::InvalidTokenUnspecified => Why::Unsaid,
            // A bare 403 is mostly about what somebody may do.
            Cause::RejectedUnspecified if self.status() == 403 => Why::Policy,
            Cause::RejectedUnspecified => Why::Unsaid,
            // About whoever asks, the request, or something else than the token.
            _ => Why::Policy,
        })
    }

    /// Whether the server names the cause.
    pub(super) fn is_stated(&self) -> bool {
        matches!(
            self.verdict.certainty,
            Some(Certainty::Proven | Certainty::Stated | Certainty::Conflict)
        )
    }

    pub(super) fn status(&self) -> u16 {
        let response = self.exchange.response.as_ref();
        response.map_or(0, |response| response.status)
    }

    /// The credential, where it was seen whole.
    pub(super) fn credential(&self) -> Option<&'a Arc<Credential>> {
        let credential = self.exchange.request.as_ref()?.credential.as_ref()?;
        Some(credential).filter(|credential| !credential.cut)
    }

    /// The time of day at which the server had the token, at the least.
    pub(super) fn time(&self) -> Timestamp {
        let request = self.exchange.request.as_ref();
        request.map_or_else(|| self.exchange.began(), |request| request.finished)
    }

    pub(super) fn server(&self) -> SocketAddr {
        self.exchange.connection.server
    }

    /// Who asks, as far as addresses tell: of IPv6 the network, which one host has for itself.
    pub(super) fn client(&self) -> IpAddr {
        match self.exchange.connection.client.ip() {
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() >> 64 << 64).into()),
            ip => ip,
        }
    }

    pub(super) fn side(&self) -> Side {
        self.exchange.connection.side
    }

    /// How many seconds after the request `exp` is; below zero when it had passed.
    pub(super) fn left(&self) -> Option<f64> {
        self.ahead(self.credential()?.claims.as_ref()?.expires?)
    }

    /// How many seconds after the request a time is.
    pub(super) fn ahead(&self, time: f64) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds do not matter to seconds"
        )]
        let now = self.time().nanos() as f64 / 1e9;
        // Milliseconds and nonsense tell no time.
        (time.abs() < 9e9).then_some(time - now)
    }

    /// A bit for the method and path, with numbers and ids left out: few endpoints share one.
    pub(super) fn endpoint(&self) -> u64 {
        let Some(request) = &self.exchange.request else {
            return 0;
        };
        let segments = request.path.split('/').take(SEGMENTS);
        let names = segments.filter(|name| !name.bytes().any(|byte| byte.is_ascii_digit()));
        let bytes = names.flat_map(|name| name.bytes().chain([b'/']));
        let hash = request
            .method
            .bytes()
            .chain(bytes)
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        1 << (hash >> 58)
    }

    /// A JWT of some issuer.
    pub(super) fn issuer(&self) -> Option<&'a str> {
        let credential = self.credential()?;
        let is_token = credential.kind == Kind::Jwt;
        credential
            .claims
            .as_ref()
            .filter(|_| is_token)?
            .issuer
            .as_deref()
    }

    /// How many seconds ago a key set was first seen that had the key of the token.
    pub(super) fn listed(&self) -> Option<u64> {
        let kid = self.keys?.issuer(self.issuer()?)?.kid(self.kid())?;
        Some(self.time().since(kid.in_set?.first).as_secs())
    }

    /// When whoever answered fetched the keys of the issuer last.
    pub(super) fn fetch(&self) -> Option<&'a Fetch> {
        let fetches = &self.keys?.issuer(self.issuer()?)?.fetches;
        let own = Some(self.server().ip());
        let mut fetches = fetches.iter().rev();
        fetches.find(|fetch| fetch.client.address == own && fetch.result != Fetched::Discovery)
    }

    /// A sentence on that.
    pub(super) fn fetched(&self) -> Option<String> {
        let fetch = self.fetch()?;
        let ago = self.time().since(fetch.time).as_secs();
        let mut text = format!("this validator fetched the key set {ago} s before");
        match (&fetch.result, fetch.status) {
            (Fetched::Unread(_), Some(status)) => text += &format!(", and got {status}"),
            (Fetched::Unread(_), None) => text += ", and got no answer",
            _ => {}
        }
        if let Some(age) = fetch.max_age {
            text += &format!(", and may keep it for {age} s");
        }
        Some(text)
    }

    /// Whether whoever answered tried to fetch the keys of the issuer a short while ago, and did not get them.
    pub(super) fn fetch_failed(&self) -> bool {
        let recent = |fetch: &&Fetch| self.time().since(fetch.time).as_secs() <= FETCHED_LATELY;
        self.fetch()
            .filter(recent)
            .is_some_and(|fetch| fetch.status.is_none_or(|status| status >= 400))
    }

    /// The `kid` of its header.
    pub(super) fn kid(&self) -> Option<&'a str> {
        self.credential()?.header.as_ref()?.kid.as_deref()
    }
}

/// A fetch within so many seconds says something of the keys that a validator has.
const FETCHED_LATELY: u64 = 600;
/// So many segments of a path tell endpoints apart.
const SEGMENTS: usize = 8;

/// What is kept of an exchange that waits for its other end.
pub(super) struct Held {
    exchange: Exchange,
    service: Arc<str>,
    verdict: Arc<Verdict>,
    step: Step,
}

impl Held {
    /// Without the start of its body.
    pub(super) fn of(sighting: &Sighting<'_>) -> Self {
        let exchange = sighting.exchange;
        let response = exchange.response.as_ref();
        let response = response.map(|response| crate::exchange::Response {
            fields: Arc::clone(&response.fields),
            excerpt: crate::exchange::Excerpt::default(),
            ..*response
        });
        Self {
            exchange: Exchange {
                connection: exchange.connection.clone(),
                request: exchange.request.clone(),
                response,
                grant: exchange.grant.clone(),
                secrets: exchange.secrets.clone(),
                handled: exchange.handled.clone(),
                ..*exchange
            },
            service: Arc::clone(sighting.service),
            verdict: Arc::clone(sighting.verdict),
            step: sighting.step,
        }
    }

    pub(super) fn sighting(&self) -> Sighting<'_> {
        Sighting {
            exchange: &self.exchange,
            service: &self.service,
            verdict: &self.verdict,
            step: self.step,
            // That was known half a second ago.
            keys: None,
        }
    }
}
