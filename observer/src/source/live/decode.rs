//! From the kernel's records to the items that all sources have in common.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use lru::LruCache;
use observer_common::connection::Role as KernelRole;
use observer_common::record::{self, EGRESS, FIRST, LISTENER, Record};
use zeroize::Zeroizing;

use super::clock::Clock;
use super::counters::Reader;
use super::listener::{Held, Waiting};
use super::plan::Context;
use crate::identity::{Processes, SocketTable, Thread};
use crate::packet::{
    Batch, ConnectionKey, Direction, Flags, Handling, Item, ItemKind, KnownBy, Role, Segment, Tail,
    UnixEnds,
};
use crate::time::Timestamp;

/// Turns records into items.
pub(super) struct Decoder {
    pub(super) clock: Clock,
    pub(super) counts: Reader,
    waiting: Waiting,
    processes: Processes,
    /// Whether the agent is in the first pid namespace.
    first_namespace: bool,
    /// Who tells which thread handles what.
    probe: KnownBy,
    /// Who owns a socket, when no program tells who handles it.
    fallback: Option<Fallback>,
}

/// The table of sockets, and of which it was told who owns them.
struct Fallback {
    table: SocketTable,
    told: LruCache<u64, ()>,
}

/// How many sockets are remembered as told: 50 bytes each. One that is told again costs a little.
const TOLD: NonZeroUsize = NonZeroUsize::new(16 * 1024).expect("it is not zero");

impl Fallback {
    fn new() -> Self {
        Self {
            table: SocketTable::new(),
            told: LruCache::new(TOLD),
        }
    }
}

impl Decoder {
    /// `context`: what the context plane uses. `groups`: where the root of cgroup v2 is mounted.
    pub(super) fn new(context: Context, groups: Option<PathBuf>) -> Self {
        let probe = match context {
            Context::Tracepoint => Some(KnownBy::Tracepoint),
            Context::Trampoline => Some(KnownBy::Trampoline),
            Context::SocketTable => None,
        };
        Self {
            clock: Clock::new(),
            counts: Reader::default(),
            waiting: Waiting::default(),
            processes: Processes::new(groups),
            first_namespace: super::pid_namespace().is_none(),
            probe: probe.unwrap_or(KnownBy::SocketTable),
            fallback: probe.is_none().then(Fallback::new),
        }
    }

    /// Takes a record apart and puts what it says into the batch.
    pub(super) fn take(&mut self, bytes: &[u8], batch: &mut Batch) {
        match record::decode(bytes) {
            Some(Record::Segment(segment, payload)) => self.segment(&segment, payload, batch),
            Some(Record::Handled(handled)) => self.handled(&handled, batch),
            Some(Record::Closed(header)) => batch.push(Item {
                connection: ConnectionKey::Socket(header.cookie),
                time: self.clock.time(header.time),
                kind: ItemKind::Closed,
            }),
            Some(Record::Executed(executed)) => {
                let name = comm(&executed.comm);
                self.processes
                    .executed(executed.pid, &name, executed.header.time);
            }
            Some(Record::Unix(unix)) => self.unix(&unix, batch),
            None => self.counts.undecodable = self.counts.undecodable.saturating_add(1),
        }
    }

    /// Makes time pass, on a host where nothing happens too.
    pub(super) fn pass(&mut self, batch: &mut Batch) {
        self.clock.check();
        let now = self.clock.now();
        batch.advance(now);
        batch.set_step(self.clock.step());
        let unclaimed = self.waiting.expire(now);
        self.counts.unclaimed = self.counts.unclaimed.saturating_add(unclaimed);
    }

    fn segment(&mut self, record: &record::Segment, payload: &[u8], batch: &mut Batch) {
        let time = self.clock.time(record.header.time);
        let mut segment = segment(record, payload);
        segment.moved = (record.moved != 0).then(|| self.clock.time(record.moved));
        if segment.listener {
            let bytes = Zeroizing::new(payload.to_vec());
            let held = Held {
                time,
                segment,
                bytes,
            };
            let unclaimed = self.waiting.hold(held);
            self.counts.unclaimed = self.counts.unclaimed.saturating_add(unclaimed);
            return;
        }
        let connection = ConnectionKey::Socket(record.header.cookie);
        if record.header.flags & FIRST != 0 {
            self.first(connection, record, &segment, time, batch);
        }
        segment.payload = batch.store(payload);
        self.deliver(connection, time, segment, batch);
        self.owned(connection, record, time, batch);
    }

    /// The first segment of a socket brings what is known of the socket.
    fn first(
        &mut self,
        connection: ConnectionKey,
        record: &record::Segment,
        segment: &Segment,
        time: Timestamp,
        batch: &mut Batch,
    ) {
        let (local, remote) = match segment.direction {
            Direction::Forward => (segment.source, segment.target),
            Direction::Reverse => (segment.target, segment.source),
        };
        let (waited, strange) = self.waiting.claim(segment);
        self.counts.unclaimed = self.counts.unclaimed.saturating_add(strange);
        let opened = waited.first().map_or(time, |held| held.time.min(time));
        // With Fast Open a service may answer before the handshake ends and its role is noted; but what
        // came in under a listening socket tells it.
        let listened = (!waited.is_empty()).then_some(Role::Server);
        let role = role(record.header.role).or_else(|| role_by_syn(segment));
        if let Some(role) = role.or(listened) {
            let kind = ItemKind::Opened {
                role,
                local,
                remote,
            };
            batch.push(Item {
                connection,
                time: opened,
                kind,
            });
        }
        for mut held in waited {
            held.segment.payload = batch.store(&held.bytes);
            held.segment.listener = false;
            self.deliver(connection, held.time, held.segment, batch);
        }
    }

    /// Who owns the socket of a segment, once it is known. The table may know it late: it is asked again
    /// with every segment until then.
    fn owned(
        &mut self,
        connection: ConnectionKey,
        record: &record::Segment,
        time: Timestamp,
        batch: &mut Batch,
    ) {
        let cookie = record.header.cookie;
        let Some(Fallback { table, told }) = &mut self.fallback else {
            return;
        };
        if told.get(&cookie).is_some() {
            return;
        }
        let Some(owner) = table.owner(cookie) else {
            return;
        };
        told.put(cookie, ());
        let thread = Thread {
            pid: owner.pid,
            tid: owner.pid,
            name: &owner.name,
        };
        // The cgroup is that of who made the socket, which may be another process.
        let (name, process) = self.processes.who(thread, 0, record.header.time);
        let handling = Handling {
            pid: owner.pid,
            tid: owner.pid,
            name,
            process,
            cgroup: record.cgroup,
            known_by: KnownBy::SocketTable,
        };
        let kind = ItemKind::Handled(direction(record.header.direction), handling);
        batch.push(Item {
            connection,
            time,
            kind,
        });
    }

    fn deliver(
        &mut self,
        connection: ConnectionKey,
        time: Timestamp,
        segment: Segment,
        batch: &mut Batch,
    ) {
        self.counts.delivered = self.counts.delivered.saturating_add(1);
        let kind = ItemKind::Segment(segment);
        batch.push(Item {
            connection,
            time,
            kind,
        });
    }

    fn unix(&mut self, record: &record::Unix, batch: &mut Batch) {
        let server = role(record.header.role) == Some(Role::Server);
        let (path, len) = if server {
            (&record.local, record.local_len)
        } else {
            (&record.remote, record.remote_len)
        };
        let ends = UnixEnds {
            path: socket_name(path, len.into()),
            // Its number is that of the first pid namespace.
            peer: (record.peer != 0 && self.first_namespace).then_some(record.peer),
        };
        batch.push(Item {
            connection: ConnectionKey::Socket(record.header.cookie),
            time: self.clock.time(record.header.time),
            kind: ItemKind::Unix(Arc::new(ends)),
        });
    }

    fn handled(&mut self, record: &record::Handled, batch: &mut Batch) {
        if record.pid == 0 {
            // A process that has no number in our pid namespace.
            return;
        }
        let thread = Thread {
            pid: record.pid,
            tid: record.tid,
            name: &comm(&record.comm),
        };
        let (name, process) = self
            .processes
            .who(thread, record.cgroup, record.header.time);
        let handling = Handling {
            pid: record.pid,
            tid: record.tid,
            name,
            process,
            cgroup: record.cgroup,
            known_by: self.probe,
        };
        batch.push(Item {
            connection: ConnectionKey::Socket(record.header.cookie),
            time: self.clock.time(record.header.time),
            kind: ItemKind::Handled(direction(record.header.direction), handling),
        });
    }
}

/// The segment of a record, without the place of its bytes.
fn segment(record: &record::Segment, payload: &[u8]) -> Segment {
    const FIN: u8 = 1;
    const SYN: u8 = 1 << 1;
    const RST: u8 = 1 << 2;
    const ACK: u8 = 1 << 4;
    let direction = direction(record.header.direction);
    let local = address(record.local, record.local_port);
    let remote = address(record.remote, record.remote_port);
    let (source, target) = match direction {
        Direction::Forward => (local, remote),
        Direction::Reverse => (remote, local),
    };
    let flag = |bit| record.tcp_flags & bit != 0;
    let whole = payload.len() >= usize::try_from(record.wire_len).unwrap_or(usize::MAX);
    Segment {
        direction,
        source,
        target,
        seq: record.seq,
        flags: Flags {
            syn: flag(SYN),
            ack: flag(ACK),
            fin: flag(FIN),
            rst: flag(RST),
        },
        payload: 0..0,
        wire_len: record.wire_len,
        tail: if whole { Tail::Whole } else { Tail::Unwanted },
        skipped: record.skipped,
        lost: record.lost,
        moved: None,
        listener: record.header.flags & LISTENER != 0,
    }
}

/// For a socket, `Forward` is out of it.
fn direction(number: u8) -> Direction {
    if number == EGRESS {
        Direction::Forward
    } else {
        Direction::Reverse
    }
}

fn role(number: u8) -> Option<Role> {
    match number {
        number if number == KernelRole::Client as u8 => Some(Role::Client),
        number if number == KernelRole::Server as u8 => Some(Role::Server),
        _ => None,
    }
}

/// Who sends a SYN asks. With Fast Open it has data, and the socket is not established yet.
fn role_by_syn(segment: &Segment) -> Option<Role> {
    let asks = segment.flags.syn && !segment.flags.ack;
    asks.then_some(match segment.direction {
        Direction::Forward => Role::Client,
        Direction::Reverse => Role::Server,
    })
}

/// An address of a record. What is written as `::ffff:a.b.c.d` is IPv4.
fn address(bytes: [u8; 16], port: u16) -> SocketAddr {
    let address = Ipv6Addr::from(bytes);
    let address = address
        .to_ipv4_mapped()
        .map_or(IpAddr::V6(address), IpAddr::V4);
    SocketAddr::new(address, port)
}

/// The name of a unix socket as the kernel keeps it, of which `len` bytes count. `None`: it has none.
pub(super) fn socket_name(bytes: &[u8], len: usize) -> Option<String> {
    let bytes = bytes.get(..len)?;
    // An abstract name starts with a zero and may have more; a path ends with one.
    let (sign, bytes) = match bytes.strip_prefix(&[0]) {
        Some(rest) => ("@", rest),
        None => ("", bytes),
    };
    let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let text = String::from_utf8_lossy(bytes.get(..end)?);
    Some(format!("{sign}{text}"))
}

/// A name that ends with a zero. It may hold any bytes: a process names itself.
pub(super) fn comm(bytes: &[u8; 16]) -> String {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
