//! What the two ends say in these tests.

use jsonwebtoken::{EncodingKey, Header, encode};
use observer_tests::capture::{Conversation, Framing};
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

/// A request with a token of some 250 bytes.
pub(crate) fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: orders.example\r\nAuthorization: Bearer {}\r\nAccept: */*\r\n\r\n",
        token()
    )
}

/// An answer with a body of known length.
pub(crate) fn answer(status: u64, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Reason\r\nServer: test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn token() -> String {
    let claims = json!({
        "iss": "https://issuer.example",
        "aud": "orders",
        "sub": "somebody",
        "exp": 1_700_003_600,
        "scope": "orders:read orders:write",
    });
    let key = EncodingKey::from_secret(b"a key that these tests alone know");
    encode(&Header::default(), &claims, &key).unwrap()
}
