//! The head of a request.

use std::sync::Arc;

use httparse::{Header, Request as Parsed};

use super::body::Body;
use super::fields::{self, Framing};
use super::{Messages, Method, Missing};
use crate::credential::{Echo, Places};
use crate::exchange::{MAX_PATH, RequestHead, Target};
use crate::time::Timestamp;

/// The longest method kept.
const MAX_METHOD: usize = 32;
/// The longest authority kept: a domain name has at most 253 bytes, and a port.
const MAX_HOST: usize = 255;

/// When and where a head was.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

/// What a request's head says: all of it depends on its bytes alone.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) head: Arc<RequestHead>,
    pub(super) method: Method,
    pub(super) waits_for_continue: bool,
    /// The body is a form.
    pub(super) has_form: bool,
    /// `None`: nobody can tell.
    pub(super) body: Option<Body>,
}

/// Reads a head. `None` when it is none.
pub(super) fn read(bytes: &[u8], missing: Missing, messages: &mut impl Messages) -> Option<Read> {
    let changed = fields::readable(bytes, missing);
    let readable = changed.as_ref().map_or(bytes, |changed| changed);
    read_as(readable, bytes, missing, messages).or_else(|| {
        // What a server refuses is a request all the same.
        let plain = fields::plain_target(readable)?;
        read_as(&plain, bytes, missing, messages)
    })
}

/// Reads `readable` as the head that was sent as `bytes`.
fn read_as(
    readable: &[u8],
    bytes: &[u8],
    missing: Missing,
    messages: &mut impl Messages,
) -> Option<Read> {
    let mut slots = fields::slots();
    let mut parsed = Parsed::new(&mut []);
    let result =
        fields::lenient().parse_request_with_uninit_headers(&mut parsed, readable, &mut slots);
    if !fields::is_whole(&result) {
        return None;
    }
    let method = parsed.method?;
    let target = parsed.path?;
    let mut facts = Facts::default();
    parsed.headers.iter().for_each(|field| facts.add(field));
    let in_target = memchr::memchr(b'\n', bytes).is_none();
    let cut = !missing.is_nothing() && (in_target || fields::cut_in_value(bytes));
    let is_there = |field: &Header<'_>| field.name.eq_ignore_ascii_case(AUTHORIZATION);
    let unread = match parsed.headers.iter().any(is_there) {
        true => None,
        false => unread_authorization(readable),
    };
    let carried = messages.inspect(Places {
        target,
        fields: parsed.headers,
        authorization: unread,
        cut,
    });
    let (authority, path) = split_target(target);
    let host = authority.map_or(facts.host, |authority| Some(authority.as_bytes()));
    // User information before it would be a secret.
    let host = host.and_then(|host| host.rsplit(|byte| *byte == b'@').next());
    let target = Target {
        protocol: protocol(parsed.version),
        method: fields::text(method.as_bytes(), MAX_METHOD),
        path: fields::text(path.as_bytes(), MAX_PATH),
        host: host.map(|host| fields::text(host, MAX_HOST)),
    };
    let mut left_out = carried.left_out;
    if facts.has_form && facts.is_coded {
        left_out.add(&Echo::unseen());
    }
    Some(Read {
        head: Arc::new(RequestHead {
            target: messages.heads().target(target),
            head_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            longest_field: facts.longest,
            preflight: method == "OPTIONS" && facts.origin && facts.asks_method,
            credential: carried.judged,
            others: carried.others,
            left_out,
        }),
        method: match method {
            "HEAD" => Method::Head,
            "CONNECT" => Method::Connect,
            _ => Method::Other,
        },
        waits_for_continue: facts.waits_for_continue,
        has_form: facts.has_form && !facts.is_coded,
        body: facts.framing.body(Body::Length(0)),
    })
}

/// The value of the first line that was meant to be an Authorization field, by its start: a control
/// character in the value or a blank before the colon makes the parser leave it out, and a request
/// that has one must not be said to have none.
fn unread_authorization(head: &[u8]) -> Option<&[u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (name, rest) = line.split_at_checked(AUTHORIZATION.len())?;
        let is_name = name.eq_ignore_ascii_case(AUTHORIZATION.as_bytes());
        let value = rest.trim_ascii().strip_prefix(b":").filter(|_| is_name)?;
        Some(value.trim_ascii())
    })
}

/// The name of the field, RFC 9110 section 11.6.2.
const AUTHORIZATION: &str = "authorization";

/// The version as its protocol's name.
pub(super) const fn protocol(version: Option<u8>) -> &'static str {
    match version {
        Some(0) => "http/1.0",
        _ => "http/1.1",
    }
}

#[derive(Default)]
struct Facts<'a> {
    framing: Framing,
    host: Option<&'a [u8]>,
    longest: u32,
    origin: bool,
    asks_method: bool,
    waits_for_continue: bool,
    has_form: bool,
    is_coded: bool,
}

impl<'a> Facts<'a> {
    fn add(&mut self, field: &Header<'a>) {
        let len = u32::try_from(field.name.len() + field.value.len()).unwrap_or(u32::MAX);
        self.longest = self.longest.max(len);
        self.framing.add(field);
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("host") {
            self.host = self.host.or(Some(field.value));
        } else if is("origin") {
            self.origin = true;
        } else if is("access-control-request-method") {
            self.asks_method = true;
        } else if is("content-type") {
            self.has_form = is_form(field.value);
        } else if is("content-encoding") {
            self.is_coded = true;
        } else if is("expect") {
            self.waits_for_continue = field.value.eq_ignore_ascii_case(b"100-continue");
        }
    }
}

/// Whether this is the media type of forms.
fn is_form(value: &[u8]) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(FORM)
}

/// The authority and the path of a request target, without query and fragment (RFC 9112 section 3.2).
fn split_target(target: &str) -> (Option<&str>, &str) {
    let (authority, rest) = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            // User information before the host would be a secret.
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            (Some(host), path)
        }
        _ => (None, target),
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    (authority, if path.is_empty() { "/" } else { path })
}

#[cfg(test)]
mod tests {
    use super::{split_target, unread_authorization};

    #[test]
    fn a_field_that_the_parser_leaves_out_is_there_all_the_same() {
        for (head, value) in [
            (
                "GET / HTTP/1.1\r\nAuthorization: Bearer a\u{1}b\r\n\r\n",
                Some("Bearer a\u{1}b"),
            ),
            (
                "GET / HTTP/1.1\r\nAuthorization : Bearer a\r\n\r\n",
                Some("Bearer a"),
            ),
            ("GET / HTTP/1.1\r\nX-Authorization: a\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nAuthorizations: a\r\n\r\n", None),
        ] {
            assert_eq!(
                unread_authorization(head.as_bytes()),
                value.map(str::as_bytes)
            );
        }
    }

    #[test]
    fn a_target_gives_its_path_and_never_its_query() {
        for (target, authority, path) in [
            ("/a/b?token=x", None, "/a/b"),
            ("*", None, "*"),
            (
                "http://u:p@example.org:81/a#b",
                Some("example.org:81"),
                "/a",
            ),
            ("https://example.org?x", Some("example.org"), "/"),
            ("example.org:443", None, "example.org:443"),
            ("/login?next=http://a/b", None, "/login"),
            ("/?", None, "/"),
        ] {
            assert_eq!(split_target(target), (authority, path), "{target}");
        }
    }
}
