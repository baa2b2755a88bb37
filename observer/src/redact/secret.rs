//! What looks like a secret in text.
//!
//! There is no list of secrets to compare with: by the time text is quoted, the token is gone. So
//! shape decides. A run of the base64 alphabets is made of pieces (between `-`, `_`, `/`); a piece
//! that is no word and no plain number counts as random, and enough of those is a secret.
//!
//! Shape can be wrong: of 200,000 random secrets in base64url, 55 of 18 bytes passed for words, 5 of
//! 24 bytes, and none of 32.

use base64::prelude::*;

use super::REDACTED;

/// Shorter runs than this are not looked at, unless they begin a JWT or follow a scheme.
const MIN_RUN: usize = 16;
/// This many characters in pieces that are no words make a run a secret.
const MIN_RANDOM: usize = 8;
/// `eyJ` is `{"` in base64: with this many characters after it, it is taken for a JOSE header.
const MIN_JWT_TAIL: usize = 5;
/// Shorter pieces of mixed case are no words.
const MIN_HUMPS: usize = 4;
/// Single-case words are not longer than this; hexadecimal and base32 secrets are.
const MAX_WORD: usize = 24;

/// `raw` with every secret replaced.
pub(super) fn strip(raw: &str) -> String {
    replace(raw, is_run, |before, run| {
        run.find("eyJ")
            .filter(|start| run.len() - start >= 3 + MIN_JWT_TAIL)
            .map(|_| 0)
            .or_else(|| (is_secret(run) || follows_scheme(before, run)).then_some(0))
    })
}

/// Whether [`strip_jwt`] may find something.
pub(super) fn may_have_jwt(raw: &str) -> bool {
    raw.contains("eyJ")
}

/// `raw` with every JWT replaced, and nothing else.
pub(super) fn strip_jwt(raw: &str) -> String {
    replace(raw, is_run, |_, run| {
        run.find("eyJ")
            .filter(|start| run.len() - start >= 3 + MIN_JWT_TAIL)
    })
}

/// Whether a run of base64 characters is more likely drawn than written.
pub(super) fn is_secret(run: &str) -> bool {
    run.len() >= MIN_RUN && randomness(run) >= MIN_RANDOM
}

/// How many characters of a run stand in pieces that are neither a word nor a plain number.
pub(super) fn randomness(run: &str) -> usize {
    run.trim_end_matches('=')
        .split(['-', '_', '/', '~', '='])
        .filter(|piece| !is_word(piece))
        .map(str::len)
        .sum()
}

/// A UUID in its usual form.
pub(super) fn is_uuid(run: &str) -> bool {
    run.len() == 36
        && run.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `oauth2`, `RS256`, `camelCaseWords`, `expired`, `2024`.
fn is_word(piece: &str) -> bool {
    let letters = piece.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = piece.len() - letters.len();
    if letters.is_empty() {
        return digits <= 10;
    }
    if digits > 5 || !letters.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let single_case = letters.bytes().all(|byte| byte.is_ascii_lowercase())
        || letters.bytes().all(|byte| byte.is_ascii_uppercase());
    if single_case {
        letters.len() <= MAX_WORD && is_spoken(letters)
    } else {
        letters.len() >= MIN_HUMPS && humps(letters)
    }
}

/// Words of four letters or more have a vowel, and no more than five consonants in a row.
fn is_spoken(letters: &str) -> bool {
    let vowel = |c: char| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    (letters.len() < 4 || letters.contains(vowel))
        && letters.split(vowel).all(|consonants| consonants.len() <= 5)
}

/// Mixed case as people write it: capitals (at most 5 together) that begin stretches of two or more
/// small letters, each with a vowel.
fn humps(letters: &str) -> bool {
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let capitals = letters
        .split(|c: char| c.is_ascii_lowercase())
        .all(|run| run.len() <= 5);
    let small = letters
        .split(|c: char| c.is_ascii_uppercase())
        .filter(|run| !run.is_empty())
        .all(|run| run.len() >= 2 && run.len() <= MAX_WORD && run.contains(vowel));
    capitals && small
}

/// `Basic dXNlcjpwYXNz`, `Bearer 0a1b2c3d`: after a scheme even a short run can be a secret.
fn follows_scheme(before: &str, run: &str) -> bool {
    let Some(word) = before.strip_suffix([' ', ':', '=']).and_then(|text| {
        text.trim_end()
            .rsplit(|c: char| !c.is_ascii_alphanumeric())
            .next()
    }) else {
        return false;
    };
    if word.eq_ignore_ascii_case("basic") {
        return BASE64_STANDARD
            .decode(run)
            .or_else(|_| BASE64_STANDARD_NO_PAD.decode(run))
            .is_ok_and(|pair| pair.contains(&b':'));
    }
    ["bearer", "token", "dpop", "password", "secret"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
        && run.len() >= 6
        && run.bytes().any(|byte| byte.is_ascii_digit())
        && randomness(run) > 0
}

/// A character of the base64 alphabets, or of a JWT between its parts.
fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'=' | b'~')
}

/// Asks `find` about each run of `alphabet`, with the text before it. From the place that it gives to
/// the end of the token, parts after dots included, the run is replaced.
fn replace(
    raw: &str,
    alphabet: impl Fn(u8) -> bool,
    find: impl Fn(&str, &str) -> Option<usize>,
) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let rest = raw.get(at..).unwrap_or_default();
        let length = rest.bytes().position(|byte| !alphabet(byte));
        let run = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        if run.is_empty() {
            let other = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(rest.get(..other).unwrap_or_default());
            at += other;
            continue;
        }
        match find(raw.get(..at).unwrap_or_default(), run) {
            Some(start) => {
                out.push_str(run.get(..start).unwrap_or_default());
                out.push_str(REDACTED);
                at += run.len() + parts(rest.get(run.len()..).unwrap_or_default(), &alphabet);
            }
            None => {
                out.push_str(run);
                at += run.len();
            }
        }
    }
    out
}

/// How many bytes of `rest` are further parts of a token: a dot with a run behind it.
fn parts(rest: &str, alphabet: &impl Fn(u8) -> bool) -> usize {
    let bytes = rest.as_bytes();
    let mut end = 0;
    while bytes.get(end) == Some(&b'.') {
        let run = bytes
            .iter()
            .skip(end + 1)
            .take_while(|byte| alphabet(**byte));
        match run.count() {
            0 if bytes.get(end + 1) == Some(&b'.') => end += 1,
            0 => break,
            length => end += 1 + length,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_messages_stay_readable() {
        for text in [
            "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
            "IDX10223: Lifetime validation failed. The token is expired. (AuthorizerConfigurationException)",
            r#"Bearer realm="https://api.example.com/v1/orders", error="invalid_token""#,
            r#"{"error":"insufficient_scope","scope":"orders:read orders.write_all"}"#,
            "The token expired at '05/11/2026 10:22:33' by 5m0s, 2026-11-21T19:00:00Z",
            "Unable to find a signing key that matches: 'key-2024-11'",
            "Basic authentication required; Bearer token missing; algorithm RS256",
            "x-amzn-errortype: UnauthorizedException, unsupported_grant_type",
        ] {
            assert_eq!(strip(text), text);
        }
    }

    #[test]
    fn tokens_go_whole() {
        for (text, want) in [
            (
                "bad: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln.",
                "bad: [redacted].",
            ),
            ("eyJhbGciOiJub25lIn0..x", "[redacted]"),
            ("token=ya29.a0AfB_byC3kQ9x2Zr7TgLw", "token=ya29.[redacted]"),
            ("Basic dXNlcjpwYXNz rejected", "Basic [redacted] rejected"),
            (
                "Authorization: Bearer a1b2c3",
                "Authorization: Bearer [redacted]",
            ),
            ("sid 0123456789abcdef0123456789abcdef", "sid [redacted]"),
            ("5f0c2c9e-3f43-4a9b-9a5e-0d6a6b7c8d9e", "[redacted]"),
        ] {
            assert_eq!(strip(text), want);
        }
    }
}
