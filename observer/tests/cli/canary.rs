//! A token's secret parts reach nothing that observer writes.

use base64::prelude::*;

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
    let talks = talks.into_iter().map(|request| (request, token.to_owned()));
    let talks: Vec<_> = talks.chain(carried(token)).collect();
    let answer = |token: &str| {
        format!(
            "HTTP/1.1 401 Unauthorized\r\n\
         WWW-Authenticate: Bearer error=\"invalid_token\", error_description=\"bad {token}\"\r\n\
         Location: /login?token={token}\r\nContent-Length: {}\r\n\r\ntoken {token} is bad",
            "token  is bad".len() + token.len()
        )
    };
    let talks = talks.iter().enumerate().map(|(number, (request, secret))| {
        let client = format!("10.0.0.9:{}", 41_000 + number);
        let mut talk = Conversation::new(&client, "10.0.0.1:8080");
        talk.handshake()
            .client(request)
            .server(answer(secret))
            .close();
        talk
    });
    Capture::of(talks.chain(issued(token))).pcap()
}

/// A request for each carrier, with the token and with a secret that is a word, and what its answer repeats:
/// a word is only known for a secret where secrets are.
fn carried(token: &str) -> Vec<(String, String)> {
    let mut requests = Vec::new();
    for secret in [token, CANARY] {
        let pair = BASE64_STANDARD.encode(format!("user:{secret}"));
        let (head, tail) = secret.split_at(secret.len() / 2);
        let kubernetes = BASE64_URL_SAFE_NO_PAD.encode(secret);
        let fields = [
            format!("Authorization: Basic {pair}"),
            format!("Proxy-Authorization: Basic {pair}"),
            format!("Cookie: access_token_cookie={secret}"),
            format!("Cookie: _oauth2_proxy_0={head}; _oauth2_proxy_1={tail}"),
            format!("Sec-WebSocket-Protocol: access_token, {secret}"),
            format!("Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{kubernetes}"),
        ];
        let named = NAMED.iter().flat_map(|name| {
            let bare = format!("{name}: {secret}");
            [bare, format!("{name}: Bearer {secret}")]
        });
        for field in fields.into_iter().chain(named) {
            requests.push((with(&field), secret.to_owned()));
        }
        for name in ["access_token", "jwt", "token", "id_token_hint"] {
            let head = format!("GET /a?{name}={secret} HTTP/1.1\r\nHost: h\r\n\r\n");
            requests.push((head, secret.to_owned()));
        }
        for field in [
            format!("Cookie: a=b; unknown={secret}"),
            format!("X-Nobody-Knows-This: {secret}"),
            format!("Sec-WebSocket-Protocol: chat, {secret}"),
        ] {
            requests.push((with(&field), token.to_owned()));
        }
        let head = format!("GET /a?unknown={secret} HTTP/1.1\r\nHost: h\r\n\r\n");
        requests.push((head, token.to_owned()));
        for name in FORM {
            for (path, grant) in [
                ("/token", "grant_type=x&"),
                ("/revoke", "token=x&"),
                ("/login", ""),
            ] {
                let form = format!("{grant}a=b&{name}={secret}");
                // Where no grant is asked for, these are no tokens.
                let is_token = !grant.is_empty() || SECRETS.contains(name);
                let echoed = if is_token { secret } else { token };
                requests.push((post(path, &form), echoed.to_owned()));
            }
        }
    }
    requests
}

fn with(field: &str) -> String {
    format!("GET /a HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n")
}

/// Authorization servers that give out the token and a secret that is a word.
fn issued(token: &str) -> Vec<Conversation> {
    let talk = |(number, secret): (u16, &str)| {
        let body = format!(
            r#"{{"access_token":"{secret}","error":"x","refresh_token":"{secret}","id_token":"{secret}"}}"#
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut talk = Conversation::new(&format!("10.0.0.9:{number}"), "10.0.0.1:8080");
        let request = post("/token", "grant_type=client_credentials&client_id=web");
        talk.handshake().client(&request).server(&answer).close();
        talk
    };
    [(40_001, token), (40_002, CANARY)].map(talk).into()
}

fn post(path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

/// Members of forms that are secrets.
const FORM: &[&str] = &[
    "access_token",
    "refresh_token",
    "client_secret",
    "code",
    "assertion",
    "client_assertion",
    "subject_token",
    "token",
    "password",
    "code_verifier",
    "device_code",
];

/// Those that are secrets in any form.
const SECRETS: &[&str] = &["access_token", "client_secret", "password", "code_verifier"];

/// Fields that carry a token by their name.
const NAMED: &[&str] = &[
    "DPoP",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-Access-Token",
    "X-Access-Token",
    "X-ID-Token",
    "x-goog-iap-jwt-assertion",
    "Cf-Access-Jwt-Assertion",
    "x-amzn-oidc-data",
    "x-amzn-oidc-accesstoken",
    "X-MS-TOKEN-AAD-REFRESH-TOKEN",
    "X-Serverless-Authorization",
    "apikey",
    "X-Vault-Token",
    "PRIVATE-TOKEN",
    "JOB-TOKEN",
    "X-Amz-Security-Token",
];

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
        // They were there to be seen.
        let written = std::fs::read_to_string(&events).unwrap();
        let named = NAMED
            .iter()
            .map(|name| format!("field:{}", name.to_lowercase()));
        let others = [
            "authorization",
            "proxy-authorization",
            "cookie:access_token_cookie",
            "cookie:_oauth2_proxy",
            "cookie:unknown",
            "websocket-protocol",
            "query:access_token",
            "query:unknown",
            "form:access_token",
        ];
        for carrier in named.chain(others.map(str::to_owned)) {
            let carrier = format!("\"carrier\":\"{carrier}\"");
            assert!(written.contains(&carrier), "{carrier}");
        }
        for part in [
            r#""grant":{"action":"issue""#,
            r#""action":"revoke""#,
            r#"{"role":"subject_token","kind":"jwt""#,
            r#"{"role":"device_code","kind":"opaque""#,
            r#""issued":[{"role":"access_token","kind":"jwt""#,
        ] {
            assert!(written.contains(part), "{part}");
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
