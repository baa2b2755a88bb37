//! Judges answers that were made to mislead: the first lines are the status, the challenge and a field
//! of a gateway, the rest is the body.

use std::net::{Ipv4Addr, SocketAddr};

use observer::credential::Echo;
use observer::exchange::{Capture, Connection, Excerpt, Exchange, Field, Response, Side};
use observer::packet::ConnectionKey;
use observer::time::Timestamp;
use observer::verdict::judge;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let status = line().trim().parse().unwrap_or(401);
    let (challenge, other, body) = (line(), line(), line());
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let time = Timestamp::from_seconds(1_800_000_000);
    let mut fields = vec![(Field::WwwAuthenticate, challenge), (Field::Other, other)];
    if let Some(coding) = body.split_whitespace().next() {
        fields.push((Field::ContentEncoding, coding.to_owned()));
    }
    let exchange = Exchange {
        connection: Connection {
            key: ConnectionKey::Socket(1),
            client: address,
            server: address,
            side: Side::Wire,
            unix: None,
        },
        number: 0,
        request: None,
        response: Some(Response {
            started: time,
            finished: time,
            seq: 0,
            status,
            fields: fields.into(),
            excerpt: Excerpt::new(body.into_bytes(), true),
        }),
        grant: None,
        secrets: Echo::default(),
        handled: None,
        capture: Capture::default(),
        completed: time,
    };
    let verdict = judge(&exchange, None);
    for sentence in verdict.evidence.iter().chain([&verdict.explanation]) {
        assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
        assert!(sentence.len() < 4096);
    }
}
