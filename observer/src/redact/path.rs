//! Paths: as they were, or as templates.

use super::secret::{is_secret, is_uuid, randomness};
use super::{TOKEN, render};

/// The longest path that leaves, in bytes.
const MAX_OUT: usize = 1024;
/// How many segments of a template are kept.
const MAX_SEGMENTS: usize = 24;
/// Hexadecimal or base32 segments from this length on may be tokens. Shorter ones are ids.
const MIN_ONE_CASE: usize = 32;

/// A path as it was, but for segments that may be tokens, which become [`TOKEN`]. Capped, escaped,
/// and without a query or fragment if there still was one.
pub fn path(raw: &str) -> String {
    let plain = without_query(raw);
    let mut out = String::with_capacity(plain.len());
    for (number, segment) in plain.split('/').enumerate() {
        if number > 0 {
            out.push('/');
        }
        let plain = decoded(segment);
        if is_token(&plain) || has_password(&plain) {
            out.push_str(TOKEN);
        } else if has_session(&plain) {
            out.push_str(segment.split(';').next().unwrap_or_default());
            out.push(';');
            out.push_str(TOKEN);
        } else {
            out.push_str(segment);
        }
    }
    render(&out, MAX_OUT)
}

/// A path as a template: numbers, ids, e-mail addresses, tokens and text of people become
/// placeholders, so that a path names an endpoint and nobody who used it.
pub fn template(raw: &str) -> String {
    let mut out = String::new();
    for (number, segment) in without_query(raw).split('/').enumerate() {
        if number > 0 {
            out.push('/');
        }
        if number > MAX_SEGMENTS {
            out.push('…');
            break;
        }
        out.push_str(placeholder(segment).unwrap_or(segment));
    }
    render(&out, MAX_OUT)
}

fn without_query(raw: &str) -> &str {
    raw.split(['?', '#']).next().unwrap_or_default()
}

/// What stands for a segment in a template. `None`: it stands for itself.
fn placeholder(segment: &str) -> Option<&'static str> {
    let decoded = decoded(segment);
    let digits = decoded.bytes().filter(u8::is_ascii_digit).count();
    if decoded.is_empty() {
        None
    } else if digits == decoded.len() {
        Some("{number}")
    } else if is_uuid(&decoded) {
        Some("{uuid}")
    } else if is_email(&decoded) {
        Some("{email}")
    } else if is_token(&decoded)
        || has_session(&decoded)
        || runs(&decoded).any(is_secret)
        || decoded.len() > 64
    {
        Some(TOKEN)
    } else if digits >= 3 {
        Some("{id}")
    } else if !segment
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'%')
    {
        Some("{text}")
    } else {
        None
    }
}

fn is_email(segment: &str) -> bool {
    segment
        .split_once('@')
        .is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty())
}

/// `user:password@host`: the authority of a target that has another target in its path.
fn has_password(segment: &str) -> bool {
    segment
        .split_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
}

/// `;jsessionid=...` and its like: a session in a parameter of a segment.
fn has_session(segment: &str) -> bool {
    segment.split(';').skip(1).any(|parameter| {
        let name = parameter.split('=').next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        ["sess", "sid", "token", "auth", "key", "pass", "secret"]
            .iter()
            .any(|word| name.contains(word))
    })
}

/// Whether a segment may hold a token: part of a JWT, or long and random. UUIDs and short ids are
/// left, because a path is often about them.
fn is_token(segment: &str) -> bool {
    segment.contains("eyJ") && segment.len() >= 8
        || runs(segment).any(|run| {
            let has = |class: fn(&u8) -> bool| run.bytes().any(|byte| class(&byte));
            let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase);
            let least = if mixed && has(u8::is_ascii_uppercase) {
                20
            } else {
                MIN_ONE_CASE
            };
            run.len() >= least && randomness(run) >= 16 && !is_uuid(run)
        })
}

fn runs(segment: &str) -> impl Iterator<Item = &str> {
    segment.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '+' | '=' | '~'))
}

/// The segment without percent-encoding, twice undone, because that is how a token hides in a path.
fn decoded(segment: &str) -> String {
    let mut text = segment.to_owned();
    for _ in 0..2 {
        if !text.contains('%') {
            break;
        }
        text = decode_once(&text);
    }
    text
}

fn decode_once(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

    #[test]
    fn a_path_stays_as_it_was_but_for_tokens() {
        let uuid = "/orders/5f0c2c9e-3f43-4a9b-9a5e-0d6a6b7c8d9e/items/42";
        assert_eq!(path(uuid), uuid);
        assert_eq!(path(&format!("/reset/{JWT}/now")), "/reset/{token}/now");
        assert_eq!(
            path(&format!("/r/{}", JWT.replace('.', "%2E"))),
            "/r/{token}"
        );
        assert_eq!(
            path("/share/AIzaSyD4x9Qk2mN8vLp0TzYw7RbUc"),
            "/share/{token}"
        );
        assert_eq!(path("/a\u{1b}b?access_token=x"), "/a\\u{1b}b");
        assert_eq!(
            path("/.well-known/openid-configuration"),
            "/.well-known/openid-configuration"
        );
    }

    #[test]
    fn passwords_and_sessions_in_a_path_do_not_show() {
        assert_eq!(
            path("/proxy/https://bob:word@h/x"),
            "/proxy/https://{token}/x"
        );
        assert_eq!(path("/cart;jsessionid=abc/1"), "/cart;{token}/1");
        assert_eq!(template("/cart;jsessionid=abc/1"), "/{token}/{number}");
        assert_eq!(path("/map;zoom=3"), "/map;zoom=3");
    }

    #[test]
    fn a_template_names_the_endpoint_and_nobody() {
        for (raw, want) in [
            ("/", "/"),
            ("/api/v1/orders/4711/items", "/api/v1/orders/{number}/items"),
            (
                "/users/5f0c2c9e-3f43-4a9b-9a5e-0d6a6b7c8d9e",
                "/users/{uuid}",
            ),
            ("/users/jo%40example.org/keys", "/users/{email}/keys"),
            ("/orders/ORD-2024-0001", "/orders/{id}"),
            ("/people/J%C3%BCrgen", "/people/{text}"),
            ("/oauth2/authorize", "/oauth2/authorize"),
            ("/s/0123456789abcdef0123456789abcdef", "/s/{token}"),
        ] {
            assert_eq!(template(raw), want);
        }
        assert_eq!(template(&format!("/r/{JWT}")), "/r/{token}");
        assert!(template(&"/a".repeat(100)).ends_with("/…"));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_shows_a_jwt(raw in any::<String>(), tail in "[A-Za-z0-9_-]{10,60}") {
            for out in [path(&raw), template(&raw)] {
                prop_assert!(out.len() <= MAX_OUT);
            }
            let hidden = format!("/x/eyJ{tail}/y");
            prop_assert!(!path(&hidden).contains(&tail));
            prop_assert!(!template(&hidden).contains(&tail));
        }
    }
}
