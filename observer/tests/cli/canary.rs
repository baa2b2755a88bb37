//! A token's secret parts reach nothing that observer writes.

use super::*;

/// In the payload as a claim that is not on the list, in `sub`, and as the signature.
const CANARY: &str = "xqzCANARYzqx";

fn canary_token() -> String {
    token(
        &format!(r#"{{"iss":"i","exp":1699999688,"sub":"{CANARY}-sub","note":"{CANARY}"}}"#),
        CANARY.repeat(3).as_bytes(),
    )
}

/// Every text by which a part of the token could be known again: in clear, and each of its encoded
/// parts but the header, whole or in pieces of 16 characters.
fn traces(token: &str) -> Vec<String> {
    let mut traces = vec![CANARY.to_owned()];
    for part in token.split('.').skip(1) {
        let pieces = part.as_bytes().chunks_exact(16);
        traces.extend(pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()));
    }
    traces
}

fn assert_clean(what: &str, text: &str, token: &str) {
    for trace in traces(token) {
        assert!(!text.contains(&trace), "{trace} is in {what}:\n{text}");
    }
}

/// The token where it belongs, and everywhere else that it may turn up.
fn hostile_capture(token: &str) -> Vec<u8> {
    let (head, tail) = token.split_at(token.len() - 20);
    let talks = [
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: {token}\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Token \"{token}\"\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {head}\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {head} {tail}\r\n\r\n"),
        format!("GET /a/{token}/b?access_token={token} HTTP/1.1\r\nHost: h\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: {token}\r\n\r\n"),
        format!("GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}"),
        format!("GET /a HTTP/1.1 {token}\r\nAuthorization: Bearer {token}\r\n\r\n"),
    ];
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\n\
         WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"bad {token}\"\r\n\
         Location: /login?token={token}\r\nContent-Length: {}\r\n\r\ntoken {token} is bad",
        "token  is bad".len() + token.len()
    );
    let talks = talks.iter().enumerate().map(|(number, request)| {
        let client = format!("10.0.0.9:{}", 41_000 + number);
        let mut talk = Conversation::new(&client, "10.0.0.1:8080");
        talk.handshake().client(request).server(&answer).close();
        talk
    });
    Capture::of(talks).pcap()
}

#[test]
fn replay_never_tells_a_token() {
    let desk = Desk::new();
    let token = canary_token();
    let capture = desk.file("a.pcap", hostile_capture(&token));
    let events = text(&desk.path("events"));
    let metrics = text(&desk.path("metrics"));
    for log in [["--log", "trace"], ["--log", "off"]] {
        let fixed = [
            "replay",
            "--events",
            &events,
            "--metrics",
            &metrics,
            &capture,
        ];
        let done = observer()
            .args(log)
            .args(fixed)
            .env("RUST_LOG", "trace")
            .output()
            .unwrap();
        let done = Done::from(done);
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.contains("401"), "{}", done.out);
        assert_clean("standard output", &done.out, &token);
        assert_clean("standard error", &done.err, &token);
        for path in [&events, &metrics] {
            let written = std::fs::read_to_string(path).unwrap();
            assert!(!written.is_empty());
            assert_clean(path, &written, &token);
        }
    }
}

/// What `explain` says to `input` on its standard input.
fn explain(input: &str, arguments: &[&str]) -> Done {
    let mut child = observer()
        .arg("explain")
        .args(arguments)
        .env("RUST_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments, and leave, before it reads.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    child.wait_with_output().unwrap().into()
}

#[test]
fn explain_never_tells_a_token() {
    let token = canary_token();
    let (head, tail) = token.split_at(token.len() - 20);
    for input in [
        token.clone(),
        format!("Authorization: Bearer {token}\n"),
        format!("Bearer \"{token}\""),
        format!("Bearer {head} {tail}"),
        head.to_owned(),
        token.replace('.', ""),
        format!("{token}.{token}.x"),
    ] {
        for arguments in [&[][..], &["--json"], &["--aud", "a"]] {
            let done = explain(&input, arguments);
            assert_eq!(done.code, 1, "something is wrong with it: {}", done.err);
            assert_clean("standard output", &done.out, &token);
            assert_clean("standard error", &done.err, &token);
        }
    }
}

#[test]
fn a_token_as_an_argument_is_refused_and_not_repeated() {
    let token = canary_token();
    for arguments in [
        ["explain", &token],
        ["replay", &token],
        [&token, "explain"],
        ["run", &token],
    ] {
        let done = run(arguments);
        assert_ne!(done.code, 0);
        assert_clean("standard output", &done.out, &token);
        assert_clean("standard error", &done.err, &token);
    }
}
