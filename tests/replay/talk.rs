//! What the two ends say in these tests.

use jsonwebtoken::{EncodingKey, Header, encode};
use observer_tests::capture::{Conversation, Framing, START};
use serde_json::json;

/// Every framing, each with something of its own.
pub(crate) const FRAMINGS: [Framing; 7] = [
    Framing::Ethernet,
    Framing::Vlan(7),
    Framing::QinQ(8, 9),
    Framing::Cooked,
    Framing::Cooked2(3),
    Framing::RawIp,
    Framing::Loopback,
];

/// An opened connection.
pub(crate) fn connection() -> Conversation {
    let mut talk = Conversation::new("10.0.0.1:40000", "10.0.0.2:80");
    talk.handshake();
    talk
}

/// A request with a token of some 250 bytes that is good when captures are made.
pub(crate) fn get(path: &str) -> String {
    get_with(path, Some(&format!("Bearer {}", token(START + HOUR))))
}

/// A request with an Authorization field, or without one.
pub(crate) fn get_with(path: &str, authorization: Option<&str>) -> String {
    let field =
        authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    format!("GET {path} HTTP/1.1\r\nHost: orders.example\r\n{field}Accept: */*\r\n\r\n")
}

/// An answer with a body of known length.
pub(crate) fn answer(status: u64, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Reason\r\nServer: test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A signed JWT that expires at so many nanoseconds since the Unix epoch.
pub(crate) fn token(expires: i64) -> String {
    let claims = json!({
        "iss": "https://issuer.example",
        "aud": "orders",
        "sub": "somebody",
        "exp": expires / 1_000_000_000,
        "scope": "orders:read orders:write",
    });
    let key = EncodingKey::from_secret(b"a key that these tests alone know");
    encode(&Header::default(), &claims, &key).unwrap()
}

/// An hour in nanoseconds.
pub(crate) const HOUR: i64 = 3_600_000_000_000;
