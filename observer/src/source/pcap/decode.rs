//! From a frame to a TCP segment in a batch.

use std::net::{IpAddr, SocketAddr};

use etherparse::{IpNumber, LaxIpSlice, TcpHeaderSlice, err};

use super::as_live::{AsLive, Offered, Wanted};
use super::frame::Frame;
use super::link::{self, NoNetwork};
use super::links::Links;
use super::report::{Report, Skipped};
use crate::packet::{Batch, ConnectionKey, Direction, Flags, Item, ItemKind, Segment, Tail};

/// Takes frames apart, numbers the links they were seen on, and counts what becomes of them.
#[derive(Default)]
pub(super) struct Decoder {
    links: Links,
    /// Keeps what a live run would have had; all without it.
    pub(super) as_live: Option<AsLive>,
    pub(super) report: Report,
}

impl Decoder {
    /// Puts the segment of a frame into the batch, if there is one that matters.
    pub(super) fn decode(&mut self, frame: &Frame, bytes: &[u8], batch: &mut Batch) {
        let report = &mut self.report;
        report.packets += 1;
        report.bytes += bytes.len() as u64;
        report.untimed += u64::from(!frame.timed);
        report.first = Some(
            report
                .first
                .map_or(frame.time, |first| first.min(frame.time)),
        );
        report.last = Some(report.last.map_or(frame.time, |last| last.max(frame.time)));
        batch.advance(frame.time);
        match tcp(frame, bytes) {
            Err(skip) => {
                *skip.counter(&mut report.skipped) += 1;
                if skip == Skip::LinkType {
                    *report.unread_links.entry(frame.link).or_default() += 1;
                }
            }
            Ok(tcp) if tcp.is_bare() => report.acknowledgements += 1,
            Ok(tcp) => {
                let link = self.links.number(frame.interface, tcp.device, tcp.vlans);
                let (direction, connection) = tcp.connection(link);
                let wanted = match &mut self.as_live {
                    None => tcp.all(),
                    Some(rule) => rule.look(connection, &tcp.offered(direction)),
                };
                if wanted.len == 0 && !tcp.is_flagged() {
                    report.unwanted += 1;
                    return;
                }
                let segment = tcp.segment(direction, &wanted, batch);
                report.segments += 1;
                report.cut += u64::from(segment.tail == Tail::Cut);
                batch.push(Item {
                    connection,
                    time: frame.time,
                    kind: ItemKind::Segment(segment),
                });
            }
        }
    }
}

/// Why a packet is left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Skip {
    LinkType,
    NotIp,
    NotTcp,
    Fragment,
    HeadersCut,
    Malformed,
}

impl Skip {
    fn counter(self, skipped: &mut Skipped) -> &mut u64 {
        match self {
            Self::LinkType => &mut skipped.link_type,
            Self::NotIp => &mut skipped.not_ip,
            Self::NotTcp => &mut skipped.not_tcp,
            Self::Fragment => &mut skipped.fragments,
            Self::HeadersCut => &mut skipped.headers_cut,
            Self::Malformed => &mut skipped.malformed,
        }
    }
}

/// A TCP segment where it lies in the frame.
struct Tcp<'a> {
    source: SocketAddr,
    target: SocketAddr,
    seq: u32,
    flags: Flags,
    payload: &'a [u8],
    wire_len: u32,
    vlans: u64,
    device: u32,
}

impl Tcp<'_> {
    /// Whether it says nothing that reassembly could use.
    fn is_bare(&self) -> bool {
        self.wire_len == 0 && !self.is_flagged()
    }

    fn is_flagged(&self) -> bool {
        self.flags.syn || self.flags.fin || self.flags.rst
    }

    /// Which connection it belongs to, and which way it goes.
    fn connection(&self, link: u32) -> (Direction, ConnectionKey) {
        let (direction, low, high) = if self.source <= self.target {
            (Direction::Forward, self.source, self.target)
        } else {
            (Direction::Reverse, self.target, self.source)
        };
        (direction, ConnectionKey::Flow { low, high, link })
    }

    /// The sequence number of its first byte, if it has data: a SYN takes one of its own, before the
    /// data that it may carry (RFC 7413).
    fn first(&self) -> u32 {
        let behind_syn = self.flags.syn && self.wire_len > 0;
        self.seq.wrapping_add(u32::from(behind_syn))
    }

    fn all(&self) -> Wanted {
        Wanted {
            offset: 0,
            len: self.wire_len,
            skipped: 0,
        }
    }

    fn offered(&self, direction: Direction) -> Offered<'_> {
        Offered {
            direction,
            seq: self.first(),
            flags: self.flags,
            payload: self.payload,
            wire_len: self.wire_len,
        }
    }

    /// The wanted part of it, with its bytes in the batch.
    fn segment(&self, direction: Direction, wanted: &Wanted, batch: &mut Batch) -> Segment {
        let from = (wanted.offset as usize).min(self.payload.len());
        let to = from.saturating_add(wanted.len as usize);
        let wire_len = self.wire_len.saturating_sub(wanted.offset);
        let tail = if to > self.payload.len() {
            Tail::Cut
        } else if wanted.len < wire_len {
            Tail::Unwanted
        } else {
            Tail::Whole
        };
        let bytes = self.payload.get(from..to.min(self.payload.len()));
        Segment {
            direction,
            source: self.source,
            target: self.target,
            seq: self.first().wrapping_add(wanted.offset),
            flags: self.flags,
            payload: batch.store(bytes.unwrap_or_default()),
            wire_len,
            tail,
            skipped: wanted.skipped,
            lost: 0,
            listener: false,
        }
    }
}

/// Finds the TCP segment in a frame.
#[inline]
fn tcp<'a>(frame: &Frame, bytes: &'a [u8]) -> Result<Tcp<'a>, Skip> {
    let network = link::network(frame.link, bytes).map_err(|none| match none {
        NoNetwork::LinkType => Skip::LinkType,
        NoNetwork::NotIp => Skip::NotIp,
        NoNetwork::Cut => Skip::HeadersCut,
    })?;
    let packet = bytes.get(network.offset..).unwrap_or_default();
    let on_wire = (frame.wire_len as usize).saturating_sub(network.offset);
    let ip = internet(packet, on_wire)?;
    let header = TcpHeaderSlice::from_slice(ip.payload).map_err(|error| match error {
        err::tcp::HeaderSliceError::Len(_) if ip.payload.len() < ip.wire_len => Skip::HeadersCut,
        _ => Skip::Malformed,
    })?;
    let header_len = header.slice().len();
    Ok(Tcp {
        source: SocketAddr::new(ip.source, header.source_port()),
        target: SocketAddr::new(ip.target, header.destination_port()),
        seq: header.sequence_number(),
        flags: Flags {
            syn: header.syn(),
            ack: header.ack(),
            fin: header.fin(),
            rst: header.rst(),
        },
        payload: ip.payload.get(header_len..).unwrap_or_default(),
        wire_len: u32::try_from(ip.wire_len.saturating_sub(header_len)).unwrap_or(u32::MAX),
        vlans: network.vlans,
        device: network.device,
    })
}

/// What an IP packet carries.
struct Carried<'a> {
    source: IpAddr,
    target: IpAddr,
    payload: &'a [u8],
    /// How long the payload was on the wire; at least as long as `payload`.
    wire_len: usize,
}

/// Takes an IP packet apart. `on_wire` is how long it was on the wire by the capture: its own length
/// field wins, because Ethernet pads short packets, unless that is 0 (segmentation offload).
#[inline]
fn internet(packet: &[u8], on_wire: usize) -> Result<Carried<'_>, Skip> {
    let (ip, _) = LaxIpSlice::from_slice(packet).map_err(|error| match error {
        err::ip::LaxHeaderSliceError::Len(_) if packet.len() < on_wire => Skip::HeadersCut,
        _ => Skip::Malformed,
    })?;
    let (declared, least) = match &ip {
        LaxIpSlice::Ipv4(ip) => (
            usize::from(ip.header().total_len()),
            ip.header().slice().len(),
        ),
        LaxIpSlice::Ipv6(ip) => match ip.header().payload_length() {
            0 => (0, 0),
            len => (usize::from(len) + ip.header().slice().len(), 0),
        },
    };
    if declared != 0 && declared < least {
        return Err(Skip::Malformed);
    }
    let carried = ip.payload();
    if carried.fragmented {
        return Err(Skip::Fragment);
    }
    if carried.ip_number != IpNumber::TCP {
        return Err(Skip::NotTcp);
    }
    let whole = if declared == 0 { on_wire } else { declared };
    // All headers of the packet lie between its start and its payload. A payload that is shorter than
    // the packet because of padding is as long as declared.
    let wire_len = if carried.incomplete || declared == 0 {
        let headers = packet.len() - carried.payload.len();
        whole.saturating_sub(headers)
    } else {
        carried.payload.len()
    };
    Ok(Carried {
        source: ip.source_addr().to_canonical(),
        target: ip.destination_addr().to_canonical(),
        payload: carried.payload,
        wire_len: wire_len.max(carried.payload.len()),
    })
}
