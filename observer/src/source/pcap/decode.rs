//! From a frame to a TCP segment in a batch.

use super::as_live::AsLive;
use super::fragments::Fragments;
use super::frame::Frame;
use super::layer::{self, Layer, Opened, Packet, Place, Skip, Tcp};
use super::links::Links;
use super::report::{Report, Skipped};
use super::terms::Terms;
use super::ways::Ways;
use crate::packet::{Batch, Item, ItemKind, Tail};

/// Takes frames apart, numbers the links they were seen on, and counts what becomes of them.
#[derive(Default)]
pub(super) struct Decoder {
    links: Links,
    ways: Ways,
    fragments: Fragments,
    /// Keeps what a live run would have had; all without it.
    pub(super) as_live: Option<AsLive>,
    /// Keeps what it lets through; all without it.
    pub(super) terms: Option<Terms>,
    pub(super) report: Report,
}

/// How often a packet that was put together may carry a part of another: tunnels of tunnels.
const MAX_NESTED: usize = 4;

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
        let packet = Packet::new(bytes, frame.wire_len as usize, Place::default());
        self.take(frame, Layer::Link(frame.link), packet, batch, MAX_NESTED);
    }

    /// What was read so far.
    pub(super) fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.skipped.fragments += self.fragments.apart();
        report
    }

    #[inline]
    fn take(
        &mut self,
        frame: &Frame,
        layer: Layer,
        packet: Packet<'_>,
        batch: &mut Batch,
        nested: usize,
    ) {
        match layer::open(layer, packet) {
            Ok(Opened::Segment(tcp)) => self.segment(frame, &tcp, batch),
            Ok(Opened::Fragment(fragment)) if nested > 0 => {
                if let Some(whole) = self.fragments.add(&fragment, frame.time) {
                    // The last part stands for the packet, whatever is in it.
                    self.report.joined += whole.parts - 1;
                    self.take(frame, whole.layer(), whole.packet(), batch, nested - 1);
                }
            }
            Ok(Opened::Fragment(_)) => self.skip(frame, Skip::Fragment),
            Err(skip) => self.skip(frame, skip),
        }
    }

    fn skip(&mut self, frame: &Frame, skip: Skip) {
        let report = &mut self.report;
        *counter(skip, &mut report.skipped) += 1;
        if skip == Skip::LinkType {
            *report.unread_links.entry(frame.link).or_default() += 1;
        }
    }

    #[inline]
    fn segment(&mut self, frame: &Frame, tcp: &Tcp<'_>, batch: &mut Batch) {
        let report = &mut self.report;
        if self.terms.as_ref().is_some_and(|terms| !terms.pass(tcp)) {
            report.filtered += 1;
            return;
        }
        if tcp.is_bare() {
            report.acknowledgements += 1;
            return;
        }
        let link = self.links.number(frame.interface, &tcp.place);
        let only = self.links.is_only();
        let (direction, connection) = self.ways.connection(tcp, link, only);
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

fn counter(skip: Skip, skipped: &mut Skipped) -> &mut u64 {
    match skip {
        Skip::LinkType => &mut skipped.link_type,
        Skip::NotIp => &mut skipped.not_ip,
        Skip::NotTcp => &mut skipped.not_tcp,
        Skip::Fragment => &mut skipped.fragments,
        Skip::HeadersCut => &mut skipped.headers_cut,
        Skip::Malformed => &mut skipped.malformed,
    }
}
