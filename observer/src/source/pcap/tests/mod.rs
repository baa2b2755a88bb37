//! Captures written by hand in every format, and what is read of them.

mod files;
mod fragments;
mod growing;
mod hostile;
mod links;
mod packets;
mod terms;
mod tunnels;

use std::io::Cursor;
use std::path::Path;

use etherparse::PacketBuilder;

use super::*;
use crate::packet::{Item, ItemKind, Segment};

/// The bytes of a number in one of the two orders.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    pub(super) const BOTH: [Self; 2] = [Self::Big, Self::Little];

    pub(super) fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }

    pub(super) fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Big => number.to_be_bytes(),
            Self::Little => number.to_le_bytes(),
        }
    }
}

/// A pcap file.
pub(super) struct Classic {
    pub(super) order: Order,
    pub(super) modified: bool,
    pub(super) bytes: Vec<u8>,
}

impl Classic {
    pub(super) fn new(order: Order, magic: u32, link: u32) -> Self {
        let mut bytes = Vec::new();
        bytes.extend(order.u32(magic));
        bytes.extend([order.u16(2), order.u16(4)].concat());
        for word in [0, 0, 262_144, link] {
            bytes.extend(order.u32(word));
        }
        let modified = magic == 0xa1b2_cd34;
        Self {
            order,
            modified,
            bytes,
        }
    }

    /// A file of Ethernet packets with microseconds.
    pub(super) fn ethernet() -> Self {
        Self::new(Order::Little, 0xa1b2_c3d4, 1)
    }

    pub(super) fn packet(mut self, seconds: u32, fraction: u32, data: &[u8], wire: u32) -> Self {
        for word in [seconds, fraction, data.len() as u32, wire] {
            self.bytes.extend(self.order.u32(word));
        }
        if self.modified {
            self.bytes.extend([0; 8]);
        }
        self.bytes.extend(data);
        self
    }
}

/// A pcapng file.
pub(super) struct Ng {
    pub(super) order: Order,
    pub(super) bytes: Vec<u8>,
}

impl Ng {
    pub(super) fn new(order: Order) -> Self {
        let bytes = Vec::new();
        Self { order, bytes }.section()
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(self.order.u32(len));
        self.bytes.extend(body);
        self.bytes.extend(vec![0; padding]);
        self.bytes.extend(self.order.u32(len));
        self
    }

    pub(super) fn section(self) -> Self {
        let order = self.order;
        let body = [
            &order.u32(0x1a2b_3c4d)[..],
            &order.u16(1),
            &order.u16(0),
            &[0xff; 8],
        ];
        self.block(0x0a0d_0d0a, &body.concat())
    }

    pub(super) fn interface(self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Self {
        let order = self.order;
        let mut body = [order.u16(link), [0; 2]].concat();
        body.extend(order.u32(snap_len));
        for (code, value) in options {
            body.extend([order.u16(*code), order.u16(value.len() as u16)].concat());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, time: u64, data: &[u8], wire: u32) -> Self {
        let words = [
            interface,
            (time >> 32) as u32,
            time as u32,
            data.len() as u32,
            wire,
        ];
        let mut body = words.map(|word| self.order.u32(word)).concat();
        body.extend(data);
        self.block(6, &body)
    }

    pub(super) fn simple(self, data: &[u8], wire: u32) -> Self {
        let body = [&self.order.u32(wire)[..], data].concat();
        self.block(3, &body)
    }
}

/// An Ethernet frame with a TCP segment from 10.0.0.1:1000 to 10.0.0.2:80.
pub(super) fn ethernet(seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .tcp(1000, 80, seq, 1024)
        .write(&mut frame, payload)
        .unwrap();
    frame
}

/// What was read: the report, and every item with its captured bytes.
pub(super) type Outcome = (Report, Vec<(Item, Vec<u8>)>);

/// Reads a file that is given as its bytes, to its end.
pub(super) fn read(bytes: &[u8]) -> Result<Outcome, PcapError> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let captures = Captures::over(input, Path::new("capture"))?;
    drain(captures)
}

/// Reads captures to their end.
pub(super) fn drain(mut captures: Captures) -> Result<Outcome, PcapError> {
    let mut batch = Batch::new();
    let mut items = Vec::new();
    loop {
        let more = captures.read(&mut batch)?;
        for item in batch.items() {
            let ItemKind::Segment(segment) = &item.kind else {
                panic!("a capture has only segments");
            };
            items.push((item.clone(), batch.bytes(&segment.payload).to_vec()));
        }
        if !more {
            let report = captures.report();
            let counted = report.segments
                + report.acknowledgements
                + report.unwanted
                + report.filtered
                + report.joined
                + report.skipped.total();
            assert_eq!(report.packets, counted, "{report:?}");
            assert_eq!(report.segments, items.len() as u64);
            return Ok((report, items));
        }
    }
}

pub(super) fn segment(item: &Item) -> &Segment {
    match &item.kind {
        ItemKind::Segment(segment) => segment,
        other => panic!("{other:?}"),
    }
}
