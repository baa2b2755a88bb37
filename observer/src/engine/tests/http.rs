//! HTTP/1 on a wire.

use super::wire::{CLIENT, SERVER, Wire, run, tell};
use crate::engine::Output;
use crate::protocol::tls::tests::hello;

pub(super) const GET: &str = "GET /a?secret HTTP/1.1\r\nHost: h\r\n\r\n";
pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

pub(super) fn answer(status: u16, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn requests_of_a_connection_get_their_answers() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server(OK)
        .client(get("/b"))
        .server(answer(401, "no"));
    wire.client("POST /c HTTP/1.1\r\nContent-Length: 16\r\n\r\nGET / HTTP/1.1\r\n");
    wire.server("HTTP/1.1 204 No Content\r\n\r\n")
        .client(GET)
        .server(OK);
    wire.fin(CLIENT).fin(SERVER);
    assert_eq!(
        wire.told(),
        [
            "0 GET /a 200 \"ok\"",
            "1 GET /b 401 \"no\"",
            "2 POST /c 204",
            "3 GET /a 200 \"ok\""
        ]
    );
}

#[test]
fn heads_in_segments_of_one_byte_are_whole() {
    let mut wire = Wire::open();
    for (request, response) in [(GET.to_owned(), OK), (get("/b"), "HTTP/1.1 401 X\n\n")] {
        for byte in request.bytes() {
            wire.client([byte]);
        }
        for byte in response.bytes() {
            wire.server([byte]);
        }
    }
    wire.fin(SERVER).fin(CLIENT);
    assert_eq!(wire.told(), ["0 GET /a 200 …", "1 GET /b 401"]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut wire = Wire::open();
    wire.client([get("/1"), get("/2"), get("/3")].concat());
    wire.server([answer(200, ""), answer(403, "x"), answer(200, "")].concat());
    assert_eq!(
        wire.told(),
        ["0 GET /1 200", "1 GET /2 403 \"x\"", "2 GET /3 200"]
    );
}

#[test]
fn chunked_bodies_are_passed_over_and_undone() {
    let mut wire = Wire::open();
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    wire.client(format!(
        "POST /1 HTTP/1.1\r\n{chunked}10\r\nGET / HTTP/1.1\r\n\r\n0\r\n\r\n"
    ));
    wire.server(format!("HTTP/1.1 401 X\r\n{chunked}3\r\nabc\r\n"))
        .server("2;x=y\r\nde\r\n0\r\n");
    wire.server("T: x\r\n\r\n").client(GET).server(OK);
    assert_eq!(
        wire.told(),
        ["0 POST /1 401 \"abcde\"", "1 GET /a 200 \"ok\""]
    );
}

#[test]
fn interim_answers_are_not_final_and_a_refusal_may_come_before_the_body() {
    let mut wire = Wire::open();
    let post = "POST /p HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    wire.client(post)
        .server("HTTP/1.1 100 Continue\r\n\r\n")
        .client("body")
        .server(OK);
    wire.client(post)
        .server(answer(401, "no"))
        .client(get("/b"))
        .server(OK);
    wire.client(post)
        .server(answer(401, "no"))
        .client("body")
        .client(get("/c"))
        .server(OK);
    assert_eq!(
        wire.told(),
        [
            "0 POST /p 200 \"ok\"",
            "1 POST /p 401 \"no\"",
            "2 GET /b 200 \"ok\"",
            "3 POST /p 401 \"no\"",
            "4 GET /c 200 \"ok\""
        ]
    );
}

#[test]
fn answers_to_head_and_304_have_no_body() {
    let mut wire = Wire::open();
    let head = "HEAD /h HTTP/1.1\r\n\r\n";
    wire.client(head)
        .server("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    wire.client(GET)
        .server("HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n")
        .client(GET)
        .server(OK);
    assert_eq!(
        wire.told(),
        ["0 HEAD /h 200", "1 GET /a 304", "2 GET /a 200 \"ok\""]
    );
}

#[test]
fn nothing_is_read_in_a_tunnel_or_after_an_upgrade() {
    let mut tunnel = Wire::open();
    tunnel
        .client("CONNECT h:443 HTTP/1.1\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\n\r\n");
    tunnel.client(GET).server(OK);
    assert_eq!(tunnel.told(), ["0 CONNECT h:443 200"]);
    let mut upgrade = Wire::open();
    upgrade.client("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    upgrade
        .server("HTTP/1.1 101 X\r\n\r\n")
        .client(GET)
        .server(OK);
    assert_eq!(upgrade.told(), ["0 GET /ws 101"]);
}

#[test]
fn a_body_may_end_with_the_connection() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server("HTTP/1.1 500 X\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        .fin(SERVER)
        .fin(CLIENT);
    assert_eq!(
        wire.told(),
        ["0 GET /a 500 \"HTTP/1.1 200 OK\\r\\n\\r\\n\""]
    );
}

#[test]
fn an_excerpt_ends_when_the_connection_is_quiet() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server("HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\nabc")
        .wait(410)
        .server("def");
    assert_eq!(wire.told(), ["0 GET /a 401 \"abc\" …"]);
}

#[test]
fn an_excerpt_may_come_with_pauses() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server("HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\n")
        .wait(390)
        .server("abc")
        .wait(390)
        .server("defghi");
    assert_eq!(wire.told(), ["0 GET /a 401 \"abcdefghi\""]);
}

#[test]
fn a_body_that_trickles_is_not_waited_for_for_ever() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server("HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..60 {
        wire.wait(200).server("1\r\nx\r\n");
    }
    // Of 12 s ten.
    let told = format!("0 GET /a 401 \"{}\" …", "x".repeat(49));
    assert_eq!(wire.told(), [told]);
}

#[test]
fn an_excerpt_is_bounded() {
    let mut wire = Wire::open();
    let body = "x".repeat(5000);
    wire.client(GET)
        .server(answer(401, &body))
        .client(GET)
        .server(answer(200, &body));
    let (output, _) = run(&wire.packets, 1, usize::MAX);
    let excerpts: Vec<_> = output
        .iter()
        .map(|output| match output {
            Output::Exchange(exchange) => {
                let excerpt = &exchange.response.as_ref().unwrap().excerpt;
                (excerpt.bytes().len(), excerpt.is_whole())
            }
            Output::Tls(_) => panic!("no TLS here"),
        })
        .collect();
    let head = answer(200, &body).len() - body.len();
    assert_eq!(excerpts, [(4096, false), (1024 - head, false)]);
}

#[test]
fn more_answers_than_may_be_open_are_all_told() {
    let mut wire = Wire::open();
    wire.client(get("/a"))
        .server("HTTP/1.1 204 X\r\n\r\n".repeat(3000));
    assert_eq!(wire.told().len(), 3000);
    let mut wire = Wire::open();
    let paths: Vec<_> = (0..1000).map(|at| get(&format!("/{at}"))).collect();
    wire.client(paths.concat())
        .server("HTTP/1.1 204 X\r\n\r\n".repeat(1000))
        .client(get("/b"))
        .server(OK);
    let told = wire.told();
    assert!(
        told.contains(&"2000 GET /b 200 \"ok\"".to_owned()),
        "{told:?}"
    );
    assert_eq!(told.len(), 2001);
}

#[test]
fn a_request_without_an_answer_is_told_after_its_time() {
    let mut wire = Wire::open();
    wire.client(GET)
        .wait(61_000)
        .server(OK)
        .client(get("/b"))
        .server(answer(401, "b"));
    assert_eq!(
        wire.told(),
        ["0 GET /a -", "1 - 200 \"ok\"", "2 GET /b 401 \"b\""]
    );
}

#[test]
fn the_same_addresses_may_be_used_anew() {
    let mut wire = Wire::open();
    wire.client(GET).fin(CLIENT).fin(SERVER);
    wire.next = [77, 99];
    wire.syn().client(get("/b")).server(OK);
    let again = wire.packets[3].clone();
    wire.packets.push(again);
    assert_eq!(wire.told(), ["0 GET /a -", "0 GET /b 200 \"ok\""]);
}

#[test]
fn a_reset_ends_what_was_open() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server("HTTP/1.1 401 X\r\nContent-Length: 9\r\n\r\nabc")
        .rst(CLIENT);
    wire.server("defghi");
    assert_eq!(wire.told(), ["0 GET /a 401 \"abc\" …"]);
}

#[test]
fn an_endless_head_is_cut_at_its_bound() {
    let mut wire = Wire::open();
    wire.client("GET /long HTTP/1.1\r\nX: ");
    for _ in 0..100 {
        wire.client("x".repeat(1000));
    }
    wire.client("\r\n\r\n").server(answer(431, "too long"));
    assert_eq!(wire.told(), ["0 GET /long 431 \"too long\" request-cut"]);
}

#[test]
fn a_request_that_is_none_keeps_its_answer() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server(OK)
        .client("GET broken\r\n\r\n")
        .server(answer(400, "bad"))
        .client(GET);
    wire.server(OK);
    assert_eq!(
        wire.told(),
        [
            "0 GET /a 200 \"ok\"",
            "1 - 400 \"bad\"",
            "2 GET /a 200 \"ok\""
        ]
    );
}

#[test]
fn other_protocols_are_counted() {
    let mut packets = Vec::new();
    for (connection, first) in [
        hello("api.example.org", 3000),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"EHLO example.org\r\n".to_vec(),
        b"\0\x01binary".to_vec(),
        GET.into(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wire = Wire::midway();
        wire.connection = u16::try_from(connection).unwrap();
        wire.syn();
        for part in first.chunks(1400) {
            wire.client(part);
        }
        wire.server("whatever").fin(SERVER).fin(CLIENT);
        packets.extend(wire.packets);
    }
    let (output, tally) = run(&packets, 1, usize::MAX);
    let told: Vec<_> = output.iter().map(tell).collect();
    assert_eq!(told, ["tls Some(\"api.example.org\")", "0 GET /a -"]);
    assert_eq!(
        (tally.tls, tally.http2, tally.other, tally.http1),
        (1, 1, 2, 1)
    );
}
