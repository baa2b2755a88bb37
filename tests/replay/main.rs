//! Captures made by hand, replayed: what was written is what observer says.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken assumption ends the test"
)]

mod content;
mod events;
mod http;
mod pipeline;
mod segments;
mod talk;
mod transport;

use std::io::Cursor;
use std::path::Path;

use observer::packet::{Batch, ItemKind, Tail};
use observer::source::pcap::Captures;
use observer_tests::capture::{ACK, Capture, Conversation};

use talk::FRAMINGS;

#[test]
fn segments_are_read_as_they_were_written() {
    for (client, server) in [
        ("10.0.0.1:40000", "10.0.0.2:80"),
        ("[2001:db8::1]:40000", "[2001:db8::2]:80"),
    ] {
        let mut talk = Conversation::new(client, server);
        talk.segment_size(5)
            .handshake()
            .client("GET / HTTP/1.1\r\n\r\n")
            .close();
        for framing in FRAMINGS {
            let capture = Capture::of([talk.clone()]).framing(framing);
            for file in [capture.pcap(), capture.pcapng()] {
                let segments = segments(&file);
                let written = talk
                    .packets
                    .iter()
                    .filter(|packet| packet.flags != ACK)
                    .map(|packet| (packet.source, packet.seq, packet.payload.clone()));
                assert_eq!(segments, written.collect::<Vec<_>>(), "{framing:?}");
            }
        }
    }
}

/// Sender, sequence number and data of every segment of a capture.
fn segments(file: &[u8]) -> Vec<(std::net::SocketAddr, u32, Vec<u8>)> {
    let input = Box::new(Cursor::new(file.to_vec()));
    let mut captures = Captures::over(input, Path::new("capture")).unwrap();
    let mut batch = Batch::new();
    let mut segments = Vec::new();
    loop {
        let more = captures.read(&mut batch).unwrap();
        for item in batch.items() {
            let ItemKind::Segment(segment) = &item.kind else {
                panic!("a capture has only segments");
            };
            assert_eq!(segment.tail, Tail::Whole);
            segments.push((
                segment.source,
                segment.seq,
                batch.bytes(&segment.payload).to_vec(),
            ));
        }
        if !more {
            return segments;
        }
    }
}
