//! One TCP connection, written down segment by segment.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

/// One of the two ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// It connected.
    Client,
    /// It accepted.
    Server,
}

/// A TCP segment as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Packet {
    /// How long after the packet before it.
    pub gap: Duration,
    /// Who sends it.
    pub from: End,
    /// The address of the sender.
    pub source: SocketAddr,
    /// The address of the receiver.
    pub target: SocketAddr,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgement number.
    pub ack: u32,
    /// The TCP flags: [`FIN`], [`SYN`], [`RST`], [`PSH`], [`ACK`].
    pub flags: u8,
    /// The data.
    pub payload: Vec<u8>,
}

/// The FIN flag.
pub const FIN: u8 = 1;
/// The SYN flag.
pub const SYN: u8 = 2;
/// The RST flag.
pub const RST: u8 = 4;
/// The PSH flag.
pub const PSH: u8 = 8;
/// The ACK flag.
pub const ACK: u8 = 16;

/// A connection. Its methods append what the ends do; then the packets can be lost, delayed and
/// repeated by their place in [`Conversation::packets`].
#[derive(Clone, Debug)]
pub struct Conversation {
    /// The packets so far, in the order in which they are captured.
    pub packets: Vec<Packet>,
    client: SocketAddr,
    server: SocketAddr,
    next: [u32; 2],
    segment_size: usize,
    gap: Duration,
    pause: Duration,
}

impl Conversation {
    /// A connection between two addresses, IPv4 or IPv6. Panics if they are none.
    pub fn new(client: &str, server: &str) -> Self {
        let parse = |address: &str| -> SocketAddr {
            address
                .parse()
                .unwrap_or_else(|_| panic!("{address} is no address with a port"))
        };
        Self {
            packets: Vec::new(),
            client: parse(client),
            server: parse(server),
            next: [1_000, 500_000],
            segment_size: 1448,
            gap: Duration::from_micros(100),
            pause: Duration::ZERO,
        }
    }

    /// Sets the sequence numbers with which the ends start: to let them wrap.
    pub fn start_at(&mut self, client: u32, server: u32) -> &mut Self {
        self.next = [client, server];
        self
    }

    /// Cuts what is sent from now on into segments of at most so many bytes.
    pub fn segment_size(&mut self, bytes: usize) -> &mut Self {
        self.segment_size = bytes.max(1);
        self
    }

    /// Lets time pass before the next packet, beyond the 100 µs between any two.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        self.pause += time;
        self
    }

    /// SYN, SYN and ACK, ACK.
    pub fn handshake(&mut self) -> &mut Self {
        self.push(End::Client, SYN, Vec::new());
        self.push(End::Server, SYN | ACK, Vec::new());
        self.push(End::Client, ACK, Vec::new());
        self
    }

    /// The client sends.
    pub fn client(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.send(End::Client, bytes.as_ref())
    }

    /// The server sends.
    pub fn server(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.send(End::Server, bytes.as_ref())
    }

    /// One end sends, and the other acknowledges.
    pub fn send(&mut self, from: End, bytes: &[u8]) -> &mut Self {
        for chunk in bytes.chunks(self.segment_size) {
            self.push(from, PSH | ACK, chunk.to_vec());
        }
        let other = match from {
            End::Client => End::Server,
            End::Server => End::Client,
        };
        self.push(other, ACK, Vec::new());
        self
    }

    /// Bytes that one end sends and the capture never sees.
    pub fn unseen(&mut self, from: End, bytes: u32) -> &mut Self {
        let next = self.next_mut(from);
        *next = next.wrapping_add(bytes);
        self
    }

    /// The client closes, then the server.
    pub fn close(&mut self) -> &mut Self {
        self.shut(End::Client).shut(End::Server)
    }

    /// One end closes its direction.
    pub fn shut(&mut self, from: End) -> &mut Self {
        self.push(from, FIN | ACK, Vec::new());
        self
    }

    /// One end resets.
    pub fn reset(&mut self, from: End) -> &mut Self {
        self.push(from, RST | ACK, Vec::new());
        self
    }

    /// A packet is not captured.
    pub fn lose(&mut self, at: usize) -> &mut Self {
        self.packets.remove(at);
        self
    }

    /// A packet comes later: at `to`.
    pub fn delay(&mut self, at: usize, to: usize) -> &mut Self {
        let packet = self.packets.remove(at);
        self.packets.insert(to, packet);
        self
    }

    /// A packet is sent again: its copy is captured at `to`.
    pub fn repeat(&mut self, at: usize, to: usize) -> &mut Self {
        let packet = self.packets[at].clone();
        self.packets.insert(to, packet);
        self
    }

    /// The data of several packets of one direction is sent again as one segment, captured at `to`:
    /// how a sender repeats after a timeout, when segments overlap.
    pub fn repeat_joined(&mut self, from: Range<usize>, to: usize) -> &mut Self {
        let mut joined = self.packets[from.start].clone();
        joined.payload = self.packets[from]
            .iter()
            .filter(|packet| packet.from == joined.from)
            .flat_map(|packet| packet.payload.clone())
            .collect();
        self.packets.insert(to, joined);
        self
    }

    /// Keeps what one end sends, as where routing is asymmetric.
    pub fn only(&mut self, from: End) -> &mut Self {
        self.packets.retain(|packet| packet.from == from);
        self
    }

    fn push(&mut self, from: End, flags: u8, payload: Vec<u8>) {
        let (source, target, ack) = match from {
            End::Client => (self.client, self.server, self.next[1]),
            End::Server => (self.server, self.client, self.next[0]),
        };
        let takes = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        let seq = *self.next_mut(from);
        self.packets.push(Packet {
            gap: self.gap + std::mem::take(&mut self.pause),
            from,
            source,
            target,
            seq,
            ack: if flags & ACK == 0 { 0 } else { ack },
            flags,
            payload,
        });
        *self.next_mut(from) = seq.wrapping_add(takes);
    }

    fn next_mut(&mut self, from: End) -> &mut u32 {
        match from {
            End::Client => &mut self.next[0],
            End::Server => &mut self.next[1],
        }
    }
}
