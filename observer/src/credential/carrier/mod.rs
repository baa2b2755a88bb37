//! Where credentials travel besides the `Authorization` field, and which of several counts.
//!
//! docs/carriers.md has the table for users, and a test holds it against the one here.

mod cookies;
mod custom;
mod fields;
mod query;
mod websocket;

use std::borrow::Cow;
use std::fmt;

use zeroize::Zeroizing;

pub use custom::{CarrierError, Carriers};

pub(super) use cookies::cookies;
pub(super) use fields::of_field;
pub(super) use query::query;
pub(super) use websocket::subprotocols;

/// Where a credential travelled. Its text is that of events: `authorization`, `cookie:jwt`,
/// `field:x-access-token`, `query:access_token`, `websocket-protocol`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Carrier {
    /// The `Authorization` field, RFC 9110 section 11.6.2.
    Authorization,
    /// A cookie of this name; of one that was split over several, the name that they share.
    Cookie(Name),
    /// Another field, by its name in lower case.
    Field(Name),
    /// A member of a form in the body of the request, RFC 6750 section 2.2.
    Form(Name),
    /// The `Proxy-Authorization` field, RFC 9110 section 11.7.2: it is for a proxy on the way.
    ProxyAuthorization,
    /// A parameter of the query, RFC 6750 section 2.3.
    Query(Name),
    /// An element of `Sec-WebSocket-Protocol`.
    WebSocketProtocol,
}

/// The name of a field, a cookie or a parameter: text from the wire that was capped and escaped.
pub type Name = Cow<'static, str>;

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization => f.write_str("authorization"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Field(name) => write!(f, "field:{name}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::ProxyAuthorization => f.write_str("proxy-authorization"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::WebSocketProtocol => f.write_str("websocket-protocol"),
        }
    }
}

impl Carrier {
    /// What a credential that travelled here is there for.
    pub(super) fn purpose(&self) -> Purpose {
        match self {
            Self::Authorization => Purpose::Authorization,
            Self::Cookie(name) => cookies::purpose(name),
            Self::Field(name) => fields::purpose(name),
            Self::Form(name) if name == "access_token" => Purpose::Form,
            Self::Form(_) => Purpose::Secondary,
            Self::ProxyAuthorization => Purpose::Proxy,
            Self::Query(name) => query::purpose(name),
            Self::WebSocketProtocol => Purpose::WebSocket,
        }
    }

    /// As the end of "the token was in".
    pub fn clause(&self) -> String {
        match self {
            Self::Authorization => "the Authorization field".to_owned(),
            Self::Cookie(name) => format!("the cookie {name}"),
            Self::Field(name) => format!("the field {name}"),
            Self::Form(name) => format!("the form's {name}"),
            Self::ProxyAuthorization => "the Proxy-Authorization field".to_owned(),
            Self::Query(name) => format!("the parameter {name} of the query"),
            Self::WebSocketProtocol => "the Sec-WebSocket-Protocol field".to_owned(),
        }
    }
}

/// What a credential is there for. Of several the lowest is the one that is judged.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Purpose {
    /// What a service looks at first: `Authorization`.
    Authorization,
    /// An access token in a field of its own, from a client or from a proxy that checked it.
    Access,
    /// A JWT in a field that is not known to carry one.
    Shape,
    /// An access token in `Sec-WebSocket-Protocol`.
    WebSocket,
    /// An access token in a form.
    Form,
    /// A token or a session in a cookie, which a browser sends wherever it goes.
    Cookie,
    /// An access token in the query.
    Query,
    /// Part of another credential, or a token that is not for this: a session's secret beside a
    /// signature, an ID token, a refresh token.
    Secondary,
    /// For a proxy on the way.
    Proxy,
    /// Nobody is let in by it alone: a DPoP proof (RFC 9449), an `id_token_hint`.
    Beside,
}

/// A value that carries a credential.
pub(super) struct Found<'a> {
    pub(super) carrier: Carrier,
    pub(super) purpose: Purpose,
    pub(super) form: Form,
    pub(super) value: Value<'a>,
    /// It is the last of its place, so that what cuts the place cuts it.
    pub(super) last: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Form {
    /// A scheme and a token, as in `Authorization`.
    Scheme,
    /// A token. A scheme may stand before it.
    Token,
}

/// Bytes of a request, or such that were put together or decoded from them.
pub(super) enum Value<'a> {
    Sent(&'a [u8]),
    Made(Zeroizing<Vec<u8>>),
}

impl Value<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Sent(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

/// The value without percent-encoding.
fn decoded(raw: &[u8]) -> Value<'_> {
    if memchr::memchr(b'%', raw).is_none() {
        return Value::Sent(raw);
    }
    Value::Made(percent_decoded(raw, false))
}

/// `raw` with its percent-encoding undone; `plus`: a plus sign is a blank, as in forms. What is no
/// percent-encoding stays.
pub(super) fn percent_decoded(raw: &[u8], plus: bool) -> Zeroizing<Vec<u8>> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut out = Zeroizing::new(Vec::with_capacity(raw.len()));
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let both = digit(raw.get(at + 1)).zip(digit(raw.get(at + 2)));
        match (byte, both) {
            (b'%', Some((high, low))) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            (b'+', _) if plus => {
                out.push(b' ');
                at += 1;
            }
            (other, _) => {
                out.push(*other);
                at += 1;
            }
        }
    }
    out
}

/// A name from the wire.
fn shown(name: &str) -> Name {
    /// The longest name of a carrier that is shown, in bytes.
    const MAX_NAME: usize = 64;
    Name::Owned(crate::redact::text(name, MAX_NAME))
}

/// What an empty value and words like `null` mean where no scheme stands before: that there is no token.
fn is_nothing(value: &[u8]) -> bool {
    let word = |word: &&[u8]| value.eq_ignore_ascii_case(word);
    value.is_empty()
        || [
            &b"null"[..],
            b"undefined",
            b"none",
            b"nil",
            b"false",
            b"\"\"",
        ]
        .iter()
        .any(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_once() {
        for (raw, plain) in [
            ("a%2Eb%2", "a.b%2"),
            ("%252E", "%2E"),
            ("%zz+", "%zz+"),
            ("", ""),
        ] {
            assert_eq!(
                percent_decoded(raw.as_bytes(), false).as_slice(),
                plain.as_bytes()
            );
        }
        assert_eq!(percent_decoded(b"a+b%2B", true).as_slice(), b"a b+");
    }

    #[test]
    fn a_carrier_has_one_text() {
        for (carrier, text) in [
            (Carrier::Authorization, "authorization"),
            (Carrier::ProxyAuthorization, "proxy-authorization"),
            (Carrier::Cookie("jwt".into()), "cookie:jwt"),
            (
                Carrier::Field("x-access-token".into()),
                "field:x-access-token",
            ),
            (Carrier::Form("access_token".into()), "form:access_token"),
            (Carrier::Query("access_token".into()), "query:access_token"),
            (Carrier::WebSocketProtocol, "websocket-protocol"),
        ] {
            assert_eq!(carrier.to_string(), text);
        }
    }
}
