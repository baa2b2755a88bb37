//! The pcapng format (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces with their
//! own link type, snap length and clock, enhanced, simple and obsolete packet blocks.
//!
//! Blocks are framed here, because a packet must cost no allocation; pcap-parser takes interface
//! descriptions apart. All other blocks are passed over, however long they say they are.

use pcap_parser::pcapng::{
    InterfaceDescriptionBlock, OptionCode, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le,
};

use super::error::{EndReason, Stop};
use super::frame::{Frame, MAX_PACKET, Next, cut, u16_at, u32_at};
use super::input::Window;
use super::link::LinkType;
use crate::time::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The largest block that is looked into: a packet and its options.
const MAX_BLOCK: usize = MAX_PACKET + 64 * 1024;
/// The most interfaces of one section.
const MAX_INTERFACES: usize = 65_536;

/// Whether a file that starts with `magic` is of this format.
pub(super) fn is_start(magic: [u8; 4]) -> bool {
    magic == SECTION_HEADER.to_be_bytes()
}

/// The section that is being read.
#[derive(Default)]
pub(super) struct Section {
    big: bool,
    interfaces: Vec<Interface>,
    /// The time of the last packet: simple packets have none.
    time: Timestamp,
    /// It is of a version of the format that is not known: nothing of it can be read.
    unknown: bool,
    unreadable: u64,
}

struct Interface {
    link: LinkType,
    snap_len: u32,
    clock: Clock,
}

impl Section {
    /// The next packet.
    #[inline]
    pub(super) fn next(&mut self, window: &mut Window) -> Result<Next, Stop> {
        loop {
            let have = window.fill(8);
            if have == 0 {
                return window.failure().map_or(Ok(Next::End), Err);
            }
            let Some(kind) = u32_at(window.bytes(), 0, self.big) else {
                return Err(cut(window));
            };
            if kind == SECTION_HEADER {
                self.start(window)?;
                continue;
            }
            let Some(len) = u32_at(window.bytes(), 4, self.big) else {
                return Err(cut(window));
            };
            let size = block_size(len)?;
            let is_packet = matches!(kind, ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET);
            let is_wanted = is_packet || kind == INTERFACE_DESCRIPTION;
            if !is_wanted || self.unknown || size > MAX_BLOCK {
                self.unreadable += u64::from(is_packet);
                if !window.skip(u64::from(len)) {
                    return Err(cut(window));
                }
                continue;
            }
            let have = window.fill(size);
            if is_packet {
                return self.packet(kind, size, have, window);
            }
            if have < size {
                return Err(cut(window));
            }
            self.describe(window.bytes().get(..size).unwrap_or_default())?;
            window.consume(size);
        }
    }

    /// Whether all of the next block is in these bytes.
    pub(super) fn is_next_in(&self, bytes: &[u8]) -> bool {
        u32_at(bytes, 4, self.big).is_some_and(|len| bytes.len() >= len as usize)
    }

    /// How many packets were left out because they are too large to be believed, or in a section of a
    /// version that is not known.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// A section header: its byte order is known from its third word alone.
    fn start(&mut self, window: &mut Window) -> Result<(), Stop> {
        window.fill(12);
        let order = window.bytes().get(8..12);
        self.big = match order {
            Some([0x1a, 0x2b, 0x3c, 0x4d]) => true,
            Some([0x4d, 0x3c, 0x2b, 0x1a]) => false,
            Some(_) => return Err(damaged("a section whose byte order is not said".to_owned())),
            None => return Err(cut(window)),
        };
        let Some(len) = u32_at(window.bytes(), 4, self.big) else {
            return Err(cut(window));
        };
        block_size(len)?;
        window.fill(16);
        let Some(major) = u16_at(window.bytes(), 12, self.big) else {
            return Err(cut(window));
        };
        self.unknown = major != 1;
        self.interfaces.clear();
        if window.skip(u64::from(len)) {
            Ok(())
        } else {
            Err(cut(window))
        }
    }

    fn describe(&mut self, block: &[u8]) -> Result<(), Stop> {
        let parsed = if self.big {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        let Ok((_, description)) = parsed else {
            return Err(damaged(
                "an interface description that cannot be read".to_owned(),
            ));
        };
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(damaged(format!(
                "more than {MAX_INTERFACES} interfaces in one section"
            )));
        }
        self.interfaces.push(Interface {
            link: LinkType(description.linktype.0 as u16),
            snap_len: description.snaplen,
            clock: Clock::of(&description, self.big),
        });
        Ok(())
    }

    /// A packet block of `size` bytes, of which `have` are in the window.
    #[inline]
    fn packet(
        &mut self,
        kind: u32,
        size: usize,
        have: usize,
        window: &mut Window,
    ) -> Result<Next, Stop> {
        let here = have.min(size);
        let block = window.bytes().get(..here).unwrap_or_default();
        let header = if kind == SIMPLE_PACKET { 12 } else { 28 };
        if size < header + 4 {
            return Err(damaged(format!("a packet block of only {size} bytes")));
        }
        let Some(fields) = Fields::of(kind, block, self.big) else {
            return Err(cut(window));
        };
        let Some(interface) = self.interfaces.get(fields.interface as usize) else {
            return Err(damaged(format!(
                "a packet of interface {}, which is not described",
                fields.interface
            )));
        };
        let room = size - header - 4;
        let captured = fields.captured.map_or_else(
            || simple_len(fields.wire_len, interface.snap_len, room),
            |len| len as usize,
        );
        if captured > room {
            return Err(damaged(format!(
                "a packet of {captured} bytes in a block that has room for {room}"
            )));
        }
        if have >= size && u32_at(block, size - 4, self.big) != u32::try_from(size).ok() {
            return Err(damaged("a block that says two lengths".to_owned()));
        }
        if let Some(units) = fields.time {
            self.time = interface.clock.time(units);
        }
        let start = window.start() + header;
        let frame = Frame {
            time: self.time,
            timed: fields.time.is_some(),
            link: interface.link,
            interface: fields.interface,
            wire_len: fields.wire_len.max(captured as u32),
            data: start..start + captured.min(here - header),
        };
        window.consume(here);
        Ok(if have < size {
            Next::Cut(frame)
        } else {
            Next::Whole(frame)
        })
    }
}

/// The fixed part of a packet block.
struct Fields {
    interface: u32,
    time: Option<u64>,
    captured: Option<u32>,
    wire_len: u32,
}

impl Fields {
    /// `None` when the block is cut inside it.
    #[inline]
    fn of(kind: u32, block: &[u8], big: bool) -> Option<Self> {
        let field = |at| u32_at(block, at, big);
        if kind == SIMPLE_PACKET {
            return Some(Self {
                interface: 0,
                time: None,
                captured: None,
                wire_len: field(8)?,
            });
        }
        Some(Self {
            interface: match kind {
                OBSOLETE_PACKET => u32::from(u16_at(block, 8, big)?),
                _ => field(8)?,
            },
            time: Some((u64::from(field(12)?) << 32) | u64::from(field(16)?)),
            captured: Some(field(20)?),
            wire_len: field(24)?,
        })
    }
}

/// How many bytes of a simple packet were captured: it does not say.
fn simple_len(wire_len: u32, snap_len: u32, room: usize) -> usize {
    let snap_len = if snap_len == 0 { u32::MAX } else { snap_len };
    (wire_len.min(snap_len) as usize).min(room)
}

/// From an interface's units to nanoseconds since the Unix epoch.
struct Clock {
    units: Units,
    offset_nanos: i64,
}

enum Units {
    /// 10^-n seconds, n at most 9: so many nanoseconds each.
    Coarse(u64),
    /// 10^-n seconds, n above 9: so many to a nanosecond.
    Fine(u64),
    /// 2^-n seconds.
    Binary(u32),
}

impl Clock {
    /// The options `if_tsresol` and `if_tsoffset`; without them, microseconds since the epoch.
    fn of(description: &InterfaceDescriptionBlock<'_>, big: bool) -> Self {
        let resolution = description.if_tsresol;
        let exponent = u32::from(resolution & 0x7f);
        let units = if resolution & 0x80 != 0 {
            Units::Binary(exponent)
        } else if exponent <= 9 {
            Units::Coarse(10_u64.pow(9 - exponent))
        } else {
            Units::Fine(10_u64.checked_pow(exponent - 9).unwrap_or(u64::MAX))
        };
        // Read here, because pcap-parser takes it for little-endian always.
        let seconds = description
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            .and_then(|option| option.value().first_chunk::<8>())
            .map_or(0, |bytes| {
                if big {
                    i64::from_be_bytes(*bytes)
                } else {
                    i64::from_le_bytes(*bytes)
                }
            });
        Self {
            units,
            offset_nanos: seconds.saturating_mul(1_000_000_000),
        }
    }

    #[inline]
    fn time(&self, units: u64) -> Timestamp {
        let nanos = match self.units {
            Units::Coarse(each) => units.saturating_mul(each),
            Units::Fine(of_one) => units / of_one,
            Units::Binary(exponent) => {
                let nanos = (u128::from(units) * 1_000_000_000) >> exponent;
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        };
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        Timestamp::from_nanos(nanos.saturating_add(self.offset_nanos))
    }
}

/// The length of a block, if it can be one.
#[inline]
fn block_size(len: u32) -> Result<usize, Stop> {
    if len < 12 || !len.is_multiple_of(4) {
        return Err(damaged(format!("a block of {len} bytes, which cannot be")));
    }
    Ok(len as usize)
}

fn damaged(what: String) -> Stop {
    Stop::Ended(EndReason::Damaged(what))
}
