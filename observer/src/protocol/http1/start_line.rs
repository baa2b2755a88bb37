//! Recognises the first line of a message by its bytes, also where nothing else is known.

/// Which kind of message a line starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// RFC 9112 section 3.
    Request,
    /// RFC 9112 section 4.
    Response,
}

/// What bytes at the start of a line are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// More bytes are needed.
    Undecided,
    /// No first line of a message of HTTP/1.
    Nothing,
    /// A whole first line that is valid.
    Start(Kind),
    /// The first line of the preface of HTTP/2 (RFC 9113 section 3.4).
    Preface,
}

/// The longest method that is taken: VERSION-CONTROL of RFC 3253. The kernel takes no longer ones.
const LONGEST_METHOD: usize = 15;

/// Looks at the bytes from the start of a line on.
pub(super) fn recognise(bytes: &[u8]) -> Line {
    if may_start(bytes, b"HTTP/") {
        return status_line(bytes);
    }
    request_line(bytes)
}

/// Whether a request line begins with a method that is in use. Where the place in the stream is not
/// known, others may be the rest of one that was cut in two.
pub(super) fn has_known_method(bytes: &[u8]) -> bool {
    let method = bytes.split(|byte| *byte == b' ').next();
    METHODS.iter().any(|known| method == Some(known.as_bytes()))
}

/// What is missing of a request line that was cut inside its version: a method that is in use and a
/// target are there. Nobody can tell 1.0 from 1.1 then.
pub(super) fn cut_version(line: &[u8]) -> Option<&'static [u8]> {
    const VERSION: &[u8] = b"HTTP/1.1";
    let blank = memchr::memrchr(b' ', line)?;
    let (before, version) = (line.get(..blank)?, line.get(blank + 1..)?);
    let method = memchr::memchr(b' ', before)?;
    let has_target = before.len() > method + 1;
    (has_target && has_known_method(line) && VERSION.starts_with(version))
        .then(|| VERSION.get(version.len()..))?
}

/// The IANA registry of HTTP methods, and PURGE of caches.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "PUT",
    "HEAD",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "QUERY",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "SEARCH",
    "REPORT",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "LABEL",
    "LINK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "ORDERPATCH",
    "REBIND",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "PURGE",
];

fn may_start(bytes: &[u8], text: &[u8]) -> bool {
    let len = bytes.len().min(text.len());
    bytes.get(..len) == text.get(..len)
}

/// "HTTP/1." DIGIT SP 3DIGIT, and then a blank or the end of the line.
fn status_line(bytes: &[u8]) -> Line {
    const PATTERN: &[u8; 12] = b"HTTP/1.d ddd";
    for (at, (have, want)) in bytes.iter().zip(PATTERN).enumerate() {
        let fits = match want {
            b'd' if at == 9 => (b'1'..=b'9').contains(have),
            b'd' => have.is_ascii_digit(),
            want => have == want,
        };
        if !fits {
            return Line::Nothing;
        }
    }
    match bytes.get(PATTERN.len()) {
        None => Line::Undecided,
        Some(b' ' | b'\r' | b'\n') => match memchr::memchr(b'\n', bytes) {
            Some(_) => Line::Start(Kind::Response),
            None => Line::Undecided,
        },
        Some(_) => Line::Nothing,
    }
}

/// A method, a blank, a target, and "HTTP/1." DIGIT at the end of the line.
fn request_line(bytes: &[u8]) -> Line {
    let method = bytes
        .iter()
        .take(LONGEST_METHOD + 1)
        .take_while(|byte| byte.is_ascii_uppercase() || **byte == b'-')
        .count();
    if method > LONGEST_METHOD {
        return Line::Nothing;
    }
    match bytes.get(method) {
        None => return Line::Undecided,
        Some(b' ') if method >= 2 => {}
        Some(_) => return Line::Nothing,
    }
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        let control = |byte: &u8| *byte < b' ' && *byte != b'\r';
        // A target has no control characters: text of other protocols is told apart early.
        return match bytes.iter().any(control) {
            true => Line::Nothing,
            false => Line::Undecided,
        };
    };
    let line = bytes.get(..end).unwrap_or_default().trim_ascii_end();
    if line == b"PRI * HTTP/2.0" {
        return Line::Preface;
    }
    let (before, version) = line.split_at(line.len().saturating_sub(9));
    let valid = before.len() > method
        && matches!(
            version,
            [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9']
        );
    match valid {
        true => Line::Start(Kind::Request),
        false => Line::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_was_cut_is_made_whole() {
        for (line, missing) in [
            ("GET /a HTT", Some("P/1.1")),
            ("GET /a HTTP/1.1", Some("")),
            ("GET /a ", Some("HTTP/1.1")),
            ("GET /a", None),
            ("GET ", None),
            ("GET  HTTP/1.1", None),
            ("GOT /a HTTP", None),
            ("GET /a b", None),
        ] {
            let missing = missing.map(str::as_bytes);
            assert_eq!(cut_version(line.as_bytes()), missing, "{line:?}");
        }
    }

    #[test]
    fn first_lines_are_told_apart() {
        for (text, line) in [
            ("GET / HTTP/1.1\r\n", Line::Start(Kind::Request)),
            ("M-SEARCH * HTTP/1.1\n", Line::Start(Kind::Request)),
            ("GET /", Line::Undecided),
            ("G", Line::Undecided),
            ("H", Line::Undecided),
            ("HEAD / HTTP/1.0\r\n", Line::Start(Kind::Request)),
            ("GET /\r\n", Line::Nothing),
            ("GET HTTP/1.1\r\n", Line::Nothing),
            ("get / HTTP/1.1\r\n", Line::Nothing),
            ("EHLO example.org\r\n", Line::Nothing),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Line::Preface),
            ("HTTP/1.1 200 OK\r\n", Line::Start(Kind::Response)),
            ("HTTP/1.1 200\r\n", Line::Start(Kind::Response)),
            ("HTTP/1.1 2000\r\n", Line::Nothing),
            ("HTTP/1.1 099 No\r\n", Line::Nothing),
            ("HTTP/1.1 200", Line::Undecided),
            ("HTTP/2 200\r\n", Line::Nothing),
            ("", Line::Undecided),
        ] {
            assert_eq!(recognise(text.as_bytes()), line, "{text:?}");
        }
    }
}
