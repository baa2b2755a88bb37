//! Captures made by hand: conversations with every misfortune that TCP has, as pcap or pcapng.
//!
//! ```
//! use observer_tests::capture::{Capture, Conversation};
//!
//! let mut talk = Conversation::new("10.0.0.1:40000", "10.0.0.2:80");
//! talk.handshake()
//!     .client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
//!     .server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
//!     .close();
//! talk.lose(3);
//! let file = Capture::of([talk]).pcap();
//! assert_eq!(&file[..4], &[0x4d, 0x3c, 0xb2, 0xa1]);
//! ```

mod conversation;
mod frame;

pub use conversation::{ACK, Conversation, End, FIN, PSH, Packet, RST, SYN};
pub use frame::Framing;

/// 2023-11-14T22:13:20Z, when every capture starts unless it is told otherwise.
pub const START: i64 = 1_700_000_000_000_000_000;

/// Packets of one or several conversations in the order of their time.
#[derive(Clone, Debug)]
pub struct Capture {
    packets: Vec<(i64, Packet)>,
    framing: Framing,
    snap_len: usize,
    start: i64,
}

impl Capture {
    /// Conversations that all start at the same moment, interleaved by time, as Ethernet.
    pub fn of(conversations: impl IntoIterator<Item = Conversation>) -> Self {
        let mut packets = Vec::new();
        for conversation in conversations {
            let mut time = 0;
            for packet in conversation.packets {
                time += i64::try_from(packet.gap.as_nanos()).unwrap_or(i64::MAX);
                packets.push((time, packet));
            }
        }
        packets.sort_by_key(|(time, _)| *time);
        Self {
            packets,
            framing: Framing::Ethernet,
            snap_len: 262_144,
            start: START,
        }
    }

    /// Frames the packets otherwise.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Captures so many bytes of each frame.
    pub fn snap_len(mut self, bytes: usize) -> Self {
        self.snap_len = bytes;
        self
    }

    /// Starts at so many nanoseconds since the Unix epoch.
    pub fn start(mut self, nanos: i64) -> Self {
        self.start = nanos;
        self
    }

    /// A pcap file, little-endian, with nanoseconds.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(0xa1b2_3c4d_u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend(word(self.snap_len));
        file.extend(u32::from(self.framing.link_type()).to_le_bytes());
        for (time, frame) in self.frames() {
            let captured = frame.len().min(self.snap_len);
            file.extend(word((time / 1_000_000_000) as usize));
            file.extend(word((time % 1_000_000_000) as usize));
            file.extend(word(captured));
            file.extend(word(frame.len()));
            file.extend(&frame[..captured]);
        }
        file
    }

    /// A pcapng file, little-endian, with one interface and nanoseconds.
    pub fn pcapng(&self) -> Vec<u8> {
        let mut file = block(
            0x0a0d_0d0a,
            &[
                &0x1a2b_3c4d_u32.to_le_bytes()[..],
                &[1, 0, 0, 0],
                &[0xff; 8],
            ]
            .concat(),
        );
        let interface = [
            &self.framing.link_type().to_le_bytes()[..],
            &[0, 0],
            &word(self.snap_len),
            // if_tsresol: nanoseconds; then the end of the options.
            &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0],
        ];
        file.extend(block(1, &interface.concat()));
        for (time, frame) in self.frames() {
            let captured = frame.len().min(self.snap_len);
            let body = [
                &[0; 4][..],
                &word((time >> 32) as usize),
                &((time & 0xffff_ffff) as u32).to_le_bytes(),
                &word(captured),
                &word(frame.len()),
                &frame[..captured],
            ];
            file.extend(block(6, &body.concat()));
        }
        file
    }

    fn frames(&self) -> impl Iterator<Item = (i64, Vec<u8>)> {
        self.packets
            .iter()
            .map(|(time, packet)| (self.start + time, frame::frame(packet, self.framing)))
    }
}

/// A block of pcapng, padded.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let len = word(12 + padded);
    let mut block = [&kind.to_le_bytes()[..], &len, body].concat();
    block.resize(8 + padded, 0);
    block.extend(len);
    block
}

fn word(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes()
}
