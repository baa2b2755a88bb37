//! Connections of this host: sides, and who handled an exchange.

use super::wire::{CLIENT, Packet, SERVER, Wire, at, engine, item, tell, thread};
use crate::packet::{Batch, ConnectionKey, Direction, Handling, Item, ItemKind, KnownBy};

const GET: &str = "GET /a HTTP/1.1\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// The packets as one end saw them, with what a thread did after some of them.
fn seen(packets: &[Packet], server: bool, handled: &[(usize, Direction, &str)]) -> Vec<String> {
    seen_by(KnownBy::Tracepoint, packets, server, handled)
}

fn seen_by(
    known_by: KnownBy,
    packets: &[Packet],
    server: bool,
    handled: &[(usize, Direction, &str)],
) -> Vec<String> {
    seen_with(known_by, packets, server, handled, &[])
}

/// `moved`: what a packet says of when the thread that was told last moved what came before it.
fn seen_with(
    known_by: KnownBy,
    packets: &[Packet],
    server: bool,
    handled: &[(usize, Direction, &str)],
    moved: &[(usize, u64)],
) -> Vec<String> {
    let key = ConnectionKey::Socket(7);
    let mut batch = Batch::new();
    let end = |direction: Direction| if server { direction.flip() } else { direction };
    for (index, packet) in packets.iter().enumerate() {
        let mut item = item(packet, key, &mut batch);
        if let ItemKind::Segment(segment) = &mut item.kind {
            segment.direction = end(segment.direction);
            let moved = moved.iter().find(|(packet, _)| *packet == index);
            segment.moved = moved.map(|(_, micros)| at(*micros));
        }
        batch.push(item);
        for (_, direction, name) in handled.iter().filter(|(after, ..)| *after == index) {
            let handling = Handling {
                known_by,
                ..thread(name)
            };
            let kind = ItemKind::Handled(end(*direction), handling);
            let time = at(packet.micros + 10);
            batch.push(Item {
                connection: key,
                time,
                kind,
            });
        }
    }
    let mut engine = engine(1);
    let mut output = engine.process(&batch);
    batch.clear();
    batch.advance(batch.clock().plus(std::time::Duration::from_millis(100)));
    output.extend(engine.process(&batch));
    let told = output.iter().map(tell).collect();
    assert!(
        engine.finish().is_empty(),
        "nothing waits longer than 20 ms"
    );
    told
}

/// Two requests, the first in two pieces, each with its answer.
fn two_requests() -> Wire {
    let mut wire = Wire::midway();
    wire.client(&GET[..5])
        .client(&GET[5..])
        .server(OK)
        .client(GET)
        .server(OK);
    wire
}

#[test]
fn the_first_to_read_after_the_head_took_the_request_up() {
    let wire = two_requests();
    let reads = [
        (0, CLIENT, "acceptor"),
        (1, CLIENT, "worker-1"),
        (2, SERVER, "x"),
    ];
    assert_eq!(
        seen(
            &wire.packets,
            true,
            &[&reads[..], &[(3, CLIENT, "worker-2")]].concat()
        ),
        [
            "0 GET /a 200 server by worker-1",
            "1 GET /a 200 server by worker-2"
        ]
    );
}

#[test]
fn whoever_wrote_the_request_is_the_client() {
    let wire = two_requests();
    let writes = [
        (0, CLIENT, "curl"),
        (1, CLIENT, "curl"),
        (3, CLIENT, "curl-2"),
    ];
    assert_eq!(
        seen(&wire.packets, false, &writes),
        [
            "0 GET /a 200 client by curl",
            "1 GET /a 200 client by curl-2"
        ]
    );
}

#[test]
fn a_thread_that_stays_the_same_is_told_once() {
    let mut wire = Wire::midway();
    wire.client(GET).server(OK);
    wire.client(GET).server(OK);
    let began = wire.packets[2].micros;
    let told = [(0, CLIENT, "worker")];
    let with = |moved| seen_with(KnownBy::Tracepoint, &wire.packets, true, &told, &[moved]);
    assert_eq!(
        with((3, began + 5)),
        [
            "0 GET /a 200 server by worker",
            "1 GET /a 200 server by worker"
        ]
    );
    // What it moved before the request came is not the request.
    assert_eq!(
        with((3, began - 5)),
        ["0 GET /a 200 server by worker", "1 GET /a 200 server"]
    );
    // Another way says nothing of requests.
    assert_eq!(
        with((2, began + 5)),
        ["0 GET /a 200 server by worker", "1 GET /a 200 server"]
    );
}

#[test]
fn the_owner_of_a_socket_has_every_exchange_from_then_on() {
    let mut wire = Wire::midway();
    wire.client(GET)
        .server(OK)
        .client(GET)
        .server(OK)
        .client(GET)
        .server(OK);
    // Whatever was under way when the table was read.
    for (after, direction) in [(0, CLIENT), (1, SERVER)] {
        assert_eq!(
            seen_by(
                KnownBy::SocketTable,
                &wire.packets,
                true,
                &[(after, direction, "nginx")]
            ),
            [
                "0 GET /a 200 server by nginx",
                "1 GET /a 200 server by nginx",
                "2 GET /a 200 server by nginx",
            ]
        );
    }
}

#[test]
fn a_thread_that_is_told_late_is_waited_for_but_not_for_long() {
    let mut wire = Wire::midway();
    wire.client(GET).server(OK);
    assert_eq!(
        seen(&wire.packets, true, &[(1, CLIENT, "late")]),
        ["0 GET /a 200 server by late"]
    );
    assert_eq!(seen(&wire.packets, true, &[]), ["0 GET /a 200 server"]);
}
