//! Conditions in captures: the same for any number of threads, with the times of the capture.

use std::time::Duration;

use observer_tests::mint::part;
use serde_json::{Value, json};

use super::*;

/// A token of some key, and of some number, that nobody here can check.
fn token(kid: &str, number: u32, expires: i64) -> String {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": kid});
    let claims = json!({
        "iss": "https://issuer.example", "aud": "orders", "jti": number, "exp": expires,
    });
    let signature = "A".repeat(342);
    format!("{}.{}.{signature}", part(&header), part(&claims))
}

/// At a second, a client asks with a token. The status, and what the server says of it.
fn talk(at: u64, port: u16, token: &str, said: Option<&str>) -> Conversation {
    between(
        &format!("10.0.0.9:{port}"),
        "10.0.0.1:8080",
        at,
        token,
        said,
    )
}

/// The same between two addresses.
fn between(client: &str, server: &str, at: u64, token: &str, said: Option<&str>) -> Conversation {
    let mut talk = Conversation::new(client, server);
    let answer = match said {
        None => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Some(said) => format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\n\
             Content-Length: {}\r\n\r\n{said}",
            said.len()
        ),
    };
    talk.wait(Duration::from_secs(at))
        .handshake()
        .client(format!(
            "GET /orders HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
        .server(answer)
        .close();
    talk
}

/// A service takes over a new key after five minutes; a client goes on with an expired token.
fn scene() -> Capture {
    const GOOD: i64 = 1_700_007_200;
    let unknown = Some("Jwks doesn't have key to match kid or alg from Jwt");
    let old = token("k0", 0, 1_700_000_000 - 900);
    let mut talks = Vec::new();
    for number in 0..40_u16 {
        let at = u64::from(number) * 10;
        let port = 40_000 + number * 4;
        let said = if at < 60 {
            None
        } else {
            unknown.filter(|_| at < 360)
        };
        let kid = if at < 60 { "k1" } else { "k2" };
        let new = token(kid, u32::from(number), GOOD);
        talks.push(talk(at, port, &new, said));
        if at > 60 {
            talks.push(talk(at, port + 1, &token("k1", 7, GOOD), None));
        }
        if at < 100 {
            talks.push(talk(at, port + 2, &old, Some("Jwt is expired")));
        }
    }
    Capture::of(talks)
}

/// An hour of two services and forty clients: tokens live for ten minutes and are renewed when they are
/// refused or a minute before; a key is published for ten minutes before it signs, and the old one is used
/// up; somebody asks without a token, somebody logs out, and one service starts again.
fn healthy_hour() -> Capture {
    const START: i64 = 1_700_000_000;
    const LIFE: i64 = 600;
    let mut talks = Vec::new();
    for client in 0..40_u16 {
        let address = |at: u64| format!("10.0.1.{}:{}", client + 1, 20_000 + at);
        let server = ["10.0.0.1:8080", "10.0.0.2:8080"][usize::from(client % 2)];
        let is_lazy = client % 4 == 0;
        let (mut expires, mut held) = (0, String::new());
        for at in (u64::from(client) % 20..3600).step_by(20) {
            let now = i64::try_from(at).unwrap();
            let kid = if at < 1800 { "k1" } else { "k2" };
            let renewed = || {
                token(
                    kid,
                    u32::from(client) * 4000 + at as u32,
                    START + now + LIFE,
                )
            };
            if !is_lazy && now + 60 >= expires || expires == 0 {
                (expires, held) = (now + LIFE, renewed());
            }
            if now >= expires {
                let said = Some("Jwt is expired");
                talks.push(between(&address(at + 1), server, at, &held, said));
                (expires, held) = (now + LIFE, renewed());
            }
            talks.push(between(&address(at), server, at + 1, &held, None));
            if client == 7 && at > 1200 && at < 1240 {
                let said = Some("Token has been revoked");
                talks.push(between(&address(at + 2), server, at + 2, &held, said));
                expires = 0;
            }
        }
    }
    for at in (0..3600).step_by(30) {
        let mut talk = Conversation::new(&format!("10.0.9.9:{}", 30_000 + at), "10.0.0.1:8080");
        talk.wait(Duration::from_secs(at))
            .handshake()
            .client("GET /.env HTTP/1.1\r\nHost: orders\r\n\r\n")
            .server("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n")
            .close();
        talks.push(talk);
    }
    Capture::of(talks)
}

#[test]
fn a_healthy_hour_has_none() {
    let told = conditions_of(&healthy_hour(), "2");
    assert!(told.is_empty(), "{told:?}");
    // The hour is whole, and not without refusals.
    let desk = Desk::new();
    let file = desk.file("a.pcap", healthy_hour().pcap());
    let done = run(["replay", "--events", "-", "--only", "rejected", &file]);
    let refused = done.out.lines().count();
    assert!(refused > 150, "{refused}");
}

fn conditions(threads: &str) -> Vec<Value> {
    conditions_of(&scene(), threads)
}

fn conditions_of(capture: &Capture, threads: &str) -> Vec<Value> {
    let desk = Desk::new();
    let file = desk.file("a.pcap", capture.pcap());
    let done = run([
        "replay",
        "--threads",
        threads,
        "--events",
        "-",
        "--only",
        "rejected",
        &file,
    ]);
    assert_eq!(done.code, 0, "{}", done.err);
    let events = done
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["schema"] == "observer.condition/1")
        .collect()
}

#[test]
fn conditions_are_the_same_for_any_number_of_threads() {
    let one = conditions("1");
    let told: Vec<_> = one
        .iter()
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            (text("condition"), text("state"), text("ending"))
        })
        .collect();
    let told: Vec<_> = told
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("stale_client_cache", "begun", ""),
            ("key_rotation_validator_stale", "begun", ""),
            ("key_rotation_validator_stale", "ended", "healed"),
            ("stale_client_cache", "ended", "aged_out"),
        ]
    );
    let rotation = &one[2];
    assert_eq!(rotation["since"], "2023-11-14T22:14:20.000600Z");
    assert_eq!(rotation["certainty"], "inferred");
    assert_eq!(
        (rotation["exchanges"].as_u64(), rotation["kid"].as_str()),
        (Some(30), Some("k2"))
    );
    let how = rotation["explanation"].as_str().unwrap();
    assert!(
        how.contains("the cache of Envoy jwt_authn (600 s by default)"),
        "{how}"
    );
    for threads in ["2", "3", "8"] {
        assert_eq!(conditions(threads), one, "{threads} threads");
    }
}

#[test]
fn conditions_are_told_on_the_terminal_and_in_the_metrics() {
    let desk = Desk::new();
    let file = desk.file("a.pcap", scene().pcap());
    let page = text(&desk.path("page"));
    let done = run([
        "replay",
        "--name",
        "10.0.0.1:8080=orders",
        "--metrics",
        &page,
        &file,
    ]);
    assert_eq!(done.code, 0, "{}", done.err);
    for part in [
        "orders  condition begun: key_rotation_validator_stale  The issuer signs with a new key",
        "refuted if it lasts longer than a day",
        "orders  condition ended: key_rotation_validator_stale",
        "2 conditions (inferred)",
        "healed",
    ] {
        assert!(done.out.contains(part), "{part} is not in\n{}", done.out);
    }
    let page = std::fs::read_to_string(page).unwrap();
    let count =
        r#"observer_conditions_total{condition="key_rotation_validator_stale",service="orders"} 1"#;
    assert!(page.contains(count), "{page}");
}
