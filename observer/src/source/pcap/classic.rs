//! The pcap format (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and the
//! "modified" variant of old Linux distributions, whose records carry eight bytes more.

use super::error::{EndReason, Stop};
use super::frame::{Frame, MAX_PACKET, Next, cut, u32_at};
use super::input::Window;
use super::link::LinkType;
use crate::time::Timestamp;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const MODIFIED_RECORD_HEADER: usize = 24;

/// What the file's header says.
pub(super) struct Header {
    big: bool,
    nanos_per_unit: i64,
    record_header: usize,
    link: LinkType,
}

impl Header {
    /// Whether a file that starts with `magic` is of this format, and which variant.
    pub(super) fn announced_by(magic: [u8; 4]) -> Option<Self> {
        const MICRO: i64 = 1000;
        const NANO: i64 = 1;
        let (big, nanos_per_unit, record_header) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, MICRO, RECORD_HEADER),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, MICRO, RECORD_HEADER),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, NANO, RECORD_HEADER),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, NANO, RECORD_HEADER),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, MICRO, MODIFIED_RECORD_HEADER),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, MICRO, MODIFIED_RECORD_HEADER),
            _ => return None,
        };
        Some(Self {
            big,
            nanos_per_unit,
            record_header,
            link: LinkType::default(),
        })
    }

    /// Reads the rest of the header.
    pub(super) fn read(&mut self, window: &mut Window) -> Result<(), Stop> {
        window.fill(FILE_HEADER);
        let Some(link) = u32_at(window.bytes(), 20, self.big) else {
            return Err(cut(window));
        };
        // The upper bits say how long the frame check sequence is; it lies behind the IP packet.
        self.link = LinkType((link & 0xffff) as u16);
        window.consume(FILE_HEADER);
        Ok(())
    }

    /// How the packets are framed.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// The next packet.
    #[inline]
    pub(super) fn next(&self, window: &mut Window) -> Result<Next, Stop> {
        let have = window.fill(self.record_header);
        if have == 0 {
            return window.failure().map_or(Ok(Next::End), Err);
        }
        if have < self.record_header {
            return Err(cut(window));
        }
        let Some((time, captured, wire_len)) = self.record(window.bytes()) else {
            return Err(cut(window));
        };
        let len = captured as usize;
        if len > MAX_PACKET {
            return Err(Stop::Ended(EndReason::Damaged(format!(
                "a packet of {captured} bytes, and no packet is larger than {MAX_PACKET}"
            ))));
        }
        let have = window.fill(self.record_header + len) - self.record_header;
        let start = window.start() + self.record_header;
        let frame = Frame {
            time,
            timed: true,
            link: self.link,
            interface: 0,
            wire_len: wire_len.max(captured),
            data: start..start + len.min(have),
        };
        window.consume(self.record_header + len.min(have));
        Ok(if have < len {
            Next::Cut(frame)
        } else {
            Next::Whole(frame)
        })
    }

    /// Whether all of the next packet is in these bytes, or as much as will be read of it.
    pub(super) fn is_next_in(&self, bytes: &[u8]) -> bool {
        self.record(bytes).is_some_and(|(_, captured, _)| {
            let len = (captured as usize).min(MAX_PACKET);
            bytes.len() >= self.record_header + len
        })
    }

    /// Time, captured length, and length on the wire.
    #[inline]
    fn record(&self, bytes: &[u8]) -> Option<(Timestamp, u32, u32)> {
        let field = |at| u32_at(bytes, at, self.big);
        // Cannot overflow: 2^32 * 10^9 + 2^32 * 1000 is below 2^63.
        let nanos =
            i64::from(field(0)?) * 1_000_000_000 + i64::from(field(4)?) * self.nanos_per_unit;
        Some((Timestamp::from_nanos(nanos), field(8)?, field(12)?))
    }
}
