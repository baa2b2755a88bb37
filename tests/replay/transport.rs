//! HTTP/1 on what networks and captures do to a connection.

use std::time::Duration;

use observer_tests::capture::{Capture, Conversation, End, Framing};

use super::pipeline::{Replay, lines, live_story, ndjson, story, story_of};
use super::talk::{FRAMINGS, answer, connection, get};

/// Two exchanges, cut into segments of `size` bytes.
fn two(size: usize) -> Conversation {
    let mut talk = connection();
    talk.segment_size(size)
        .client(get("/a"))
        .server(answer(401, "no"))
        .client(get("/b"))
        .server(answer(200, "yes"))
        .close();
    talk
}

/// The same, with time between the exchanges: what is missing is given up by time.
fn slow(size: usize) -> Conversation {
    let mut talk = connection();
    talk.segment_size(size)
        .client(get("/a"))
        .server(answer(401, "no"))
        .wait(Duration::from_secs(5))
        .client(get("/b"))
        .server(answer(200, "yes"))
        .wait(Duration::from_secs(5))
        .close();
    talk
}

const TWO: [&str; 2] = ["GET /a 401 jwt", "GET /b 200 jwt"];

#[test]
fn heads_come_in_any_number_of_segments() {
    for size in [1, 2, 3, 7, 16, 100, 536, 1448] {
        assert_eq!(story(&two(size)), TWO, "{size}");
        assert_eq!(live_story(&two(size)), TWO, "{size} as live");
    }
}

#[test]
fn segments_come_in_any_order() {
    let size = 60;
    let packets = two(size).packets.len();
    for at in 3..packets - 3 {
        for by in 1..3 {
            let mut talk = two(size);
            talk.delay(at, (at + by).min(packets - 3));
            assert_eq!(story(&talk), TWO, "{at} delayed by {by}");
        }
    }
}

#[test]
fn segments_are_repeated_and_overlap() {
    let size = 60;
    let packets = two(size).packets.len();
    for at in 3..packets - 3 {
        let mut again = two(size);
        again.repeat(at, (at + 2).min(packets));
        assert_eq!(story(&again), TWO, "{at} repeated");
        assert_eq!(live_story(&again), TWO, "{at} repeated, as live");
    }
    // The first three segments of the request again as one, after the second.
    let mut joined = two(size);
    joined.repeat_joined(3..6, 5);
    assert_eq!(story(&joined), TWO);
    assert_eq!(live_story(&joined), TWO);
}

#[test]
fn every_packet_twice_is_as_once() {
    // As `tcpdump -i any` captures the loopback interface.
    let mut talk = two(100);
    talk.packets = talk
        .packets
        .iter()
        .flat_map(|packet| [packet.clone(), packet.clone()])
        .collect();
    let capture = Capture::of([talk]).framing(Framing::Cooked);
    assert_eq!(story_of(&capture), TWO);
}

#[test]
fn sequence_numbers_wrap() {
    for before in [0, 1, 5, 100, 600, 700] {
        let mut talk = Conversation::new("10.0.0.1:40000", "10.0.0.2:80");
        talk.start_at(u32::MAX - before, u32::MAX - before / 10)
            .segment_size(50)
            .handshake()
            .client(get("/a"))
            .server(answer(401, "no"))
            .client(get("/b"))
            .server(answer(200, "yes"))
            .close();
        assert_eq!(story(&talk), TWO, "{before}");
        assert_eq!(live_story(&talk), TWO, "{before} as live");
    }
}

#[test]
fn a_capture_may_start_in_the_middle() {
    let without = |packets: usize| {
        let mut talk = two(1448);
        talk.packets.drain(..packets);
        talk
    };
    assert_eq!(story(&without(3)), TWO);
    // Without the first request: its answer stands alone.
    assert_eq!(story(&without(4)), ["? 401", "GET /b 200 jwt"]);
    assert_eq!(story(&without(6)), ["GET /b 200 jwt"]);
    // In the middle of a body.
    let mut talk = connection();
    talk.client(get("/a"))
        .server(answer(200, &"x".repeat(5000)))
        .client(get("/b"))
        .server(answer(401, "no"))
        .close();
    talk.packets.drain(..6);
    assert_eq!(story(&talk), ["GET /b 401 jwt"]);
}

#[test]
fn one_direction_alone_is_told_as_far_as_it_goes() {
    let mut requests = two(1448);
    requests.only(End::Client);
    assert_eq!(story(&requests), ["GET /a ? jwt", "GET /b ? jwt"]);
    let mut answers = two(1448);
    answers.only(End::Server);
    assert_eq!(story(&answers), ["? 401", "? 200"]);
}

#[test]
fn a_lost_part_of_a_body_costs_nothing() {
    let mut talk = connection();
    talk.client(get("/a"))
        .server(answer(200, &"x".repeat(10_000)))
        .client(get("/b"))
        .server(answer(401, "no"))
        .close();
    talk.lose(7);
    assert_eq!(story(&talk), ["GET /a 200 jwt", "GET /b 401 jwt"]);
}

#[test]
fn a_lost_part_of_a_head_is_cut_and_never_malformed() {
    let size = 60;
    let head = get("/a").len().div_ceil(size);
    // The first segment has the start line; all others are lost in turn.
    for lost in 1..head {
        let mut talk = slow(size);
        talk.lose(3 + lost);
        let story = story(&talk);
        assert_cut(&story[0]);
        // What is lost right before a request may have been another.
        let rest: &[_] = match lost + 1 == head {
            true => &["GET /b ? jwt", "? 200"],
            false => &TWO[1..],
        };
        assert_eq!(story[1..], *rest, "{lost}");
    }
    // The same where the connection closes at once.
    for lost in 1..head {
        let mut talk = connection();
        talk.segment_size(size)
            .client(get("/a"))
            .server(answer(401, "no"))
            .close();
        talk.lose(3 + lost);
        let story = story(&talk);
        assert_eq!(story.len(), 1, "{lost}: {story:?}");
        assert_cut(&story[0]);
    }
}

#[test]
fn a_lost_start_of_a_head_leaves_the_rest_of_the_connection_alone() {
    let second = Duration::from_secs(1);
    let mut talk = connection();
    talk.client(get("/a"))
        .server(answer(200, "1"))
        .wait(second)
        .client(get("/b"))
        .server(answer(401, "2"))
        .wait(second)
        .client(get("/c"))
        .server(answer(200, "3"))
        .wait(second)
        .client(get("/d"))
        .server(answer(401, "4"))
        .wait(second)
        .close();
    // The request for /b, with everything in it.
    talk.lose(7);
    let told = story(&talk);
    assert_eq!(told[..2], ["GET /a 200 jwt", "? 401"]);
    // What was lost right before the request for /c may have been sent ahead with it.
    assert_eq!(told[2..], ["GET /c ? jwt", "? 200", "GET /d 401 jwt"]);
}

#[test]
fn a_snap_length_cuts_tokens_and_does_not_break_them() {
    let headers = 14 + 20 + 32;
    let head = get("/a").len();
    let before_token = head - get("/a").split("Bearer ").last().unwrap().len();
    for captured in [
        before_token,
        before_token + 1,
        before_token + 100,
        head - 20,
    ] {
        let capture = Capture::of([slow(1448)]).snap_len(headers + captured);
        let story = story_of(&capture);
        assert_eq!(story.len(), 2, "{captured}: {story:?}");
        for (line, status) in story.iter().zip(["401", "200"]) {
            assert!(line.contains(status), "{captured}: {story:?}");
            assert!(line.contains("cut-request"), "{captured}: {story:?}");
            assert!(!line.contains("defects"), "{captured}: {story:?}");
        }
    }
}

#[test]
fn framing_makes_no_difference() {
    for framing in FRAMINGS {
        for addresses in [
            ("10.0.0.1:40000", "10.0.0.2:80"),
            ("[2001:db8::1]:40000", "[2001:db8::2]:80"),
        ] {
            let mut talk = Conversation::new(addresses.0, addresses.1);
            talk.handshake()
                .client(get("/a"))
                .server(answer(401, "no"))
                .client(get("/b"))
                .server(answer(200, "yes"))
                .close();
            let capture = Capture::of([talk]).framing(framing);
            assert_eq!(story_of(&capture), TWO, "{framing:?} {addresses:?}");
            let ng = Replay::default().exchanges(&capture.pcapng());
            assert_eq!(lines(&ng), TWO, "{framing:?} {addresses:?} pcapng");
        }
    }
}

#[test]
fn a_port_is_used_again() {
    let mut talk = two(1448);
    let mut second = Conversation::new("10.0.0.1:40000", "10.0.0.2:80");
    second
        .start_at(7_000_000, 9_000_000)
        .wait(Duration::from_secs(1))
        .handshake()
        .client(get("/c"))
        .server(answer(403, "no"))
        .close();
    talk.packets.extend(second.packets);
    assert_eq!(story(&talk), [TWO[0], TWO[1], "GET /c 403 jwt"]);
    assert_eq!(live_story(&talk), [TWO[0], TWO[1], "GET /c 403 jwt"]);
}

#[test]
fn many_connections_are_told_in_the_order_of_completion() {
    let talks = (0..200).map(|number| {
        let mut talk = Conversation::new(&format!("10.0.0.1:{}", 40_000 + number), "10.0.0.2:80");
        talk.wait(Duration::from_micros(37 * (number * 7919 % 200)))
            .handshake();
        for turn in 0..3 {
            talk.client(get(&format!("/{number}/{turn}")))
                .wait(Duration::from_micros(number * 104_729 % 5000))
                .server(answer(if turn == 1 { 401 } else { 200 }, "x"));
        }
        talk.close();
        talk
    });
    let file = Capture::of(talks).pcap();
    let [one, two, four] = [1, 2, 4].map(|threads| {
        let replay = Replay {
            threads,
            ..Replay::default()
        };
        replay.exchanges(&file)
    });
    assert_eq!(one.len(), 600);
    assert!(one.is_sorted_by_key(|exchange| exchange.completed));
    assert_eq!(ndjson(&one), ndjson(&two));
    assert_eq!(ndjson(&one), ndjson(&four));
}

fn assert_cut(line: &str) {
    assert!(line.starts_with("GET /a 401"), "{line}");
    assert!(line.contains("lost="), "{line}");
    assert!(!line.contains("defects"), "{line}");
}
