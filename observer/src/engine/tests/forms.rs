//! Forms, and the endpoints of authorization servers.

use super::wire::{CLIENT, Packet, SERVER, Wire, run};
use crate::engine::Output;
use crate::exchange::Exchange;
use crate::oauth::{Action, MAX_FORM, Role};

fn exchanges(packets: &[Packet]) -> Vec<Exchange> {
    let (output, _) = run(packets, 1, usize::MAX);
    let exchange = |output| match output {
        Output::Exchange(exchange) => Some(exchange),
        Output::Tls(_) => None,
    };
    output.into_iter().filter_map(exchange).collect()
}

fn post(path: &str, form: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

fn json(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const REFRESH: &str = "grant_type=refresh_token&refresh_token=first-secret&client_id=web";

#[test]
fn issuing_use_and_refresh_are_linked_by_fingerprints() {
    let long = "x".repeat(3000);
    let issued = format!(
        r#"{{"access_token":"access-1-{long}","expires_in":60,"refresh_token":"second-secret"}}"#
    );
    let mut wire = Wire::open();
    wire.client(post(
        "/token",
        "grant_type=password&username=jo&password=pw123456",
    ))
    .server(json(200, r#"{"refresh_token":"first-secret"}"#))
    .client(post("/token", REFRESH));
    // The answer comes in pieces.
    let answer = json(200, &issued);
    let (start, end) = answer.split_at(700);
    wire.server(start).server(end);
    wire.client(format!(
        "GET /a HTTP/1.1\r\nAuthorization: Bearer access-1-{long}\r\n\r\n"
    ))
    .server("HTTP/1.1 204 No Content\r\n\r\n")
    .client(post(
        "/token",
        "grant_type=refresh_token&refresh_token=second-secret",
    ))
    .server(json(400, r#"{"error":"invalid_grant"}"#))
    .fin(CLIENT)
    .fin(SERVER);
    let exchanges = exchanges(&wire.packets);
    let [login, refresh, used, refused] = exchanges.as_slice() else {
        panic!("{} exchanges", exchanges.len())
    };
    let grant = |exchange: &Exchange| exchange.grant.clone().unwrap();
    let (login, renewed, refused) = (grant(login), grant(refresh), grant(refused));
    assert_eq!(login.action, Action::Issue);
    assert_eq!(renewed.client.as_deref(), Some("web"));
    let first = login.issued(Role::RefreshToken).unwrap();
    assert_eq!(renewed.presented(Role::RefreshToken), Some(first));
    let credential = used.request.as_ref().unwrap().credential.clone().unwrap();
    assert_eq!(renewed.issued(Role::AccessToken), credential.fingerprint);
    assert_eq!(renewed.expires_in, Some(60));
    let second = renewed.issued(Role::RefreshToken);
    assert_eq!(refused.presented(Role::RefreshToken), second);
    assert_eq!(refused.error.as_deref(), Some("invalid_grant"));
    assert!(!renewed.form_cut && !renewed.answer_cut);
    // What was given out goes no further.
    let excerpt = &refresh.response.as_ref().unwrap().excerpt;
    assert!(excerpt.bytes().is_empty());
}

#[test]
fn a_form_in_single_bytes_and_chunks_is_whole() {
    let chunked: String = REFRESH
        .split_inclusive('&')
        .map(|part| format!("{:x}\r\n{part}\r\n", part.len()))
        .collect();
    let chunked = format!(
        "POST /token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunked}0\r\n\r\n"
    );
    for request in [post("/token", REFRESH), chunked] {
        let mut wire = Wire::open();
        for byte in request.bytes() {
            wire.client([byte]);
        }
        wire.server(json(200, "{}")).fin(CLIENT).fin(SERVER);
        let exchanges = exchanges(&wire.packets);
        let grant = exchanges.first().unwrap().grant.clone().unwrap();
        assert!(!grant.form_cut);
        assert!(grant.presented(Role::RefreshToken).is_some());
    }
}

#[test]
fn a_form_is_bounded_and_what_follows_it_is_found() {
    let form = format!("{REFRESH}&junk={}", "j".repeat(2 * MAX_FORM));
    let mut wire = Wire::open();
    wire.client(post("/token", &form))
        .server(json(200, "{}"))
        .client(post("/b", "access_token=abc"))
        .server(json(401, "{}"))
        .fin(CLIENT)
        .fin(SERVER);
    let exchanges = exchanges(&wire.packets);
    let [first, second] = exchanges.as_slice() else {
        panic!("{} exchanges", exchanges.len())
    };
    let grant = first.grant.clone().unwrap();
    assert!(grant.form_cut && grant.is_refresh());
    let credential = second.request.as_ref().unwrap().credential.clone().unwrap();
    assert_eq!(credential.carrier.to_string(), "form:access_token");
}

#[test]
fn an_answer_before_the_form_and_a_form_without_an_end_do_no_harm() {
    let request = post("/token", REFRESH);
    let (start, end) = request.split_at(request.len() - 10);
    let mut wire = Wire::open();
    wire.client(start)
        .server(json(200, "{}"))
        .client(end)
        .client("GET /b HTTP/1.1\r\n\r\n")
        .server(json(200, "{}"))
        .client(start)
        .fin(CLIENT)
        .fin(SERVER);
    let told: Vec<String> = exchanges(&wire.packets)
        .iter()
        .map(|exchange| {
            exchange
                .request
                .as_ref()
                .map_or_else(String::new, |one| one.path.clone())
        })
        .collect();
    assert_eq!(told, ["/token", "/b", "/token"]);
}

/// An answer may repeat what a form had: one that was not seen whole makes it unfit to be quoted.
#[test]
fn a_form_that_was_not_seen_whole_is_said_to_be_unseen() {
    let whole = post("/login", "user=jo&password=correct-horse");
    let (head, _) = whole.split_at(whole.len() - 30);
    let (start, _) = whole.split_at(whole.len() - 3);
    let long = post("/login", &format!("user={}", "j".repeat(2 * MAX_FORM)));
    for (request, is_unseen) in [
        (whole.as_str(), false),
        (post("/login", "").as_str(), false),
        ("GET /a HTTP/1.1\r\n\r\n", false),
        (head, true),
        (start, true),
        (long.as_str(), true),
    ] {
        let mut wire = Wire::open();
        wire.client(request)
            .server(json(401, "{}"))
            .fin(CLIENT)
            .fin(SERVER);
        let exchanges = exchanges(&wire.packets);
        let [exchange] = exchanges.as_slice() else {
            panic!("{} exchanges", exchanges.len())
        };
        assert_eq!(exchange.secrets.is_unseen(), is_unseen, "{request}");
    }
}

#[test]
fn other_bodies_are_not_looked_at() {
    let request = post("/token", REFRESH).replace("x-www-form-urlencoded", "octet-stream");
    let mut wire = Wire::open();
    wire.client(request).server(json(200, "{}")).fin(CLIENT);
    assert!(
        exchanges(&wire.packets)
            .iter()
            .all(|exchange| exchange.grant.is_none())
    );
}
