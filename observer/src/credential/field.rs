//! The Authorization field, RFC 9110 section 11.6.2, as people really send it.

use super::Defect;

/// The longest scheme that is taken for one.
const MAX_SCHEME: usize = 32;

/// Words that clients send when they have no token.
const PLACEHOLDERS: &[&[u8]] = &[
    b"null",
    b"undefined",
    b"none",
    b"nil",
    b"nan",
    b"[object",
    b"false",
];

/// A field taken apart. It borrows: nothing of it is copied.
pub(super) struct Parts<'a> {
    /// As sent; `None` where there is none.
    pub(super) scheme: Option<&'a [u8]>,
    /// What comes after the scheme, without what does not belong to it.
    pub(super) token: &'a [u8],
    /// All that comes after the scheme.
    pub(super) rest: &'a [u8],
    /// All of the field.
    pub(super) value: &'a [u8],
    /// What is wrong with the field.
    pub(super) defects: Vec<Defect>,
}

impl Parts<'_> {
    /// Whether the scheme is `name`, in any case.
    pub(super) fn is(&self, name: &str) -> bool {
        self.scheme
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Takes the value of the field apart.
pub(super) fn take_apart(value: &[u8]) -> Parts<'_> {
    let value = value.trim_ascii();
    let mut defects = Vec::new();
    // All bytes are looked at, for that is done many at a time.
    let strange = |byte: u8| (byte < 0x20 && byte != b'\t') || byte >= 0x7f;
    if value.iter().fold(false, |any, byte| any | strange(*byte)) {
        defects.push(Defect::Blank);
    }
    let (scheme, rest) = split_scheme(value, &mut defects);
    let mut token = rest;
    if scheme.is_some_and(carries_one_token) {
        token = strip_doubled(token, scheme.unwrap_or_default(), &mut defects);
        token = strip_quotes(token, &mut defects);
        if let Some(at) = memchr::memchr2(b',', b';', token) {
            push_once(&mut defects, Defect::Separator);
            token = token.get(..at).unwrap_or_default();
        }
        let is_placeholder = |word: &&[u8]| {
            let Some((start, rest)) = token.split_at_checked(word.len()) else {
                return false;
            };
            start.eq_ignore_ascii_case(word) && rest.first().is_none_or(u8::is_ascii_whitespace)
        };
        if PLACEHOLDERS.iter().any(is_placeholder) {
            push_once(&mut defects, Defect::Placeholder);
        } else if token.iter().fold(false, |any, byte| any | (*byte <= b' ')) {
            push_once(&mut defects, Defect::Blank);
            token = longest_word(token);
        }
    }
    if token.is_empty() {
        defects.push(Defect::Empty);
    }
    Parts {
        scheme,
        token,
        rest,
        value,
        defects,
    }
}

/// The scheme, and what is after it. A value of one word is a scheme with nothing behind it, or a
/// token with nothing before it.
fn split_scheme<'a>(value: &'a [u8], defects: &mut Vec<Defect>) -> (Option<&'a [u8]>, &'a [u8]) {
    let blank = value.iter().position(|byte| matches!(byte, b' ' | b'\t'));
    let (first, rest) = match blank {
        Some(at) => value.split_at(at),
        None => (value, &[][..]),
    };
    // `Bearer: x`, `Bearer=x`, `Bearer,x`
    if let Some(at) = first
        .iter()
        .position(|byte| matches!(byte, b':' | b'=' | b','))
        && first.get(..at).is_some_and(is_known)
    {
        defects.push(Defect::Separator);
        return (
            first.get(..at),
            value.get(at + 1..).unwrap_or_default().trim_ascii(),
        );
    }
    let is_scheme = !first.is_empty()
        && first.len() <= MAX_SCHEME
        && first.iter().all(|byte| is_token_character(*byte));
    if is_scheme && (blank.is_some() || is_known(first)) {
        return (Some(first), rest.trim_ascii());
    }
    if !value.is_empty() {
        defects.push(Defect::MissingScheme);
    }
    (None, value)
}

/// Schemes after which exactly one token stands.
fn carries_one_token(scheme: &[u8]) -> bool {
    [&b"bearer"[..], b"dpop", b"token", b"jwt"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name))
}

fn is_known(word: &[u8]) -> bool {
    carries_one_token(word)
        || [
            &b"basic"[..],
            b"digest",
            b"negotiate",
            b"ntlm",
            b"hoba",
            b"mutual",
            b"vapid",
        ]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name))
}

fn strip_doubled<'a>(mut token: &'a [u8], scheme: &[u8], defects: &mut Vec<Defect>) -> &'a [u8] {
    while let Some(rest) = token
        .split_at_checked(scheme.len())
        .filter(|(head, _)| head.eq_ignore_ascii_case(scheme))
        .map(|(_, rest)| rest)
        .filter(|rest| {
            rest.first()
                .is_none_or(|byte| matches!(byte, b' ' | b'\t' | b':' | b','))
        })
    {
        push_once(defects, Defect::DoubledScheme);
        token = rest.get(1..).unwrap_or_default().trim_ascii();
    }
    token
}

fn strip_quotes<'a>(token: &'a [u8], defects: &mut Vec<Defect>) -> &'a [u8] {
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`');
    let mut bare = token;
    while let [first, rest @ ..] = bare
        && is_quote(first)
    {
        bare = rest;
    }
    while let [rest @ .., last] = bare
        && is_quote(last)
    {
        bare = rest;
    }
    if bare.len() < token.len() {
        defects.push(Defect::Quoted);
    }
    bare
}

fn longest_word(token: &[u8]) -> &[u8] {
    token
        .split(|byte| *byte <= b' ')
        .max_by_key(|word| word.len())
        .unwrap_or_default()
}

fn push_once(defects: &mut Vec<Defect>, defect: Defect) {
    if !defects.contains(&defect) {
        defects.push(defect);
    }
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart_what_people_send() {
        use Defect::{Blank, DoubledScheme, Empty, MissingScheme, Placeholder, Quoted, Separator};
        let cases: &[(&str, Option<&str>, &str, &[Defect])] = &[
            ("Bearer abc", Some("Bearer"), "abc", &[]),
            ("bearer  \t abc ", Some("bearer"), "abc", &[]),
            ("Basic dTpw", Some("Basic"), "dTpw", &[]),
            (
                "Digest username=\"a\", realm=\"b\"",
                Some("Digest"),
                "username=\"a\", realm=\"b\"",
                &[],
            ),
            ("", None, "", &[Empty]),
            ("Bearer", Some("Bearer"), "", &[Empty]),
            ("Bearer   ", Some("Bearer"), "", &[Empty]),
            ("Bearer Bearer abc", Some("Bearer"), "abc", &[DoubledScheme]),
            (
                "Bearer bearer bearer abc",
                Some("Bearer"),
                "abc",
                &[DoubledScheme],
            ),
            ("Bearer Bearer", Some("Bearer"), "", &[DoubledScheme, Empty]),
            ("Bearer bearerish", Some("Bearer"), "bearerish", &[]),
            ("Bearer \"abc\"", Some("Bearer"), "abc", &[Quoted]),
            ("Bearer <abc>", Some("Bearer"), "abc", &[Quoted]),
            ("Bearer: abc", Some("Bearer"), "abc", &[Separator]),
            ("Bearer=abc", Some("Bearer"), "abc", &[Separator]),
            (
                "Bearer abc, Bearer def",
                Some("Bearer"),
                "abc",
                &[Separator],
            ),
            ("Bearer abc def1", Some("Bearer"), "def1", &[Blank]),
            ("Bearer null", Some("Bearer"), "null", &[Placeholder]),
            (
                "Bearer [object Object]",
                Some("Bearer"),
                "[object Object]",
                &[Placeholder],
            ),
            (
                "eyJhbGciOiJub25lIn0.e30.",
                None,
                "eyJhbGciOiJub25lIn0.e30.",
                &[MissingScheme],
            ),
            ("Bearer ab\u{1}c", Some("Bearer"), "ab", &[Blank]),
        ];
        for (value, scheme, token, defects) in cases {
            let parts = take_apart(value.as_bytes());
            assert_eq!(parts.scheme, scheme.map(str::as_bytes), "{value}");
            assert_eq!(parts.token, token.as_bytes(), "{value}");
            assert_eq!(parts.defects, *defects, "{value}");
        }
    }
}
