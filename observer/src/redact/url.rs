//! Addresses that are shown.

use super::label;

/// An address without what may be a secret, user information and the query: at most 256 bytes.
pub fn url(raw: &str) -> String {
    let (scheme, rest) = raw.split_once("://").unwrap_or(("", raw));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
    let (host, path) = match (authority.rsplit_once('@'), rest.rsplit_once('@')) {
        (Some((_, host)), _) => (host, path),
        // A slash in a password ends what is an authority by RFC 3986.
        (None, Some((_, behind))) if !is_port => (behind, ""),
        _ => (authority, path),
    };
    let colon = if scheme.is_empty() { "" } else { "://" };
    label(&format!("{scheme}{colon}{host}{path}"), 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_secrets() {
        for (raw, shown) in [
            ("https://a.example/jwks", "https://a.example/jwks"),
            (
                "https://u:p@a.example:8443/jwks?key=x#y",
                "https://a.example:8443/jwks",
            ),
            ("https://u:p/s@a.example/jwks", "https://a.example/jwks"),
            (
                "https://a.example:8443/@scope/jwks",
                "https://a.example:8443/@scope/jwks",
            ),
            ("https://[::1]/@scope/jwks", "https://[::1]/@scope/jwks"),
            ("u:p@a.example/jwks", "a.example/jwks"),
            ("", ""),
        ] {
            assert_eq!(url(raw), shown);
        }
    }
}
