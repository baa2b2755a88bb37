//! Where key sets and discovery documents are found.

use crate::exchange::{Exchange, Request};
use crate::redact;

/// A host and a path, as a URL has them. The scheme is left out: what is fetched in the clear inside a
/// network is published with https.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Place {
    host: String,
    path: String,
}

/// Whether something at this path may be a key set (RFC 7517) or a discovery document (OpenID Connect
/// Discovery 1.0 section 4, RFC 8414 section 3). Looked at for each answer: it must cost nearly nothing.
pub fn is_key_path(path: &str) -> bool {
    let bytes = path.strip_suffix('/').unwrap_or(path).as_bytes();
    let last = memchr::memrchr(b'/', bytes).and_then(|at| bytes.get(at + 1..));
    match last.unwrap_or_default() {
        b"jwks"
        | b"jwks.json"
        | b"jwk"
        | b"jwks_uri"
        | b"jwks-uri"
        | b"keys"
        | b"keys.json"
        | b"certs"
        | b"openid-configuration"
        | b"oauth-authorization-server" => true,
        _ => {
            bytes.starts_with(b"/.well-known/")
                && (path.contains("openid-configuration")
                    || path.contains("oauth-authorization-server")
                    || path.contains("jwks"))
        }
    }
}

/// Whether such a path is for nothing else, so that a failure there is a failure to get keys.
pub(super) fn is_only_for_keys(path: &str) -> bool {
    path.contains("jwks") || path.contains("/.well-known/") || path.ends_with("/certs")
}

impl Place {
    /// Of what a request asks for. `otherwise`: the host where the request names none.
    pub(super) fn of(request: &Request, otherwise: &str) -> Self {
        let host = request.host.as_deref().unwrap_or(otherwise);
        Self {
            host: without_port(&host.to_ascii_lowercase()).to_owned(),
            path: request.path.clone(),
        }
    }

    /// Of a URL, or of a host and a path.
    pub fn of_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://").unwrap_or(("", url));
        let rest = rest.split(['?', '#']).next()?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = host.rsplit('@').next()?.to_ascii_lowercase();
        (!host.is_empty()).then(|| Self {
            host: without_port(&host).to_owned(),
            path: path.to_owned(),
        })
    }

    /// The URL of an issuer, where it is one: what lies under it is its own.
    pub(super) fn of_issuer(issuer: &str) -> Option<Self> {
        let mut own = Self::of_url(issuer).filter(|_| issuer.contains("://"))?;
        own.path.truncate(own.path.trim_end_matches('/').len());
        Some(own)
    }

    /// Whether it lies under the URL of an issuer: the same host, and a path that goes on from that one's.
    pub(super) fn is_under(&self, issuer: &Self) -> bool {
        let rest = self.path.strip_prefix(&issuer.path);
        issuer.host == self.host && rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// As people write it: capped and escaped, and what may be a token left out.
    pub(super) fn shown(&self) -> String {
        let host = redact::label(&self.host, 128);
        format!("{host}{}", redact::path(&self.path))
    }
}

/// The ports that URLs leave out.
fn without_port(host: &str) -> &str {
    let plain = host.strip_suffix(":443").or(host.strip_suffix(":80"));
    plain.unwrap_or(host)
}

/// The place that an exchange asks for keys at, if it does.
pub(super) fn asked<'a>(exchange: &'a Exchange, service: &str) -> Option<(&'a Request, Place)> {
    let request = exchange.request.as_ref()?;
    let asks = request.method == "GET" && is_key_path(&request.path);
    asks.then(|| (request, Place::of(request, service)))
}

#[cfg(test)]
mod tests {
    use observer_common::window::{is_of_issuer, line_words};

    use super::*;

    #[test]
    fn paths_of_key_sets_are_known() {
        let paths = [
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/realms/x/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/tenant1",
            "/realms/x/protocol/openid-connect/certs",
            "/oauth2/v1/keys",
            "/oauth2/jwks",
            "/common/discovery/v2.0/keys",
            "/openid/v1/jwks",
            "/a/jwks.json",
            "/a/jwk",
            "/a/jwks_uri",
            "/a/jwks-uri",
            "/a/keys.json",
            "/a/oauth-authorization-server",
            "/a/openid-configuration/",
            "/a/jwks/",
        ];
        for path in paths {
            assert!(is_key_path(path), "{path}");
            let request = format!("GET {path} HTTP/1.1\r\n");
            assert!(
                is_of_issuer(&line_words(request.as_bytes())),
                "{path} is not shipped"
            );
        }
        for path in [
            "/",
            "",
            "/orders",
            "/keys/7",
            "/jwks/x",
            "/.well-known/acme-challenge/x",
        ] {
            assert!(!is_key_path(path), "{path}");
        }
    }

    #[test]
    fn a_place_lies_under_an_issuer_of_its_host_and_path() {
        let place = |url| Place::of_url(url).unwrap();
        let certs = place("http://Login.Example:80/realms/a/certs");
        let is_under = |issuer| Place::of_issuer(issuer).is_some_and(|own| certs.is_under(&own));
        for issuer in [
            "https://login.example/realms/a",
            "https://login.example/realms/a/",
            "https://login.example",
            "https://login.example:443/",
        ] {
            assert!(is_under(issuer), "{issuer}");
        }
        for issuer in [
            "https://login.example/realms/ab",
            "https://login.example/realms",
            "https://login.example:8443/realms/a",
            "https://evil.example/realms/a",
            "https://login.example@evil.example/realms/a",
            "login.example",
            "",
        ] {
            assert_eq!(
                is_under(issuer),
                issuer == "https://login.example/realms",
                "{issuer}"
            );
        }
    }
}
