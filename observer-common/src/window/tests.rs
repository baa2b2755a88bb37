//! The rule against streams whose heads are known.

mod properties;
mod wire;

use super::*;
use wire::*;

#[test]
fn a_request_is_copied_to_its_end_and_its_body_is_not() {
    let mut wire = Wire::new([1, 1]);
    let decision = wire.send(IN, REQUEST);
    assert_eq!((decision.offset, decision.len), (0, REQUEST.len() as u32));
    assert_eq!(decision.mark, Some(Mark::Request));
    let body = wire.send(IN, &[b'x'; 1000]);
    assert_eq!(body.len, 0);
    wire.send(OUT, ACCEPTED);
    let next = wire.send(IN, REQUEST);
    assert_eq!(next.len, REQUEST.len() as u32);
    assert_eq!(next.skipped, 1000);
}

#[test]
fn an_answer_is_copied_for_a_kibibyte_and_closed_by_its_end() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, REQUEST);
    let mut answer = ACCEPTED.to_vec();
    answer.resize(5000, b'b');
    let decision = wire.send(OUT, &answer);
    assert_eq!((decision.offset, decision.len), (0, 1024));
    assert_eq!(wire.send(OUT, &[b'b'; 1400]).len, 0);

    wire.send(IN, REQUEST);
    let head = wire.send(OUT, ACCEPTED);
    assert_eq!(head.len, ACCEPTED.len() as u32);
    assert_eq!(head.skipped, 5000 - 1024 + 1400);
    assert_eq!(wire.send(OUT, &[b'b'; 100]).len, 0);
}

#[test]
fn a_refusal_is_copied_with_four_kibibytes_of_its_body() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, REQUEST);
    assert_eq!(wire.send(OUT, REFUSED).mark, Some(Mark::Refusal));
    assert_eq!(wire.send(OUT, &[b'b'; 3000]).len, 3000);
    assert_eq!(wire.send(OUT, &[b'b'; 3000]).len, 1096);
    assert_eq!(wire.send(OUT, &[b'b'; 3000]).len, 0);
}

#[test]
fn a_refusal_in_one_segment_is_copied_up_to_eight_kibibytes() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, REQUEST);
    let mut answer = REFUSED.to_vec();
    answer.resize(20_000, b'b');
    assert_eq!(wire.send(OUT, &answer).len, 8192);
}

#[test]
fn an_answer_of_an_issuer_is_copied_for_sixty_four_kibibytes() {
    for target in ["/jwks", "/.well-known/openid-configuration", "/orders"] {
        let is_of_issuer = target != "/orders";
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        // Head and body in one segment, and apart.
        let mut whole = ACCEPTED.to_vec();
        whole.resize(100_000, b'b');
        let mut wire = Wire::new([1, 1]);
        wire.send(IN, request.as_bytes());
        let len = wire.send(OUT, &whole).len;
        assert_eq!(len, if is_of_issuer { 65_536 } else { 1024 });

        let mut wire = Wire::new([1, 1]);
        wire.send(IN, request.as_bytes());
        wire.send(OUT, ACCEPTED);
        for _ in 0..40 {
            let len = wire.send(OUT, &[b'b'; 1000]).len;
            assert_eq!(len, if is_of_issuer { 1000 } else { 0 });
        }
        // What is asked next is nobody's but its own.
        wire.send(IN, REQUEST);
        assert_eq!(wire.send(OUT, &whole).len, 1024);
        wire.send(IN, request.as_bytes());
        assert_eq!(wire.send(OUT, REFUSED).mark, Some(Mark::Refusal));
        assert_eq!(wire.send(OUT, &[b'b'; 9000]).len, 4096);
    }
}

#[test]
fn what_an_issuer_is_told_is_copied_behind_the_head() {
    let mut wire = Wire::new([1, 1]);
    wire.send(
        IN,
        b"POST /oauth/token HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    );
    assert_eq!(wire.send(IN, &[b'f'; 900]).len, 900);
    assert_eq!(wire.send(OUT, ACCEPTED).len, ACCEPTED.len() as u32);
    assert_eq!(wire.send(OUT, &[b'b'; 3000]).len, 3000);
    wire.send(IN, b"POST /orders HTTP/1.1\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(wire.send(IN, &[b'f'; 900]).len, 0);
}

#[test]
fn a_refused_upload_does_not_cut_the_refusal() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, b"POST /a HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n");
    for _ in 0..4 {
        assert_eq!(wire.send(IN, &[b'u'; 1448]).len, 0);
    }
    assert_eq!(wire.send(OUT, REFUSED).len, REFUSED.len() as u32);
    for _ in 0..4 {
        assert_eq!(wire.send(IN, &[b'u'; 1448]).len, 0);
        assert_eq!(wire.send(OUT, &[b'b'; 500]).len, 500);
    }
}

#[test]
fn an_interim_answer_is_followed_by_the_final_one() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\n\r\n");
    assert!(wire.send(OUT, b"HTTP/1.1 100 Continue\r\n\r\n").len > 0);
    assert_eq!(wire.send(OUT, REFUSED).mark, Some(Mark::Refusal));
}

#[test]
fn heads_in_one_byte_segments_are_copied_whole_and_closed() {
    let mut wire = Wire::new([u32::MAX - 20, 77]);
    for byte in REQUEST {
        assert_eq!(wire.send(OUT, &[*byte]).len, 1);
    }
    assert_eq!(wire.text(OUT, u32::MAX - 20), REQUEST);
    for byte in b"body of many bytes" {
        wire.send(OUT, &[*byte]);
    }
    // The first byte of the body might have been a head: "b" is not.
    assert_eq!(wire.text(OUT, u32::MAX - 20), REQUEST);
    for byte in REFUSED {
        assert_eq!(wire.send(IN, &[*byte]).len, 1);
    }
    assert_eq!(wire.text(IN, 77), REFUSED);
    assert_eq!(wire.sides[IN].heads(), 1);
}

#[test]
fn pipelined_requests_and_answers_that_start_a_segment_are_found() {
    let mut wire = Wire::new([1, 1]);
    for _ in 0..3 {
        assert_eq!(wire.send(IN, REQUEST).mark, Some(Mark::Request));
    }
    for _ in 0..3 {
        let mut answer = ACCEPTED.to_vec();
        answer.resize(5000, b'b');
        assert_eq!(wire.send(OUT, &answer).mark, Some(Mark::Answer));
    }
}

#[test]
fn requests_pipelined_in_one_segment_are_copied_together() {
    let mut wire = Wire::new([1, 1]);
    let three = REQUEST.repeat(3);
    assert_eq!(wire.send(IN, &three).len, three.len() as u32);
    assert_eq!(wire.send(IN, REQUEST).mark, Some(Mark::Request));
}

#[test]
fn a_head_whose_segments_changed_places_is_copied_and_closed() {
    let mut wire = Wire::new([1, 1]);
    wire.send(OUT, REQUEST);
    let (first, second) = REFUSED.split_at(20);
    assert!(wire.at(IN, 21, second).len > 0);
    assert_eq!(wire.at(IN, 1, first).mark, Some(Mark::Refusal));
    assert_eq!(wire.text(IN, 1), REFUSED);
    assert_eq!(wire.send(IN, &[b'b'; 9000]).len, 4096);

    let mut wire = Wire::new([1, 1]);
    let (first, second) = REQUEST.split_at(20);
    assert!(wire.at(IN, 21, second).len > 0);
    assert_eq!(wire.at(IN, 1, first).mark, Some(Mark::Request));
    assert_eq!(wire.text(IN, 1), REQUEST);
    assert_eq!(wire.send(IN, &[b'b'; 9000]).len, 0);
}

#[test]
fn retransmissions_are_neither_copied_nor_counted() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, REQUEST);
    wire.send(OUT, ACCEPTED);
    let before = wire.sides;
    assert_eq!(wire.at(IN, 1, REQUEST), Decision::default());
    assert_eq!(wire.at(OUT, 1, ACCEPTED), Decision::default());
    assert_eq!(wire.sides, before);
}

#[test]
fn forged_segments_far_outside_are_ignored() {
    let mut wire = Wire::new([1, 1]);
    let before = wire.sides;
    assert_eq!(wire.at(IN, 1 + FAR + 1, REQUEST), Decision::default());
    assert_eq!(wire.sides, before);
}

#[test]
fn new_bytes_behind_old_ones_are_examined_where_they_start() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, REQUEST);
    wire.send(OUT, ACCEPTED);
    let mut both = REQUEST.to_vec();
    both.extend_from_slice(REQUEST);
    let decision = wire.at(IN, 1, &both);
    assert_eq!(decision.mark, Some(Mark::Request));
    assert_eq!(
        (decision.offset, decision.len),
        (REQUEST.len() as u32, REQUEST.len() as u32)
    );
}

#[test]
fn a_client_hello_is_copied_and_nothing_after_it() {
    let mut wire = Wire::new([1, 1]);
    let mut hello = b"\x16\x03\x01\x06\x00\x01\x00\x05\xfc\x03\x03".to_vec();
    hello.resize(0x600 + 5, 7);
    let (first, second) = hello.split_at(1448);
    assert_eq!(wire.send(OUT, first).len, 1448);
    assert_eq!(wire.sides[OUT].kind(), Kind::Tls);
    assert_eq!(wire.send(OUT, second).len, second.len() as u32);
    assert!(wire.sides[OUT].is_done(&wire.sides[IN]));
    assert!(wire.sides[IN].is_done(&wire.sides[OUT]));
    assert_eq!(
        wire.send(IN, b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76").len,
        0
    );
    assert_eq!(wire.send(OUT, REQUEST).len, 0);
}

#[test]
fn tls_that_was_open_before_is_tasted_once() {
    let mut wire = Wire::new([1, 1]);
    let mut record = b"\x17\x03\x03\x04\x00".to_vec();
    record.resize(1029, 9);
    assert_eq!(wire.send(IN, &record).len, 24);
    assert_eq!(wire.send(IN, &record).len, 0);
    assert_eq!(wire.send(OUT, &record).len, 0);
}

#[test]
fn bytes_of_a_body_that_look_like_tls_do_not_blind_us() {
    let mut wire = Wire::new([1, 1]);
    wire.send(
        IN,
        b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    );
    wire.send(OUT, b"HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(IN, b"\x16\x03\x01\x00\x10\x01\x00\x00\x00");
    assert_eq!(wire.sides[IN].kind(), Kind::Http);
    assert_eq!(wire.send(OUT, REFUSED).mark, Some(Mark::Refusal));
}

#[test]
fn tls_inside_a_tunnel_is_recognised() {
    let mut wire = Wire::new([1, 1]);
    wire.send(
        IN,
        b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
    );
    wire.send(OUT, b"HTTP/1.1 200 Connection established\r\n\r\n");
    let hello = wire.send(IN, b"\x16\x03\x01\x00\x04\x01\x00\x00\x00");
    assert_eq!(hello.mark, Some(Mark::ClientHello));
    assert_eq!(wire.send(OUT, b"\x16\x03\x03\x00\x7a\x02").len, 0);
}

#[test]
fn http2_is_recognised_and_left_alone() {
    let mut wire = Wire::new([1, 1]);
    let decision = wire.send(IN, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert_eq!((decision.len, decision.mark), (24, Some(Mark::Http2)));
    assert_eq!(wire.send(OUT, b"\0\0\0\x04\0\0\0\0\0").len, 0);
    assert_eq!(wire.send(IN, b"\0\0\x10\x01\x05\0\0\0\x01").len, 0);
}

#[test]
fn an_upgraded_connection_is_left_alone() {
    let mut wire = Wire::new([1, 1]);
    wire.send(IN, b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
    wire.send(OUT, b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert_eq!(wire.send(IN, b"\x81\x85aaaahello").len, 0);
    assert_eq!(wire.sides[IN].kind(), Kind::Upgraded);
    assert_eq!(wire.send(OUT, REFUSED).len, 0);
}

#[test]
fn another_protocol_is_left_alone_after_a_while() {
    let mut wire = Wire::new([1, 1]);
    for turn in 0..KNOBS.patience {
        assert!(!wire.sides[IN].is_done(&wire.sides[OUT]), "turn {turn}");
        assert_eq!(wire.send(IN, b"\x03\0\0\0\x01select").len, 0);
        assert_eq!(wire.send(OUT, b"\x01\0\0\0\x02row").len, 0);
    }
    assert_eq!(wire.sides[IN].kind(), Kind::Foreign);
    assert_eq!(wire.send(IN, REQUEST).len, 0);
}

#[test]
fn single_letters_back_and_forth_are_given_up_too() {
    let mut wire = Wire::new([1, 1]);
    for _ in 0..=KNOBS.patience {
        wire.send(IN, b"A");
        wire.send(OUT, b"A");
    }
    assert_eq!(wire.sides[IN].kind(), Kind::Foreign);
}

#[test]
fn a_head_whose_start_came_to_the_listener_goes_on() {
    let mut sides = [Side::default(); 2];
    let rest = b"rization: Bearer x\r\n\r\n";
    let segment = Segment {
        seq: 100,
        len: rest.len() as u32,
        expected: 100,
        early: true,
    };
    let other = sides[OUT];
    let decision = decide(&mut sides[IN], &other, &segment, &Bytes(rest), &KNOBS);
    assert_eq!(decision.len, rest.len() as u32);
    let body = [b'x'; 50];
    let segment = Segment {
        seq: 100 + rest.len() as u32,
        len: 50,
        expected: 100 + rest.len() as u32,
        early: true,
    };
    let decision = decide(&mut sides[IN], &other, &segment, &Bytes(&body), &KNOBS);
    assert_eq!(decision.len, 0);
}

#[test]
fn lost_bytes_are_carried_by_the_next_record() {
    let mut wire = Wire::new([1, 1]);
    let decision = wire.send(IN, REQUEST);
    wire.sides[IN].lose(decision.len);
    wire.send(OUT, ACCEPTED);
    assert_eq!(wire.send(IN, REQUEST).lost, REQUEST.len() as u64);
}
