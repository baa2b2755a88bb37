//! What holds for every conversation, however it is cut, mixed up, or bereft of parts.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::losses::{join_late, remove, turns_of_client};
use super::wire::{CLIENT, Packet, SERVER, Wire, at, run, tell};
use crate::engine::Output;
use crate::exchange::{Exchange, Field};
use crate::packet::{Direction, Flags, Tail};

/// One request and its answer, as both ends meant it.
#[derive(Clone, Debug)]
struct Meant {
    method: &'static str,
    request_body: Option<(bool, usize)>,
    status: u16,
    interim: bool,
    response_body: (bool, usize),
}

/// What a body is full of where it may lead astray.
const LURE: &str = "\r\n\r\nGET /lure HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";

fn meant() -> impl Strategy<Value = Meant> {
    let body = || (any::<bool>(), 0..400_usize);
    let method = prop::sample::select(vec!["GET", "POST", "HEAD", "DELETE"]);
    let status = prop::sample::select(vec![200_u16, 204, 302, 304, 401, 403, 500]);
    (
        method,
        prop::option::of(body()),
        status,
        any::<bool>(),
        body(),
    )
        .prop_map(
            |(method, request_body, status, interim, response_body)| Meant {
                method,
                request_body,
                status,
                interim,
                response_body,
            },
        )
}

fn body((chunked, len): (bool, usize), lure: &str) -> (String, Vec<u8>) {
    let content: Vec<u8> = lure.bytes().cycle().take(len).collect();
    if !chunked {
        return (format!("Content-Length: {len}\r\n"), content);
    }
    let mut wire = Vec::new();
    for chunk in content.chunks(100) {
        wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
        wire.extend(chunk);
        wire.extend(b"\r\n");
    }
    wire.extend(b"0\r\n\r\n");
    ("Transfer-Encoding: chunked\r\n".to_owned(), wire)
}

impl Meant {
    fn request(&self, number: usize, lure: &str) -> Vec<u8> {
        let (field, content) = self
            .request_body
            .map(|of| body(of, lure))
            .unwrap_or_default();
        let method = self.method;
        let head = format!("{method} /{number} HTTP/1.1\r\nHost: h\r\n{field}\r\n");
        [head.into_bytes(), content].concat()
    }

    fn response(&self, number: usize, lure: &str) -> Vec<u8> {
        let interim = if self.interim {
            "HTTP/1.1 103 Early\r\n\r\n"
        } else {
            ""
        };
        let (field, content) = body(self.response_body, lure);
        let bodiless = self.method == "HEAD" || matches!(self.status, 204 | 304);
        let status = self.status;
        let head = format!("{interim}HTTP/1.1 {status} X\r\nLocation: /{number}/\r\n{field}\r\n");
        [
            head.into_bytes(),
            if bodiless { Vec::new() } else { content },
        ]
        .concat()
    }

    fn told(&self, number: usize) -> String {
        format!("{} /{number} {}", self.method, self.status)
    }
}

/// The turns of a conversation: a run of requests, then their answers.
fn turns(bursts: &[Vec<Meant>], lure: &str) -> Vec<(Direction, Vec<u8>)> {
    let mut turns = Vec::new();
    let mut number = 0;
    for burst in bursts {
        let numbered: Vec<_> = burst
            .iter()
            .enumerate()
            .map(|(at, meant)| (number + at, meant))
            .collect();
        number += burst.len();
        let say = |of: &dyn Fn(&(usize, &Meant)) -> Vec<u8>| numbered.iter().flat_map(of).collect();
        turns.push((CLIENT, say(&|(number, meant)| meant.request(*number, lure))));
        turns.push((
            SERVER,
            say(&|(number, meant)| meant.response(*number, lure)),
        ));
    }
    turns
}

/// The packets of a conversation, a tenth of a millisecond apart, cut where `cuts` say.
fn packets(turns: &[(Direction, Vec<u8>)], cuts: &[Index]) -> Vec<Vec<Packet>> {
    let mut wire = Wire::open();
    let mut parts = vec![wire.packets.clone()];
    for (direction, bytes) in turns {
        let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        places.dedup();
        wire.packets.clear();
        for place in places.windows(2) {
            wire.say(*direction, &bytes[place[0]..place[1]]);
        }
        parts.push(wire.packets.clone());
    }
    wire.packets.clear();
    wire.fin(CLIENT).fin(SERVER);
    parts.push(wire.packets.clone());
    for (at, packet) in parts.iter_mut().flatten().enumerate() {
        packet.micros = 1_000_000 + 100 * at as u64;
    }
    parts
}

/// Mixes up each turn and repeats some of it, as loss and retransmission do.
fn mix(mut turns: Vec<Vec<Packet>>, swaps: &[(Index, Index)], again: &[Index]) -> Vec<Packet> {
    let count = turns.len();
    for turn in turns
        .iter_mut()
        .take(count - 1)
        .skip(1)
        .filter(|turn| !turn.is_empty())
    {
        let micros: Vec<_> = turn.iter().map(|packet| packet.micros).collect();
        for (a, b) in swaps {
            turn.swap(a.index(micros.len()), b.index(micros.len()));
        }
        for (packet, micros) in turn.iter_mut().zip(&micros) {
            packet.micros = *micros;
        }
        for index in again {
            let at = index.index(turn.len());
            let mut copy = turn[at].clone();
            copy.micros = turn[turn.len() - 1].micros;
            turn.push(copy);
        }
    }
    turns.concat()
}

fn exchanges(output: &[Output]) -> Vec<&Exchange> {
    let mut exchanges = Vec::new();
    for output in output {
        if let Output::Exchange(exchange) = output {
            exchanges.push(exchange);
        }
    }
    exchanges
}

fn request_of(exchange: &Exchange) -> Option<String> {
    let request = exchange.request.as_ref()?;
    Some(format!("{} {}", request.method, request.path))
}

proptest! {
    #[test]
    fn cutting_mixing_and_repeating_change_nothing(
        bursts in prop::collection::vec(prop::collection::vec(meant(), 1..4), 1..5),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
        swaps in prop::collection::vec(any::<(Index, Index)>(), 0..6),
        again in prop::collection::vec(any::<Index>(), 0..3),
    ) {
        let turns = turns(&bursts, LURE);
        let packets = mix(packets(&turns, &cuts), &swaps, &again);
        let (output, tally) = run(&packets, 1, usize::MAX);
        let told: Vec<_> = exchanges(&output)
            .into_iter()
            .map(|exchange| {
                let status = exchange.response.as_ref().map_or(0, |response| response.status);
                format!("{} {status}", request_of(exchange).unwrap_or_default())
            })
            .collect();
        let meant: Vec<_> = bursts.iter().flatten().enumerate()
            .map(|(number, meant)| meant.told(number))
            .collect();
        prop_assert_eq!(told, meant);
        for (exchange, meant) in exchanges(&output).iter().zip(bursts.iter().flatten()) {
            let response = exchange.response.as_ref().expect("checked above");
            if meant.status >= 400 {
                let len = if meant.method == "HEAD" { 0 } else { meant.response_body.1 };
                prop_assert_eq!(response.excerpt.bytes().len(), len);
                prop_assert!(response.excerpt.is_whole());
            }
        }
        prop_assert_eq!((tally.heads_bad, tally.heads_cut, tally.bytes_missing), (0, 0, 0));
    }

    #[test]
    fn with_bytes_missing_nothing_is_invented(
        bursts in prop::collection::vec(prop::collection::vec(meant(), 1..4), 1..6),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
        gone in prop::collection::vec((any::<Index>(), 0..3_u8), 1..5),
        join in prop::option::of(any::<Index>()),
    ) {
        let turns = turns(&bursts, "no lure here, ");
        let mut packets = packets(&turns, &cuts).concat();
        let began = turns_of_client(&packets);
        let unnoticed = join.map_or(0, |at| join_late(&mut packets, &at));
        let joined = packets[0].micros;
        let lost = gone.iter().filter_map(|(index, how)| remove(&mut packets, index, *how, unnoticed)).max();
        // In the second turn after a loss that is noticed at once the place is known again.
        let noticed = gone.iter().all(|(_, how)| *how > 0);
        let again = began
            .iter()
            .filter(|at| noticed && **at > lost.unwrap_or(joined))
            .nth(1);
        let (output, _) = run(&packets, 1, usize::MAX);
        let meant: Vec<_> = bursts.iter().flatten().collect();
        let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
        for exchange in exchanges(&output) {
            let number = |text: &str| text.strip_prefix('/').and_then(|number| number.parse().ok());
            let asked_number: Option<usize> = exchange.request.as_ref().and_then(|request| number(&request.path));
            let answer_number: Option<usize> = exchange
                .response.as_ref()
                // One that was cut has no end.
                .and_then(|response| number(response.field(Field::Location)?.strip_suffix('/')?));
            if let Some(request) = &exchange.request {
                let number = asked_number.expect("every path is a number");
                prop_assert_eq!(&request.method, meant[number].method);
                prop_assert!(asked.insert(number), "request {} twice", number);
                let sure = again.is_some_and(|again| request.started >= at(*again));
                prop_assert!(!sure || exchange.response.is_some(), "request {} has no answer", number);
            }
            if let (Some(response), Some(number)) = (&exchange.response, answer_number) {
                prop_assert_eq!(response.status, meant[number].status);
                prop_assert!(answered.insert(number), "answer {} twice", number);
            }
            if let (Some(asked), Some(answered)) = (asked_number, answer_number) {
                prop_assert_eq!(asked, answered);
            }
            if let (Some(asked), Some(response)) = (asked_number, &exchange.response) {
                prop_assert_eq!(meant[asked].status, response.status);
            }
        }
    }

    #[test]
    fn any_packets_do_no_harm_and_threads_and_batches_change_nothing(
        packets in prop::collection::vec(anything(), 0..120),
        size in 1..40_usize,
    ) {
        let mut packets = packets;
        packets.sort_by_key(|packet| packet.micros);
        let (one, tally) = run(&packets, 1, usize::MAX);
        let told: Vec<_> = one.iter().map(tell).collect();
        for (threads, size) in [(1, size), (3, usize::MAX), (64, size)] {
            let (other, counted) = run(&packets, threads, size);
            prop_assert_eq!(&other.iter().map(tell).collect::<Vec<_>>(), &told);
            prop_assert_eq!(counted, tally);
        }
    }
}

/// Packets that may be part of a conversation, and much that may not.
fn anything() -> impl Strategy<Value = Packet> {
    let text = prop::sample::select(vec![
        "GET /a HTTP/1.1\r\n\r\n",
        "HEAD /a HTTP/1.1\r\nA: b\r\n\r\n",
        "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n",
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 401 X\r\nContent-Length: 30\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 X\r\n\r\n",
        "HTTP/1.0 500 X\r\n\r\n",
        "\r\n",
        "\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\0\u{20}\u{1}",
    ]);
    let bytes = prop_oneof![
        3 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    let seq = prop_oneof![4 => 0..200_u32, 1 => any::<u32>()];
    let flags = (0..16_u8, 0..16_u8, 0..20_u8).prop_map(|(syn, fin, rst)| Flags {
        syn: syn == 0,
        fin: fin == 0,
        rst: rst == 0,
        ack: false,
    });
    let counts = (0..50_u32, 0..100_u64, 0..100_u64);
    (
        0..3_u16,
        any::<bool>(),
        0..3_000_000_u64,
        seq,
        bytes,
        flags,
        counts,
    )
        .prop_map(
            |(connection, forward, micros, seq, bytes, flags, (missing, skipped, lost))| Packet {
                connection,
                direction: if forward { CLIENT } else { SERVER },
                micros,
                seq,
                bytes,
                flags,
                missing: missing.saturating_sub(30),
                tail: if missing % 2 == 0 {
                    Tail::Cut
                } else {
                    Tail::Unwanted
                },
                skipped: skipped.saturating_sub(60),
                lost: lost.saturating_sub(60),
            },
        )
}
