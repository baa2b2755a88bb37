//! HTTP/1 on a wire that does not tell all: order, repetition, losses and joins on the way.

use super::http::{GET, OK, answer, get};
use super::wire::{CLIENT, SERVER, Wire, run, tell};
use crate::packet::Tail;

#[test]
fn segments_out_of_order_and_repeated_change_nothing() {
    let mut wire = Wire::open();
    wire.client(&GET[..9])
        .client(&GET[9..20])
        .client(&GET[20..])
        .server(&OK[..20])
        .server(&OK[20..]);
    wire.client(get("/b")).server(answer(401, "why"));
    let expected = wire.told();
    for (a, b) in [(2, 3), (3, 4), (2, 4), (5, 6)] {
        let mut packets = wire.packets.clone();
        packets.swap(a, b);
        packets.insert(4, packets[2].clone());
        packets.push(packets[6].clone());
        let (output, _) = run(&packets, 1, usize::MAX);
        assert_eq!(
            output.iter().map(tell).collect::<Vec<_>>(),
            expected,
            "{a} {b}"
        );
    }
}

#[test]
fn a_declared_hole_in_a_head_cuts_it_at_once() {
    let mut wire = Wire::open();
    wire.client(&GET[..30])
        .tail(Tail::Cut, 10)
        .server(OK)
        .client(GET)
        .server(OK);
    assert_eq!(
        wire.told(),
        ["0 GET /a 200 \"ok\" request-cut", "1 GET /a 200 \"ok\""]
    );
    let mut wire = Wire::open();
    wire.client(&GET[..25])
        .declare(CLIENT, 0, 100)
        .server(OK)
        .client(GET)
        .server(OK);
    assert_eq!(
        wire.told(),
        ["0 GET /a 200 \"ok\" lost", "1 GET /a -", "2 - 200 \"ok\""]
    );
}

#[test]
fn skipped_bodies_do_not_lose_the_place() {
    let mut wire = Wire::open();
    let long = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
    wire.client(GET)
        .server(long)
        .declare(SERVER, 100_000, 0)
        .client(GET)
        .server(OK);
    wire.client(GET)
        .server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
    wire.tail(Tail::Unwanted, 8).client(GET).server(OK);
    let told = wire.told();
    assert_eq!(told[..2], ["0 GET /a 200 …", "1 GET /a 200 \"ok\""]);
    assert_eq!(told[2..], ["2 GET /a 200 \"ab\" …", "3 GET /a 200 \"ok\""]);
}

#[test]
fn a_lost_request_leaves_its_answer_alone() {
    let mut wire = Wire::open();
    wire.client(GET)
        .server(OK)
        .pass(CLIENT, 80)
        .server(answer(401, "no"))
        .client(get("/c"));
    wire.server(answer(200, "c"))
        .client(get("/d"))
        .server(answer(200, "d"));
    assert_eq!(
        wire.told(),
        [
            "0 GET /a 200 \"ok\"",
            "1 - 401 \"no\"",
            "2 GET /c -",
            "3 - 200 \"c\"",
            "4 GET /d 200 \"d\""
        ]
    );
}

#[test]
fn a_lost_answer_is_not_replaced_by_the_next() {
    let mut wire = Wire::open();
    wire.client(GET)
        .pass(SERVER, 80)
        .client(get("/b"))
        .server(answer(401, "b"));
    wire.client(get("/c")).server(OK);
    assert_eq!(
        wire.told(),
        [
            "0 GET /a -",
            "1 GET /b -",
            "2 - 401 \"b\"",
            "3 GET /c 200 \"ok\""
        ]
    );
}

#[test]
fn a_request_that_is_read_late_gets_no_answer_of_a_later_one() {
    let mut wire = Wire::open();
    wire.client(&GET[..GET.len() - 2])
        .declare(CLIENT, 0, 2)
        .server("HTTP/1.1 200 X")
        .tail(Tail::Cut, 30)
        .client(get("/b"))
        .server(answer(401, "b"))
        .client(get("/c"))
        .server(OK);
    assert_eq!(
        wire.told(),
        [
            "0 GET /a - lost",
            "1 GET /b -",
            "2 - 401 \"b\"",
            "3 GET /c 200 \"ok\""
        ]
    );
}

#[test]
fn an_answer_to_a_request_that_could_not_be_read_may_have_no_body() {
    let mut wire = Wire::open();
    wire.client(GET).server(OK).client("H").tail(Tail::Cut, 1);
    wire.client("AD /b HTTP/1.1\r\n\r\n");
    wire.server("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    wire.client(get("/c")).server(answer(401, "c"));
    assert_eq!(
        wire.told(),
        ["0 GET /a 200 \"ok\"", "1 - 200 …", "2 GET /c 401 \"c\""]
    );
}

#[test]
fn a_connection_that_was_open_before_is_joined_at_its_next_head() {
    let mut wire = Wire::midway();
    wire.client("rest of a body")
        .server("<p>body</p>HTTP/1.1 200")
        .server("\r\nrest of another");
    wire.client(GET).server(OK);
    assert_eq!(wire.told(), ["0 GET /a 200 \"ok\""]);
}

#[test]
fn one_sided_captures_give_what_they_have() {
    let mut requests = Wire::open();
    requests.client(GET).client(get("/b")).fin(CLIENT);
    assert_eq!(requests.told(), ["0 GET /a -", "1 GET /b -"]);
    let mut answers = Wire::midway();
    answers.server(OK).wait(100).server(answer(401, "x"));
    assert_eq!(answers.told(), ["0 - 200 \"ok\"", "1 - 401 \"x\""]);
}
