//! What both kinds of heads have in common: reading with httparse, cut heads, and framing fields.

use std::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Status};
use zeroize::Zeroizing;

use super::Missing;
use super::body::Body;
use super::start_line::cut_version;

/// How many fields of a head are read. Servers take 100 to 200.
pub(super) const MAX_COUNT: usize = 256;

/// Memory for the fields of one head, not initialised: most heads have ten.
pub(super) type Slots<'a> = [MaybeUninit<Header<'a>>; MAX_COUNT];

pub(super) const fn slots<'a>() -> Slots<'a> {
    [const { MaybeUninit::uninit() }; MAX_COUNT]
}

/// As lenient as servers are: a field that is none is left out, and the head still counts.
pub(super) fn lenient() -> ParserConfig {
    let mut config = ParserConfig::default();
    config
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_space_before_first_header_name(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_requests(true)
        .ignore_invalid_headers_in_responses(true);
    config
}

/// A head as the parser takes it, if it does not take it as it is: one that was cut is closed, and in
/// place of bytes 0, which would end it, stand other control characters, which do not.
pub(super) fn readable(head: &[u8], missing: Missing) -> Option<Zeroizing<Vec<u8>>> {
    const OTHER: u8 = 1;
    let has_zeros = memchr::memchr(0, head).is_some();
    if missing.is_nothing() && !has_zeros {
        return None;
    }
    let mut readable = Zeroizing::new(match missing.is_nothing() {
        true => head.to_vec(),
        false => mend(head),
    });
    if has_zeros {
        readable
            .iter_mut()
            .filter(|byte| **byte == 0)
            .for_each(|byte| *byte = OTHER);
    }
    Some(readable)
}

/// A head whose target has blanks or control characters in it, with these escaped (RFC 3986 section 2.1).
/// `None`: it has none.
pub(super) fn plain_target(head: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let end = memchr::memchr(b'\n', head)?;
    let line = head.get(..end)?.trim_ascii_end();
    let method = memchr::memchr(b' ', line)?;
    let version = memchr::memrchr(b' ', line)?;
    let (before, rest) = head.split_at(method + 1);
    let (target, behind) = rest.split_at_checked(version.checked_sub(method + 1)?)?;
    let breaks = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    if target.is_empty() || !target.iter().any(breaks) {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(head.len() + 2 * target.len()));
    plain.extend_from_slice(before);
    for byte in target {
        if breaks(byte) {
            let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
            plain.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            plain.push(*byte);
        }
    }
    plain.extend_from_slice(behind);
    Some(plain)
}

/// Whether httparse read the head to its end.
pub(super) fn is_whole(result: &Result<Status<usize>, Error>) -> bool {
    matches!(result, Ok(Status::Complete(_)))
}

/// A cut head, closed so that it can be read: its last line ends where it was cut, unless that is
/// inside a field's name, which says nothing.
fn mend(head: &[u8]) -> Vec<u8> {
    let line = memchr::memrchr(b'\n', head).map_or(0, |at| at + 1);
    let (before, last) = head.split_at(line);
    let mut mended = before.to_vec();
    if line == 0
        && let Some(version) = cut_version(last)
    {
        mended.extend_from_slice(last);
        mended.extend_from_slice(version);
        mended.extend_from_slice(b"\r\n");
    } else if line == 0 || memchr::memchr(b':', last).is_some() {
        mended.extend_from_slice(last.trim_ascii_end());
        mended.extend_from_slice(b"\r\n");
    }
    mended.extend_from_slice(b"\r\n");
    mended
}

/// Whether the cut is inside the value of the last field, so that the rest of it is missing.
pub(super) fn cut_in_value(head: &[u8]) -> bool {
    let line = memchr::memrchr(b'\n', head).map_or(0, |at| at + 1);
    memchr::memchr(b':', head.get(line..).unwrap_or_default()).is_some()
}

/// What the framing fields say (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Framing {
    /// Transfer-Encoding is there.
    pub(super) coded: bool,
    /// And chunked is its last coding.
    pub(super) chunked: bool,
    /// Content-Length, where every one that is there says the same.
    pub(super) length: Option<u64>,
    /// Content-Length is no number, or there are two that differ.
    pub(super) broken: bool,
}

impl Framing {
    pub(super) fn add(&mut self, field: &Header<'_>) {
        if field.name.eq_ignore_ascii_case("content-length") {
            for value in field.value.split(|byte| *byte == b',') {
                match (parse_length(value.trim_ascii()), self.length) {
                    (None, _) => self.broken = true,
                    (Some(new), Some(old)) if new != old => self.broken = true,
                    (new, _) => self.length = new,
                }
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            self.coded = true;
            let last = field.value.rsplit(|byte| *byte == b',').next();
            self.chunked = last
                .unwrap_or_default()
                .trim_ascii()
                .eq_ignore_ascii_case(b"chunked");
        }
    }

    /// The body that follows; `otherwise` where no field says anything. `None`: nobody can tell.
    pub(super) fn body(&self, otherwise: Body) -> Option<Body> {
        match self {
            Self { chunked: true, .. } => Some(Body::CHUNKED),
            Self { coded: true, .. } | Self { broken: true, .. } => None,
            Self {
                length: Some(length),
                ..
            } => Some(Body::Length(*length)),
            _ => Some(otherwise),
        }
    }
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let length = digits.then(|| str::from_utf8(value).ok()?.parse().ok())??;
    // Larger than any position in a stream can be.
    (length < 1 << 62).then_some(length)
}

/// Text from the wire, at most `most` bytes of it; bytes that are no UTF-8 are replaced.
pub(super) fn text(value: &[u8], most: usize) -> String {
    match str::from_utf8(value) {
        Ok(text) if text.len() <= most => text.to_owned(),
        Ok(text) => text
            .get(..text.floor_char_boundary(most))
            .unwrap_or_default()
            .to_owned(),
        Err(_) => {
            let value = value.get(..most).unwrap_or(value);
            let mut text = String::from_utf8_lossy(value).into_owned();
            text.truncate(text.floor_char_boundary(most));
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(fields: &[(&str, &str)]) -> Framing {
        let mut framing = Framing::default();
        for (name, value) in fields {
            framing.add(&Header {
                name,
                value: value.as_bytes(),
            });
        }
        framing
    }

    #[test]
    fn framing_follows_rfc_9112() {
        let none = Body::Length(0);
        let length = |fields: &[_]| match framing(fields).body(none) {
            Some(Body::Length(length)) => length,
            other => panic!("{other:?}"),
        };
        assert_eq!(length(&[]), 0);
        assert_eq!(
            length(&[("content-length", "7"), ("Content-Length", "7, 7")]),
            7
        );
        let both = framing(&[
            ("Content-Length", "7"),
            ("Transfer-Encoding", "gzip, chunked"),
        ]);
        assert!(matches!(both.body(none), Some(Body::Chunked(_))));
        for unclear in [
            &[("Content-Length", "7"), ("Content-Length", "8")][..],
            &[("Content-Length", "+7")],
            &[("Content-Length", "")],
            &[("Content-Length", "99999999999999999999")],
            &[("Transfer-Encoding", "chunked, gzip")],
        ] {
            assert!(framing(unclear).body(none).is_none(), "{unclear:?}");
        }
    }

    #[test]
    fn a_cut_head_keeps_what_is_certain() {
        assert_eq!(
            mend(b"GET / HTTP/1.1\r\nA: bc\r\nD: e"),
            b"GET / HTTP/1.1\r\nA: bc\r\nD: e\r\n\r\n"
        );
        assert_eq!(
            mend(b"GET / HTTP/1.1\r\nA: bc\r\nAutho"),
            b"GET / HTTP/1.1\r\nA: bc\r\n\r\n"
        );
        assert!(cut_in_value(b"GET / HTTP/1.1\r\nA: b"));
        assert!(!cut_in_value(b"GET / HTTP/1.1\r\nA: b\r\n"));
    }

    #[test]
    fn a_head_that_no_server_takes_is_made_readable() {
        let whole = Missing::default();
        let zero = readable(b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", whole).unwrap();
        assert_eq!(zero.as_slice(), b"GET / HTTP/1.1\r\nA: b\x01c\r\n\r\n");
        assert!(readable(b"GET / HTTP/1.1\r\n\r\n", whole).is_none());
        let plain = plain_target(b"GET /a b\tc HTTP/1.1\r\nA: b\r\n\r\n").unwrap();
        assert_eq!(plain.as_slice(), b"GET /a%20b%09c HTTP/1.1\r\nA: b\r\n\r\n");
        for plain in [&b"GET / HTTP/1.1\r\n"[..], b"GET /\r\n", b"GET", b""] {
            assert!(plain_target(plain).is_none());
        }
    }

    #[test]
    fn text_is_capped_at_a_character() {
        assert_eq!(text("aé".as_bytes(), 2), "a");
        assert_eq!(text(b"a\xff\xffb", 2), "a");
    }
}
