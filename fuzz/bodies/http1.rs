//! Any bytes as what is said on a connection, with segments lost, repeated, cut and out of order: what
//! comes out does not depend on how segments are cut into batches, and what is held is bounded.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use observer::credential::Policy;
use observer::engine::{Engine, Limits, Output};
use observer::packet::{Batch, ConnectionKey, Direction, Flags, Item, ItemKind, Segment, Tail};
use observer::time::Timestamp;

static POLICY: LazyLock<Arc<Policy>> =
    LazyLock::new(|| Arc::new(Policy::random().expect("the system gives random bytes")));

/// What comes before a segment; the byte after it says how the segment fares.
const MARK: u8 = 0xfe;

/// One input.
pub(crate) fn run(bytes: &[u8]) {
    let segments = segments(bytes);
    let at_once = said(&segments, usize::MAX);
    assert_eq!(said(&segments, 1), at_once, "one segment in a batch");
    assert!(at_once.len() <= 2 * bytes.len());
}

/// A segment before it is put into a batch.
struct Said<'a> {
    direction: Direction,
    seq: u32,
    millis: i64,
    flags: Flags,
    bytes: &'a [u8],
    /// How many bytes at its end were not captured.
    cut: u32,
}

/// The bits of the byte after a mark, from the lowest: the server speaks; lost; repeated; before the
/// segment that came last; its end is cut; FIN; RST; a second passes.
fn segments(bytes: &[u8]) -> Vec<Said<'_>> {
    let mut next = [0_u32; 2];
    let mut millis = 0;
    let mut segments = Vec::new();
    for part in bytes.split(|byte| *byte == MARK) {
        let Some((how, data)) = part.split_first() else {
            continue;
        };
        let is = |bit: u8| how & (1 << bit) != 0;
        millis += if is(7) { 1000 } else { 1 };
        let direction = if is(0) {
            Direction::Reverse
        } else {
            Direction::Forward
        };
        let cut = if is(4) { data.len() / 2 } else { 0 };
        let segment = || Said {
            direction,
            seq: next[direction.index()],
            millis,
            flags: Flags {
                ack: true,
                fin: is(5),
                rst: is(6) && is(5),
                syn: false,
            },
            bytes: data.get(..data.len() - cut).unwrap_or_default(),
            cut: cut as u32,
        };
        if !is(1) {
            let at = segments.len() - usize::from(is(3)).min(segments.len());
            segments.insert(at, segment());
        }
        if is(2) {
            segments.push(segment());
        }
        let place = &mut next[direction.index()];
        *place = place.wrapping_add(data.len() as u32);
    }
    segments
}

/// Method, path and status of every exchange, with `size` segments in a batch.
fn said(segments: &[Said<'_>], size: usize) -> Vec<String> {
    let limits = Limits {
        held_per_direction: 4096,
        held: 16 * 1024,
        ..Limits::default()
    };
    let mut engine = Engine::new(limits, Arc::clone(&POLICY), NonZeroUsize::MIN);
    let mut output = Vec::new();
    let mut batch = Batch::new();
    for part in segments.chunks(size) {
        batch.clear();
        for segment in part {
            push(&mut batch, segment);
        }
        output.extend(engine.process(&batch));
    }
    output.extend(engine.finish());
    output
        .iter()
        .filter_map(|seen| match seen {
            Output::Exchange(exchange) => Some(format!(
                "{:?} {:?} {:?}",
                exchange
                    .request
                    .as_ref()
                    .map(|request| (&request.method, &request.path)),
                exchange.response.as_ref().map(|response| response.status),
                exchange.completed
            )),
            _ => None,
        })
        .collect()
}

fn push(batch: &mut Batch, said: &Said<'_>) {
    let low: SocketAddr = ([10, 0, 0, 1], 40_000).into();
    let high: SocketAddr = ([10, 0, 0, 2], 80).into();
    let (source, target) = match said.direction {
        Direction::Forward => (low, high),
        Direction::Reverse => (high, low),
    };
    let payload = batch.store(said.bytes);
    batch.push(Item {
        connection: ConnectionKey::Flow { low, high, link: 0 },
        time: Timestamp::from_nanos(said.millis * 1_000_000),
        kind: ItemKind::Segment(Segment {
            direction: said.direction,
            source,
            target,
            seq: said.seq,
            flags: said.flags,
            payload,
            wire_len: said.bytes.len() as u32 + said.cut,
            tail: if said.cut > 0 { Tail::Cut } else { Tail::Whole },
            skipped: 0,
            lost: 0,
            listener: false,
            moved: None,
        }),
    });
}
