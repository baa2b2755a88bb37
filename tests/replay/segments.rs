//! What TCP does besides sending data once and in order.

use std::time::Duration;

use observer_tests::capture::{ACK, Capture, Conversation, End, PSH, Packet, RST, SYN};

use super::pipeline::{Replay, story};
use super::talk::{answer, connection, get};

/// A packet of the client between two others, 100 µs after the one before.
fn client(talk: &Conversation, seq: u32, flags: u8, payload: &[u8]) -> Packet {
    let template = talk
        .packets
        .iter()
        .find(|packet| packet.from == End::Client);
    let mut packet = template.unwrap().clone();
    (packet.seq, packet.flags) = (seq, flags);
    packet.payload = payload.to_vec();
    packet
}

#[test]
fn a_keep_alive_probe_is_no_data() {
    // RFC 9293 section 3.8.4: a byte of garbage, or none, one before the next.
    for garbage in [&[0][..], &[], b"X"] {
        let mut talk = connection();
        talk.client(get("/a")).server(answer(401, "no"));
        let next = talk.packets.last().unwrap().seq;
        let probe = client(&talk, next.wrapping_sub(1), ACK, garbage);
        talk.packets.push(probe);
        talk.client(get("/b")).server(answer(200, "yes")).close();
        assert_eq!(story(&talk), ["GET /a 401 jwt", "GET /b 200 jwt"]);
    }
}

#[test]
fn a_closed_direction_leaves_the_other_open() {
    let mut talk = connection();
    talk.client(get("/a")).shut(End::Client);
    talk.wait(Duration::from_secs(3))
        .server(answer(401, "no"))
        .shut(End::Server);
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
}

#[test]
fn a_reset_ends_what_waits() {
    let mut talk = connection();
    talk.client(get("/a")).reset(End::Server);
    // A copy that comes late begins nothing.
    let copies = talk.packets.len();
    talk.repeat(3, copies);
    assert_eq!(story(&talk), ["GET /a ? jwt"]);
}

#[test]
fn a_syn_may_carry_data() {
    // TCP Fast Open, RFC 7413: the data begins one after the SYN, and may come again.
    for again in [false, true] {
        let mut talk = connection();
        talk.client(get("/a"));
        let request = talk.packets[3].payload.clone();
        let syn = talk.packets[0].seq;
        talk.packets[0] = client(&talk, syn, SYN, &request);
        if !again {
            talk.packets.remove(3);
        }
        talk.server(answer(401, "no")).close();
        assert_eq!(story(&talk), ["GET /a 401 jwt"], "again: {again}");
    }
}

#[test]
fn of_two_copies_the_first_counts() {
    let mut talk = connection();
    talk.client(get("/a"));
    let mut forged = talk.packets[3].clone();
    forged.payload = get("/b").into_bytes();
    talk.packets.insert(4, forged);
    talk.server(answer(401, "no")).close();
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
    // So it is behind a hole, where nothing was given yet.
    let mut talk = connection();
    let (path, rest) = ("GET /a", " HTTP/1.1\r\nHost: a\r\n\r\n");
    talk.client(path).client(rest);
    let mut forged = talk.packets[5].clone();
    forged.payload = b"/b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
    let first = talk.packets.remove(3);
    talk.packets.insert(5, forged);
    talk.packets.insert(6, first);
    talk.server(answer(401, "no")).close();
    assert_eq!(story(&talk), ["GET /a 401"]);
}

#[test]
fn what_is_sent_again_late_is_waited_for() {
    // Timeouts of TCP double: the third repetition comes after seven seconds.
    let mut talk = connection();
    talk.segment_size(60).client(get("/a"));
    let lost = talk.packets.remove(3);
    talk.wait(Duration::from_secs(7));
    talk.server("");
    let at = talk.packets.len() - 1;
    let ack = talk.packets.remove(at);
    talk.packets.push(Packet {
        gap: ack.gap,
        ..lost
    });
    talk.server(answer(401, "no")).close();
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
}

#[test]
fn a_reset_with_another_connection_after_it_ends_the_first_alone() {
    let mut talk = connection();
    talk.client(get("/a")).reset(End::Client);
    let mut second = Conversation::new("10.0.0.1:40000", "10.0.0.2:80");
    second
        .start_at(9_000_000, 7_000_000)
        .handshake()
        .client(get("/b"))
        .server(answer(200, "yes"))
        .close();
    talk.packets.extend(second.packets);
    assert_eq!(story(&talk), ["GET /a ? jwt", "GET /b 200 jwt"]);
}

#[test]
fn what_is_held_behind_a_hole_is_bounded_and_counted() {
    let mut talk = connection();
    talk.client("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    // The body and then a stream of bytes without a head, of which the first segment is lost.
    talk.unseen(End::Client, 500).client(vec![b'x'; 400_000]);
    talk.packets.last_mut().unwrap().flags |= PSH;
    talk.reset(End::Client);
    assert!(talk.packets.last().unwrap().flags & RST != 0);
    let (exchanges, tally) = Replay::default().counted(&Capture::of([talk]).pcap());
    assert_eq!(exchanges.len(), 1);
    assert!(tally.holes_forced > 0, "{tally:?}");
    assert!(tally.bytes_missing > 0, "{tally:?}");
}
