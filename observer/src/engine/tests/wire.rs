//! Conversations for tests, and what came of them in a line each.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::credential::Policy;
use crate::engine::{Engine, Limits, Output, Tally};
use crate::exchange::{Exchange, Side};
use crate::packet::{
    Batch, ConnectionKey, Direction, Flags, Handling, Item, ItemKind, KnownBy, Segment, Tail,
};
use crate::time::Timestamp;

pub(super) const CLIENT: Direction = Direction::Forward;
pub(super) const SERVER: Direction = Direction::Reverse;

/// One segment as a test says it.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) connection: u16,
    pub(super) direction: Direction,
    pub(super) micros: u64,
    pub(super) seq: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) flags: Flags,
    pub(super) missing: u32,
    pub(super) tail: Tail,
    pub(super) skipped: u64,
    pub(super) lost: u64,
}

/// Writes a conversation segment by segment, a millisecond after the other.
pub(super) struct Wire {
    pub(super) packets: Vec<Packet>,
    pub(super) connection: u16,
    pub(super) next: [u32; 2],
    pub(super) micros: u64,
    counts: [(u64, u64); 2],
}

impl Wire {
    /// Joins a connection that was open before.
    pub(super) fn midway() -> Self {
        Self {
            packets: Vec::new(),
            connection: 0,
            next: [u32::MAX - 20, 5000],
            micros: 1_000_000,
            counts: [(0, 0); 2],
        }
    }

    /// Opens a connection.
    pub(super) fn open() -> Self {
        let mut wire = Self::midway();
        wire.syn();
        wire
    }

    pub(super) fn syn(&mut self) -> &mut Self {
        let flags = |ack| Flags {
            syn: true,
            ack,
            ..Flags::default()
        };
        self.flagged(CLIENT, flags(false))
            .flagged(SERVER, flags(true));
        self.next = self.next.map(|next| next.wrapping_add(1));
        self
    }

    pub(super) fn client(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(CLIENT, bytes.as_ref())
    }

    pub(super) fn server(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(SERVER, bytes.as_ref())
    }

    pub(super) fn say(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        self.flagged(direction, Flags::default());
        if let Some(packet) = self.packets.last_mut() {
            packet.bytes = bytes.to_vec();
        }
        let len = u32::try_from(bytes.len()).unwrap();
        self.pass(direction, len)
    }

    /// Bytes that were sent and not captured, undeclared.
    pub(super) fn pass(&mut self, direction: Direction, len: u32) -> &mut Self {
        let next = &mut self.next[direction.index()];
        *next = next.wrapping_add(len);
        self
    }

    /// Bytes that the source counted as skipped or lost.
    pub(super) fn declare(&mut self, direction: Direction, skipped: u32, lost: u32) -> &mut Self {
        let counts = &mut self.counts[direction.index()];
        counts.0 += u64::from(skipped);
        counts.1 += u64::from(lost);
        self.pass(direction, skipped + lost)
    }

    /// The last segment was longer by `len` on the wire.
    pub(super) fn tail(&mut self, tail: Tail, len: u32) -> &mut Self {
        let packet = self.packets.last_mut().unwrap();
        packet.missing = len;
        packet.tail = tail;
        let direction = packet.direction;
        if tail == Tail::Unwanted {
            self.counts[direction.index()].0 += u64::from(len);
        }
        self.pass(direction, len)
    }

    pub(super) fn flagged(&mut self, direction: Direction, flags: Flags) -> &mut Self {
        self.micros += 1000;
        let (skipped, lost) = self.counts[direction.index()];
        self.packets.push(Packet {
            connection: self.connection,
            direction,
            micros: self.micros,
            seq: self.next[direction.index()],
            bytes: Vec::new(),
            flags,
            missing: 0,
            tail: Tail::Whole,
            skipped,
            lost,
        });
        self
    }

    pub(super) fn fin(&mut self, direction: Direction) -> &mut Self {
        self.flagged(
            direction,
            Flags {
                fin: true,
                ..Flags::default()
            },
        );
        self.pass(direction, 1)
    }

    pub(super) fn rst(&mut self, direction: Direction) -> &mut Self {
        self.flagged(
            direction,
            Flags {
                rst: true,
                ..Flags::default()
            },
        )
    }

    pub(super) fn wait(&mut self, millis: u64) -> &mut Self {
        self.micros += millis * 1000;
        self
    }

    /// What comes of it in a capture.
    pub(super) fn told(&self) -> Vec<String> {
        replay(&self.packets)
    }
}

/// The addresses of a connection: client, server.
pub(super) fn addresses(connection: u16) -> (SocketAddr, SocketAddr) {
    (
        SocketAddr::from(([10, 0, 0, 1], 40_000 + connection)),
        SocketAddr::from(([10, 0, 0, 2], 80)),
    )
}

pub(super) fn flow(connection: u16) -> ConnectionKey {
    let (low, high) = addresses(connection);
    ConnectionKey::Flow { low, high, link: 0 }
}

pub(super) fn item(packet: &Packet, key: ConnectionKey, batch: &mut Batch) -> Item {
    let (client, server) = addresses(packet.connection);
    let (source, target) = match packet.direction {
        Direction::Forward => (client, server),
        Direction::Reverse => (server, client),
    };
    Item {
        connection: key,
        time: at(packet.micros),
        kind: ItemKind::Segment(Segment {
            direction: packet.direction,
            source,
            target,
            seq: packet.seq,
            flags: packet.flags,
            payload: batch.store(&packet.bytes),
            wire_len: u32::try_from(packet.bytes.len()).unwrap() + packet.missing,
            tail: packet.tail,
            skipped: packet.skipped,
            lost: packet.lost,
            moved: None,
            listener: false,
        }),
    }
}

pub(super) fn at(micros: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_micros(micros))
}

pub(super) fn thread(name: &str) -> Handling {
    Handling {
        pid: 1,
        tid: 1,
        name: name.to_owned(),
        process: None,
        cgroup: 1,
        known_by: KnownBy::Tracepoint,
    }
}

pub(super) fn engine(threads: usize) -> Engine {
    let policy = std::sync::Arc::new(Policy::random().unwrap());
    Engine::new(
        Limits::default(),
        policy,
        NonZeroUsize::new(threads).unwrap(),
    )
}

/// Runs packets through an engine in batches of `size`. What came out, and what was counted.
pub(super) fn run(packets: &[Packet], threads: usize, size: usize) -> (Vec<Output>, Tally) {
    let mut engine = engine(threads);
    let (mut batch, mut output) = (Batch::new(), Vec::new());
    for packets in packets.chunks(size) {
        for packet in packets {
            let item = item(packet, flow(packet.connection), &mut batch);
            batch.push(item);
        }
        output.extend(engine.process(&batch));
        batch.clear();
    }
    output.extend(engine.finish());
    (output, engine.tally())
}

pub(super) fn replay(packets: &[Packet]) -> Vec<String> {
    let (output, _) = run(packets, 1, usize::MAX);
    output.iter().map(tell).collect()
}

pub(super) fn tell(output: &Output) -> String {
    match output {
        Output::Exchange(exchange) => tell_exchange(exchange),
        Output::Tls(seen) => format!("tls {:?}", seen.server_name),
    }
}

/// `number METHOD path status "excerpt" remarks`, with a dash for what is absent.
pub(super) fn tell_exchange(exchange: &Exchange) -> String {
    let mut text = format!("{} ", exchange.number);
    match &exchange.request {
        Some(request) => write!(text, "{} {} ", request.method, request.path).unwrap(),
        None => text.push_str("- "),
    }
    match &exchange.response {
        Some(response) => {
            write!(text, "{}", response.status).unwrap();
            if !response.excerpt.bytes().is_empty() {
                let excerpt = String::from_utf8_lossy(response.excerpt.bytes());
                write!(text, " {excerpt:?}").unwrap();
            }
            if !response.excerpt.is_whole() {
                text.push_str(" …");
            }
        }
        None => text.push('-'),
    }
    let capture = exchange.capture;
    for (there, remark) in [
        (capture.request_cut, " request-cut"),
        (capture.response_cut, " response-cut"),
        (capture.lost > 0, " lost"),
        (exchange.connection.side == Side::Server, " server"),
        (exchange.connection.side == Side::Client, " client"),
    ] {
        text.push_str(if there { remark } else { "" });
    }
    if let Some(handled) = &exchange.handled {
        write!(text, " by {}", handled.name).unwrap();
    }
    text
}
