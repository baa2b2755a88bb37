//! Credentials in other places than Authorization, and what passes at a token endpoint, by the kernel's
//! own probes.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::time::Duration;

use crate::agent::{Agent, Observed};
use crate::lab::turn;
use crate::seen::text;

/// Makes an access token as long as a JWT of some issuers.
static LONG: LazyLock<String> = LazyLock::new(|| "-and-more".repeat(200));

/// A secret that no shape gives away.
const SECRET: &str = "canary-hidden-words";

#[test]
fn a_secret_is_seen_in_every_place_and_told_in_none() {
    let _turn = turn();
    let port = serve();
    let agent = Agent::start(&["--log", "trace", "--carrier", "query:mine"]);
    let fields = [
        (
            "proxy-authorization",
            format!("Proxy-Authorization: Bearer {SECRET}"),
        ),
        (
            "field:x-forwarded-access-token",
            format!("X-Forwarded-Access-Token: {SECRET}"),
        ),
        ("field:x-vault-token", format!("X-Vault-Token: {SECRET}")),
        ("field:dpop", format!("DPoP: {SECRET}")),
        (
            "cookie:access_token_cookie",
            format!("Cookie: a=b; access_token_cookie={SECRET}"),
        ),
        (
            "websocket-protocol",
            format!("Sec-WebSocket-Protocol: access_token, {SECRET}"),
        ),
    ];
    let mut carriers = BTreeSet::from(["query:mine", "query:access_token", "form:access_token"]);
    for (carrier, field) in &fields {
        carriers.insert(carrier);
        ask(port, &get("/a", field));
    }
    ask(port, &get(&format!("/a?mine={SECRET}"), "A: b"));
    ask(port, &get(&format!("/a?access_token={SECRET}"), "A: b"));
    ask(port, &post("/a", &format!("access_token={SECRET}")));
    ask(port, &post("/a", &format!("user=jo&password={SECRET}")));
    ask_apart(port, &post("/a", &format!("user=jo&password={SECRET}")));
    ask(
        port,
        &post(
            "/token",
            &format!("grant_type=x&code={SECRET}&client_secret={SECRET}"),
        ),
    );
    let folder = agent.folder().to_owned();
    std::thread::sleep(Duration::from_millis(400));
    let page = agent.page();
    for file in fs::read_dir(&folder).unwrap() {
        let written = fs::read(file.unwrap().path()).unwrap();
        let written = String::from_utf8_lossy(&written).into_owned();
        assert!(!written.contains(SECRET), "{written}");
    }
    let observed = agent.stop();
    for written in [&page, &observed.stdout, &observed.stderr] {
        assert!(!written.contains(SECRET), "{written}");
    }
    for side in ["server", "client"] {
        let seen: BTreeSet<&str> = observed
            .of(port, side)
            .iter()
            .flat_map(|event| {
                let others = event["other_credentials"].as_array();
                let others = others.into_iter().flatten();
                others
                    .map(|other| text(other, "/carrier"))
                    .chain([text(event, "/credential/carrier")])
            })
            .filter(|carrier| !carrier.is_empty())
            .collect();
        assert_eq!(seen, carriers, "from the {side}");
    }
}

#[test]
fn a_refresh_is_linked_with_what_it_replaces_and_with_the_first_use() {
    let _turn = turn();
    let port = serve();
    let agent = Agent::start(&[]);
    ask_apart(
        port,
        &post(
            "/token",
            "grant_type=authorization_code&code=code-1&client_id=web",
        ),
    );
    ask_apart(
        port,
        &post(
            "/token",
            "grant_type=refresh_token&refresh_token=refresh-1&client_id=web",
        ),
    );
    ask(
        port,
        &get("/a", &format!("Authorization: Bearer access-2{}", *LONG)),
    );
    std::thread::sleep(Duration::from_millis(400));
    let observed = agent.stop();
    for side in ["server", "client"] {
        let events = observed.of(port, side);
        let [login, refresh, used] = events.as_slice() else {
            panic!("{} events from the {side}", events.len())
        };
        let issued = |number: usize| format!("/grant/issued/{number}/fingerprint");
        assert_eq!(
            text(login, &issued(1)),
            text(refresh, "/grant/presented/0/fingerprint"),
            "{login}"
        );
        assert_eq!(
            text(refresh, &issued(0)),
            text(used, "/credential/fingerprint")
        );
        assert_eq!(text(refresh, "/grant/grant_type"), "refresh_token");
        assert_eq!(text(refresh, "/grant/client_id"), "web");
        assert_eq!(refresh["grant"]["expires_in"], 60);
        assert!(refresh["grant"]["cut"].is_null(), "{refresh}");
    }
    says_nothing(&observed);
}

fn says_nothing(observed: &Observed) {
    for secret in ["refresh-1", "refresh-2", "access-2", "code-1"] {
        assert!(!observed.stdout.contains(secret));
        let events = observed.events.iter();
        assert!(
            !events
                .map(ToString::to_string)
                .any(|event| event.contains(secret))
        );
    }
}

fn get(target: &str, field: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n")
}

fn post(path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// Asks on a connection of its own, in one segment, and reads the answer to its end.
fn ask(port: u16, request: &str) {
    ask_in(port, &[request]);
}

/// The same with the form in a segment of its own, as many clients send it.
fn ask_apart(port: u16, request: &str) {
    let (head, form) = request.split_at(request.find("\r\n\r\n").unwrap() + 4);
    ask_in(port, &[head, form]);
}

fn ask_in(port: u16, segments: &[&str]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    for segment in segments {
        stream.write_all(segment.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

/// A service that gives out tokens at `/token`, and elsewhere refuses with what it was sent.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            answer(stream.unwrap(), number + 1);
        }
    });
    port
}

fn answer(mut stream: TcpStream, number: usize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        let line = head[start..].to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form).unwrap();
    let (status, body) = if head.starts_with("POST /token ") {
        let body = format!(
            r#"{{"access_token":"access-{number}{}","expires_in":60,"refresh_token":"refresh-{number}"}}"#,
            *LONG
        );
        ("200 OK", body)
    } else {
        ("401 Unauthorized", format!("token expired: {SECRET}"))
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).unwrap();
}
