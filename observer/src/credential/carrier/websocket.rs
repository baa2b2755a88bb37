//! Tokens among the subprotocols of a WebSocket handshake (RFC 6455 section 11.3.4): a browser can set
//! no other field there.

use base64::prelude::*;
use zeroize::Zeroizing;

use super::{Carrier, Form, Found, Purpose, Value};
use crate::credential::jwt;

/// What Kubernetes puts before a token in base64url.
const KUBERNETES: &[u8] = b"base64url.bearer.authorization.k8s.io.";
/// Subprotocols after which clients put a token that need not be a JWT.
const ANNOUNCING: &[&[u8]] = &[
    b"access_token",
    b"authorization",
    b"auth",
    b"bearer",
    b"jwt",
    b"token",
];

/// Gives the credentials in the value of a `Sec-WebSocket-Protocol` field.
pub(in crate::credential) fn subprotocols<'a>(value: &'a [u8], mut give: impl FnMut(Found<'a>)) {
    let mut is_announced = false;
    let mut elements = value.split(|byte| *byte == b',').peekable();
    while let Some(element) = elements.next() {
        let element = element.trim_ascii();
        let last = elements.peek().is_none();
        let token = match element.strip_prefix(KUBERNETES) {
            Some(encoded) => BASE64_URL_SAFE_NO_PAD
                .decode(encoded.trim_ascii_end())
                .ok()
                .map(|token| Value::Made(Zeroizing::new(token))),
            None if is_announced || jwt::is_one(element) => Some(Value::Sent(element)),
            None => None,
        };
        is_announced = ANNOUNCING
            .iter()
            .any(|word| element.eq_ignore_ascii_case(word));
        if let Some(value) = token.filter(|token| !token.bytes().is_empty()) {
            give(Found {
                carrier: Carrier::WebSocketProtocol,
                purpose: Purpose::WebSocket,
                form: Form::Token,
                value,
                last,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_protocols() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        let encoded = BASE64_URL_SAFE_NO_PAD.encode("opaque");
        for (value, tokens) in [
            (format!("graphql-ws, {jwt}"), vec![jwt]),
            ("access_token, abc, chat".to_owned(), vec!["abc"]),
            (
                format!("v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.{encoded}"),
                vec!["opaque"],
            ),
            ("graphql-ws, soap".to_owned(), vec![]),
            ("base64url.bearer.authorization.k8s.io.*".to_owned(), vec![]),
            (String::new(), vec![]),
            ("jwt".to_owned(), vec![]),
        ] {
            let mut found = Vec::new();
            subprotocols(value.as_bytes(), |one| {
                found.push(String::from_utf8(one.value.bytes().to_vec()).unwrap());
            });
            assert_eq!(found, tokens, "{value}");
        }
    }
}
