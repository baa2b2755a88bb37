//! What became of a request: the table of docs/events.md.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::cause::Subject;
use super::statement::{By, Said, Statement};
use super::token::{Presence, Token};
use super::{Cause, Outcome};
use crate::credential::{Credential, Kind};
use crate::exchange::{Exchange, Field, Request, Response};
use crate::redact;

/// What an answer means, before anyone asks why.
pub(super) enum Ruling {
    /// Neither a rejection nor a challenge, and what that rests on.
    Plain(Outcome, &'static str),
    /// A step of a handshake, and by what that is known.
    Step(Cause, String),
    /// A redirect to a login page.
    Login(String),
    /// A rejection.
    Rejected,
}

use Ruling::{Login, Plain, Rejected, Step};

/// With this a load balancer of AWS says that the identity provider answered it with an error.
pub(super) const OF_PROVIDER: u16 = 561;

/// Rules on an exchange that has an answer.
pub(super) fn rule(
    exchange: &Exchange,
    response: &Response,
    statement: &Statement,
    token: &Token<'_>,
) -> Ruling {
    match response.status {
        400 | 401 | 403 if statement.names(Cause::DpopNonceRequired) => Step(
            Cause::DpopNonceRequired,
            "the server asks for a DPoP nonce, with which the client tries again".to_owned(),
        ),
        401 | 403 | 407 => step(exchange, statement, token)
            .map_or(Rejected, |clause| Step(Cause::NotAFailure, clause)),
        302 | 303 | 307 => match response.field(Field::Location).filter(|to| is_login(to)) {
            Some(to) => Login(format!(
                "the answer redirects to {}",
                redact::path(&statement.repeated.hide(to))
            )),
            None => Plain(
                Outcome::Undetermined,
                "a redirect says nothing about the credential",
            ),
        },
        status if lets_in(status) && rejected_inside(statement, token) => Rejected,
        status if lets_in(status) => Plain(Outcome::Accepted, "the server let the request in"),
        431 if is_large(exchange.request.as_ref(), token) => Rejected,
        400..=499 if rejected_oddly(exchange, response.status, statement, token) => Rejected,
        OF_PROVIDER if is_of_load_balancer(response) => Rejected,
        500..=599 if failed_at_the_token(statement, token) => Rejected,
        500..=599 => Plain(
            Outcome::Undetermined,
            "the server failed for a reason of its own",
        ),
        400..=499 => Plain(
            Outcome::Undetermined,
            "the answer is an error that is not about the credential, as far as it says",
        ),
        _ => Plain(Outcome::Undetermined, "the answer does not tell"),
    }
}

/// Whether a status means that the request was let in, unless the answer says otherwise.
pub(super) fn lets_in(status: u16) -> bool {
    matches!(status, 101 | 200..=299 | 304)
}

/// Whether the body of an answer may be about the credential. Most bodies are not, and reading them
/// is what costs.
pub(super) fn may_explain(response: &Response, presence: Presence<'_>) -> bool {
    let had_one = !matches!(presence, Presence::Absent);
    match response.status {
        400 | 401 | 403 | 407 | 419 | 422 | 431 => true,
        500..=599 => had_one,
        200..=299 => had_one && says_error(response.excerpt.bytes()),
        _ => false,
    }
}

/// Whether a body has a member that errors are put into.
fn says_error(body: &[u8]) -> bool {
    static MARKS: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| ["\"error", "\"ok\":false"].map(Finder::new));
    let [error, not_ok] = &*MARKS;
    let is_name = |at: usize| {
        let behind = body.get(at + "\"error".len()..).unwrap_or_default();
        behind.starts_with(b"\"") || behind.starts_with(b"s\"")
    };
    error.find_iter(body).any(is_name) || not_ok.find(body).is_some()
}

/// The steps of handshakes that look like failures: rejections of the first leg that every client of
/// the scheme expects.
fn step(exchange: &Exchange, statement: &Statement, token: &Token<'_>) -> Option<String> {
    let credential = match token.presence {
        Presence::Unknown => return None,
        Presence::Present(credential) => credential,
        Presence::Absent
            if exchange
                .request
                .as_ref()
                .is_some_and(|request| request.preflight) =>
        {
            return Some("it was a CORS preflight, which never carries a credential".to_owned());
        }
        Presence::Absent => return first_leg(statement),
    };
    if token.elsewhere().is_some() {
        return first_leg(statement);
    }
    let scheme = credential.scheme.as_deref()?;
    let next = statement
        .challenges
        .iter()
        .find(|challenge| challenge.scheme == scheme && challenge.is_handshake())?;
    let stale = next
        .attribute("stale")
        .is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
    (next.has_data || stale).then(|| format!("the server goes on with the handshake of {scheme}"))
}

fn first_leg(statement: &Statement) -> Option<String> {
    let first = statement.challenges.first()?;
    if statement
        .challenges
        .iter()
        .all(|challenge| challenge.is_handshake() || challenge.scheme == "basic")
        && statement
            .challenges
            .iter()
            .any(|challenge| challenge.is_handshake())
    {
        return Some(format!(
            "the server opens the handshake of {}",
            redact::text(&statement.repeated.hide(&first.scheme), 32)
        ));
    }
    if statement.attribute("resource_metadata").is_some() && !first.has_error() {
        return Some("the server says where to get a token (RFC 9728)".to_owned());
    }
    let is_registry = first.attribute("service").is_some()
        && first
            .attribute("realm")
            .is_some_and(|realm| realm.starts_with("http"));
    is_registry
        .then(|| "the server says where to get a token, as container registries do".to_owned())
}

/// Whether a redirect goes to where people log in.
fn is_login(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    let (path, query) = location.split_once('?').unwrap_or((&location, ""));
    let is_page = path.split(['/', '.', ':']).any(|segment| {
        matches!(
            segment,
            "login"
                | "log-in"
                | "signin"
                | "sign-in"
                | "sign_in"
                | "logon"
                | "sso"
                | "saml"
                | "saml2"
                | "authorize"
                | "openid-connect"
                | "accounts"
        )
    });
    let asks = |name: &str| {
        query
            .split('&')
            .any(|pair| pair.split('=').next() == Some(name))
    };
    is_page || (asks("client_id") && asks("response_type")) || asks("samlrequest")
}

/// Answers that say 200 and mean no: gRPC (16 is unauthenticated, 7 is permission denied), GraphQL and
/// others that put the error into the body. Only words of a known server count.
fn rejected_inside(statement: &Statement, token: &Token<'_>) -> bool {
    if matches!(statement.grpc_status, Some(7 | 16)) {
        return true;
    }
    !matches!(token.presence, Presence::Absent)
        && statement
            .said
            .iter()
            .any(|said| is_known(said) && is_of_caller(said) && said.quote.of_token)
}

/// Whether one cause is named that is about the credential of the request or who sent it.
fn is_of_caller(said: &Said) -> bool {
    let subject = said.one().map(Cause::subject);
    matches!(subject, Some(Subject::Credential | Subject::Caller))
}

/// Whether it was asked of an issuer: the last part of the path is that of an endpoint of RFC 6749, 7009,
/// 7662, 8628 or 9126, as nearly all issuers name them.
pub(super) fn is_of_issuer(request: Option<&Request>) -> bool {
    let path = request.map_or("", |request| request.path.trim_end_matches('/'));
    let last = path.rsplit('/').next().unwrap_or_default();
    ENDPOINTS.iter().any(|name| last.eq_ignore_ascii_case(name))
}

const ENDPOINTS: [&str; 7] = [
    "token",
    "introspect",
    "introspection",
    "revoke",
    "revocation",
    "par",
    "device_authorization",
];

fn is_of_load_balancer(response: &Response) -> bool {
    let server = response.field(Field::Server).unwrap_or_default();
    server.to_ascii_lowercase().starts_with("awselb")
}

/// Whether the header was too large because of the credential.
fn is_large(request: Option<&Request>, token: &Token<'_>) -> bool {
    let (Some(request), Some(credential)) = (request, token.credential()) else {
        return false;
    };
    let length = u32::try_from(credential.length).unwrap_or(u32::MAX);
    length >= 4096 || length >= request.head_len / 2
}

/// 400, 422 and the like, where some validators answer so: a challenge with an error, the words of a
/// known server, or wording that speaks of a token, about a credential that was there (or is said to
/// be missing and was); and where issuers refuse a grant (RFC 6749 section 5.2).
fn rejected_oddly(
    exchange: &Exchange,
    status: u16,
    statement: &Statement,
    token: &Token<'_>,
) -> bool {
    if statement
        .challenges
        .iter()
        .any(|challenge| challenge.has_error())
    {
        return true;
    }
    // 419 is what Laravel answers where the check against forged requests fails.
    if !matches!(status, 400 | 419 | 422 | 431) {
        return false;
    }
    // What names a grant or a caller by itself needs no credential in the head of the request.
    let is_by_itself = |said: &Said| match (&said.by, said.one()) {
        (By::Known(_), Some(Cause::RequestInvalid)) => is_of_issuer(exchange.request.as_ref()),
        (By::Known(rule), Some(cause)) => {
            rule.emitted && !matches!(cause.subject(), Subject::Credential | Subject::Service)
        }
        _ => false,
    };
    let fits_presence = |said: &Said| match token.presence {
        Presence::Absent => said.causes.contains(&Cause::CredentialsMissing) || is_by_itself(said),
        Presence::Present(_) => true,
        Presence::Unknown => is_known(said),
    };
    let says = |said: &Said| match said.by {
        By::Protocol => true,
        By::Known(_) => {
            is_by_itself(said)
                || said.one() != Some(Cause::RequestInvalid)
                    && (status == 422
                        || said.quote.of_token
                        || said.one() == Some(Cause::TokenTooLarge))
        }
        By::Wording => said
            .one()
            .is_some_and(|cause| matches!(cause.subject(), Subject::Credential | Subject::Service)),
        By::Hint => false,
    };
    let vague = statement
        .unspecific
        .as_ref()
        .is_some_and(|(quote, _)| quote.of_token)
        && token
            .credential()
            .is_some_and(|one| is_token(one) || !token.findings.is_empty());
    // A challenge tells that it is about the credential, whatever the words are (gin-jwt).
    let is_challenged =
        !statement.challenges.is_empty() && token.credential().is_some_and(is_token);
    vague
        || is_challenged
        || statement
            .said
            .iter()
            .any(|said| says(said) && fits_presence(said))
}

fn is_token(credential: &Credential) -> bool {
    matches!(credential.kind, Kind::Jwe | Kind::Jwt | Kind::Opaque)
}

/// 5xx where the validator itself broke, or where nobody caught its exception.
fn failed_at_the_token(statement: &Statement, token: &Token<'_>) -> bool {
    !matches!(token.presence, Presence::Absent)
        && statement.said.iter().any(|said| match said.by {
            By::Protocol => true,
            By::Known(_) => said.quote.of_token,
            By::Wording => said.one().is_some_and(|cause| {
                cause == Cause::ValidatorError || token.finding(cause).is_some()
            }),
            By::Hint => false,
        })
}

fn is_known(said: &Said) -> bool {
    matches!(said.by, By::Known(_) | By::Protocol)
}

#[cfg(test)]
mod tests {
    use observer_common::window::{self, line_words};

    use super::*;

    #[test]
    fn what_is_asked_of_an_issuer_is_shipped_whole() {
        for name in ENDPOINTS {
            for end in ["", "/"] {
                let request = format!("POST /oauth2/v1/{name}{end} HTTP/1.1\r\n");
                assert!(
                    window::is_of_issuer(&line_words(request.as_bytes())),
                    "{request}"
                );
            }
        }
    }
}
