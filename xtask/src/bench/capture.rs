//! A large capture, made up: keep-alive connections over Ethernet and IPv4, each with some requests
//! that carry a token of 1 KiB, and answers of which one in eight is a 401.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use super::token::token;

/// What was written.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Written {
    pub(super) bytes: usize,
    pub(super) exchanges: usize,
}

/// Writes at least `size` bytes of a pcap file.
pub(super) fn write(out: &mut impl Write, size: usize) -> io::Result<Written> {
    let mut writer = Writer {
        out,
        nanos: 1_760_000_000_000_000_000,
        written: Written::default(),
    };
    writer.header()?;
    let token = token();
    let mut number = 0;
    while writer.written.bytes < size {
        // Connections overlap in groups, as they do on a wire.
        let mut group: Vec<_> = (number..number + CONCURRENT).map(Connection::new).collect();
        number += CONCURRENT;
        for connection in &mut group {
            connection.open(&mut writer)?;
        }
        for round in 0..REQUESTS {
            for connection in &mut group {
                connection.exchange(&mut writer, round, &token)?;
            }
        }
        for connection in &mut group {
            connection.close(&mut writer)?;
        }
    }
    Ok(writer.written)
}

const CONCURRENT: u32 = 64;
const REQUESTS: u32 = 16;
/// Of an answer's body; two segments of what fits Ethernet.
const BODY: usize = 2400;
const SEGMENT: usize = 1448;

struct Connection {
    client: (Ipv4Addr, u16),
    server: (Ipv4Addr, u16),
    /// The next sequence number of the client and of the server.
    seq: [u32; 2],
}

impl Connection {
    fn new(number: u32) -> Self {
        let [_, a, b, c] = (number / 20_000 + 1).to_be_bytes();
        Self {
            client: (
                Ipv4Addr::new(10, a, b, c),
                u16::try_from(number % 20_000).unwrap_or(0) + 20_000,
            ),
            server: (Ipv4Addr::new(192, 0, 2, 7), 8080),
            seq: [
                number.wrapping_mul(2_654_435_761),
                number.wrapping_mul(40_503),
            ],
        }
    }

    fn open(&mut self, to: &mut Writer<'_, impl Write>) -> io::Result<()> {
        self.flag(to, 0, SYN)?;
        self.flag(to, 1, SYN | ACK)?;
        self.segment(to, 0, ACK, b"")
    }

    fn close(&mut self, to: &mut Writer<'_, impl Write>) -> io::Result<()> {
        self.flag(to, 0, FIN | ACK)?;
        self.flag(to, 1, FIN | ACK)?;
        self.segment(to, 0, ACK, b"")
    }

    fn exchange(
        &mut self,
        to: &mut Writer<'_, impl Write>,
        round: u32,
        token: &str,
    ) -> io::Result<()> {
        let request = format!(
            "GET /orders/{round} HTTP/1.1\r\nHost: orders.bench.test\r\nUser-Agent: bench\r\n\
             Accept: */*\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        let refused = self.seq[0].is_multiple_of(8);
        let mut answer = if refused {
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\", \
             error_description=\"The token expired\"\r\nContent-Length: 0\r\n\r\n"
                .to_owned()
        } else {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {BODY}\r\n\r\n"
            )
        };
        if !refused {
            answer.extend(std::iter::repeat_n('x', BODY));
        }
        for part in request.as_bytes().chunks(SEGMENT) {
            self.segment(to, 0, ACK, part)?;
        }
        for part in answer.as_bytes().chunks(SEGMENT) {
            self.segment(to, 1, ACK, part)?;
        }
        to.written.exchanges += 1;
        self.segment(to, 0, ACK, b"")
    }

    /// A segment without data whose flag takes a sequence number.
    fn flag(&mut self, to: &mut Writer<'_, impl Write>, from: usize, flags: u8) -> io::Result<()> {
        self.segment(to, from, flags, b"")?;
        self.seq[from] = self.seq[from].wrapping_add(1);
        Ok(())
    }

    fn segment(
        &mut self,
        to: &mut Writer<'_, impl Write>,
        from: usize,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let ends = [self.client, self.server];
        let ack = if flags == SYN { 0 } else { self.seq[1 - from] };
        to.packet(
            ends[from],
            ends[1 - from],
            (self.seq[from], ack, flags),
            payload,
        )?;
        let taken = u32::try_from(payload.len()).unwrap_or(0);
        self.seq[from] = self.seq[from].wrapping_add(taken);
        Ok(())
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

struct Writer<'a, W> {
    out: &'a mut W,
    nanos: u64,
    written: Written,
}

impl<W: Write> Writer<'_, W> {
    /// pcap with nanoseconds, Ethernet.
    fn header(&mut self) -> io::Result<()> {
        let mut head = Vec::new();
        head.extend(0xa1b2_3c4d_u32.to_le_bytes());
        head.extend([2, 0, 4, 0]);
        head.extend([0; 8]);
        head.extend(262_144_u32.to_le_bytes());
        head.extend(1_u32.to_le_bytes());
        self.all(&head)
    }

    fn packet(
        &mut self,
        (source, source_port): (Ipv4Addr, u16),
        (target, target_port): (Ipv4Addr, u16),
        (seq, ack, flags): (u32, u32, u8),
        payload: &[u8],
    ) -> io::Result<()> {
        self.nanos += 3_000;
        let total = u16::try_from(40 + payload.len()).unwrap_or(u16::MAX);
        let length = u32::from(total) + 14;
        let mut head = Vec::with_capacity(70);
        let seconds = u32::try_from(self.nanos / 1_000_000_000).unwrap_or(0);
        let nanos = u32::try_from(self.nanos % 1_000_000_000).unwrap_or(0);
        for field in [seconds, nanos, length, length] {
            head.extend(field.to_le_bytes());
        }
        head.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00]);
        head.extend([0x45, 0]);
        head.extend(total.to_be_bytes());
        head.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        head.extend(source.octets());
        head.extend(target.octets());
        head.extend(source_port.to_be_bytes());
        head.extend(target_port.to_be_bytes());
        head.extend(seq.to_be_bytes());
        head.extend(ack.to_be_bytes());
        head.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.all(&head)?;
        self.all(payload)
    }

    fn all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written.bytes += bytes.len();
        self.out.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_as_long_as_it_says_and_always_the_same() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let written = write(&mut first, 1000).unwrap();
        assert_eq!(written.bytes, first.len());
        assert_eq!(written.exchanges, (CONCURRENT * REQUESTS) as usize);
        assert_eq!(write(&mut second, 1000).unwrap(), written);
        assert!(first == second);
    }
}
