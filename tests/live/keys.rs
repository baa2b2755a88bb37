//! Keys that are fetched while the agent runs, and keys that go by.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey};
use observer_tests::mint::Signer;
use serde_json::{Value, json};

use crate::agent::{Agent, program, sum};
use crate::lab::{turn, wait_for};
use crate::seen::text;

const ISSUER: &str = "https://issuer.keys.test";

/// After its privileges are given up, the agent fetches the key set that it was told of, and proves with
/// it what the service says.
#[test]
fn keys_are_fetched_without_privileges_and_prove() {
    let _turn = turn();
    let service = start();
    let jwks = format!("{ISSUER}=http://{service}/jwks");
    let agent = Agent::start(&["--jwks", &jwks]);
    wait_for("key set", || {
        agent.page().contains(&format!(
            "observer_keys_fetches_total{{issuer=\"{ISSUER}\",result=\"fetched\"}} 1"
        ))
    });
    assert!(
        agent
            .page()
            .contains("observer_keys_known{issuer=\"https://issuer.keys.test\"} 13")
    );
    ask(service, "/orders?1", Some(&token("ec-1")));
    ask(service, "/orders?2", Some(&forged("ec-1")));
    ask(service, "/orders?3", Some(&token("ec-9")));
    let observed = agent.stop();
    let verdicts: Vec<(&str, &str)> = observed
        .of(service.port(), "server")
        .into_iter()
        .filter(|event| text(event, "/request/path") == "/orders")
        .map(|event| {
            let certainty = text(event, "/verdict/certainty");
            (text(event, "/credential/signature"), certainty)
        })
        .collect();
    // The service says of each that its signature is not valid.
    let expected = [
        ("valid", "conflict"),
        ("invalid", "proven"),
        ("key_not_found", "stated"),
    ];
    assert_eq!(verdicts, expected, "{}", observed.stderr);
}

/// A key set that a client fetches in the clear is evidence; the agent tells who fetched it.
#[test]
fn a_set_that_goes_by_is_learned_and_its_fetch_is_told() {
    goes_by("/jwks");
}

/// As most frameworks send it: head and body apart, and the body in pieces.
#[test]
fn a_set_that_goes_by_in_pieces_is_learned_too() {
    goes_by("/pieces/jwks");
}

fn goes_by(target: &str) {
    let _turn = turn();
    let service = start();
    let hint = format!("{ISSUER}=127.0.0.1:{}{target}", service.port());
    let agent = Agent::start(&["--keys-at", &hint]);
    ask(service, target, None);
    ask(service, "/orders", Some(&forged("ec-1")));
    let mut timeline = Value::Null;
    wait_for("timeline of the issuer", || {
        let output = Command::new(program())
            .args(["keys", "--json", "--from", &agent.address()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        timeline = serde_json::from_slice(&output.stdout).unwrap();
        let kids = timeline.pointer("/issuers/0/kids");
        kids.and_then(Value::as_array).is_some_and(|kids| {
            let refused = |kid: &Value| kid.get("refused").is_some();
            kids.iter().any(refused)
        })
    });
    let issuer = &timeline["issuers"][0];
    assert_eq!(issuer["issuer"], ISSUER, "{timeline:#}");
    let kids = issuer["kids"].as_array().unwrap();
    assert_eq!(kids.len(), 13, "{timeline:#}");
    for kid in kids {
        assert!(kid["in_set"].is_object(), "{timeline:#}");
    }
    let fetches = issuer["fetches"].as_array().unwrap();
    assert_eq!(fetches.len(), 1, "both ends are one fetch: {timeline:#}");
    assert_eq!(fetches[0]["max_age"], 300, "{timeline:#}");
    assert_eq!(
        fetches[0]["client"]["pid"],
        std::process::id(),
        "{timeline:#}"
    );
    let observed = agent.stop();
    let events = observed.of(service.port(), "server");
    let refused = events
        .iter()
        .find(|event| text(event, "/request/path") == "/orders");
    let verdict = &refused.unwrap()["verdict"];
    assert_eq!(verdict["certainty"], "stated", "{verdict:#}");
    let evidence = verdict["evidence"].to_string();
    assert!(evidence.contains("not that of the key ec-1"), "{evidence}");
    assert!(evidence.contains("for which nobody vouches"), "{evidence}");
    assert_eq!(sum(&observed.metrics, "observer_keys_fetches_total"), 0.0);
}

/// A service that has a key set and refuses every token, each on a connection of its own.
fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let is_in_pieces = request.starts_with(b"GET /pieces/jwks ");
            let answer = if is_in_pieces || request.starts_with(b"GET /jwks ") {
                let body = set();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=300\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
            } else {
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\", \
                 error_description=\"The signature is invalid\"\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
                    .to_owned()
            };
            let end_of_head = answer.find("\r\n\r\n").unwrap() + 4;
            let (head, body) = answer.as_bytes().split_at(end_of_head);
            if is_in_pieces {
                stream.set_nodelay(true).unwrap();
                for (number, piece) in [head].into_iter().chain(body.chunks(3000)).enumerate() {
                    let _ = stream.write_all(piece);
                    // Now and then as long as a round trip, or a busy machine.
                    let pause = if number % 8 == 0 { 150 } else { 2 };
                    thread::sleep(Duration::from_millis(pause));
                }
            } else {
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    address
}

/// The key of the tests on P-256 behind so many others, with certificates, that the set is as large as
/// those of large issuers: 40 KiB and more.
fn set() -> String {
    let all = include_str!("../../observer/testdata/keys/jwks.json");
    let all: Value = serde_json::from_str(all).unwrap();
    let keys = all["keys"].as_array().unwrap();
    let named = |kid: &str| keys.iter().find(|key| key["kid"] == kid).unwrap().clone();
    let other = |number| {
        let mut key = named("rsa-1");
        key["kid"] = format!("other-{number}").into();
        key["x5c"] = json!(["MIIC".repeat(800)]);
        key
    };
    let keys: Vec<Value> = (0..12).map(other).chain([named("ec-1")]).collect();
    let set = json!({"keys": keys}).to_string();
    assert!((40_000..64_000).contains(&set.len()), "{}", set.len());
    set
}

fn token(kid: &str) -> String {
    let key = include_bytes!("../../observer/testdata/keys/p256.der");
    let signer = Signer::new(Some(kid), EncodingKey::from_ec_der(key), Algorithm::ES256);
    let claims = observer_tests::mint::claims(&json!({"iss": ISSUER}));
    signer.sign(&json!({}), &claims).unwrap()
}

/// The signature of other claims.
fn forged(kid: &str) -> String {
    let good = token(kid);
    let (_, signature) = good.rsplit_once('.').unwrap();
    let header = good.split('.').next().unwrap();
    let claims = observer_tests::mint::claims(&json!({"iss": ISSUER, "sub": "eve@lab.test"}));
    format!(
        "{header}.{}.{signature}",
        observer_tests::mint::part(&claims)
    )
}

fn ask(service: SocketAddr, target: &str, token: Option<&str>) {
    let mut stream = TcpStream::connect(service).unwrap();
    let token = token.map_or_else(String::new, |it| format!("Authorization: Bearer {it}\r\n"));
    let request = format!("GET {target} HTTP/1.1\r\nHost: {service}\r\n{token}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}
