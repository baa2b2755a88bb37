//! One connection: its life, its two streams, and what is said on them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::conversation::Conversation;
use super::shard::Context;
use crate::packet::{ConnectionKey, Direction, Handling, ItemKind, Role, Segment, UnixEnds};
use crate::stream::{Assembler, Incoming};
use crate::time::Timestamp;

/// What the engine keeps of a connection.
pub(super) struct Connection {
    key: ConnectionKey,
    streams: [Assembler; 2],
    conversation: Option<Conversation>,
    /// The sequence number after the SYN of a direction.
    begins: [Option<u32>; 2],
    opened: Option<Role>,
    unix: Option<Arc<UnixEnds>>,
    closed: Option<Timestamp>,
}

/// How long a closed connection is remembered, so that a late copy of one of its segments does not
/// pass for a new connection.
const LINGER: Duration = Duration::from_secs(5);
/// When the other direction shows that the bytes of a hole arrived unseen, the hole is waited for so
/// much longer: captures mix up neighbours by less.
const HURRY: Duration = Duration::from_millis(20);
/// A SYN that is seen late begins at most this far before what was seen first.
const LATE_SYN: u32 = 64 * 1024;

impl Connection {
    pub(super) fn new(key: ConnectionKey) -> Self {
        Self {
            key,
            streams: [Assembler::default(), Assembler::default()],
            conversation: None,
            begins: [None; 2],
            opened: None,
            unix: None,
            closed: None,
        }
    }

    /// Memory held beyond the connection itself, in bytes.
    pub(super) fn held(&self) -> usize {
        let streams = self.streams.iter().map(Assembler::held).sum::<usize>();
        streams + self.conversation.as_ref().map_or(0, Conversation::held)
    }

    /// Whether it can be forgotten.
    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.closed.is_some_and(|at| at.plus(LINGER) <= now)
    }

    /// Takes what the source saw. `bytes` are the payload of a segment.
    pub(super) fn item(&mut self, kind: &ItemKind, bytes: &[u8], context: &mut Context<'_>) {
        match kind {
            ItemKind::Segment(segment) => self.segment(segment, bytes, context),
            ItemKind::Opened { role, .. } => {
                self.opened.get_or_insert(*role);
            }
            ItemKind::Unix(ends) => self.unix = Some(Arc::clone(ends)),
            ItemKind::Closed => self.close(context),
            ItemKind::Handled(direction, handling) => self.handled(*direction, handling, context),
        }
    }

    /// When time alone changes something.
    pub(super) fn deadline(&self, context: &Context<'_>) -> Option<Timestamp> {
        let holes = self.streams.iter().filter_map(Assembler::deadline).min();
        let conversation = self
            .conversation
            .as_ref()
            .and_then(|conversation| conversation.deadline(context));
        let gone = self.closed.map(|at| at.plus(LINGER));
        [holes, conversation, gone].into_iter().flatten().min()
    }

    /// Does what time alone brings about, at `context.now`.
    pub(super) fn wake(&mut self, context: &mut Context<'_>) {
        for direction in [Direction::Forward, Direction::Reverse] {
            let deadline = self.streams[direction.index()].deadline();
            if deadline.is_some_and(|at| at <= context.now) {
                self.give_up(direction, context);
            }
        }
        self.after(context);
    }

    /// Ends the connection: everything that waits in it is given up and told.
    pub(super) fn close(&mut self, context: &mut Context<'_>) {
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(context.now);
        for direction in [Direction::Forward, Direction::Reverse] {
            while self.streams[direction.index()].waits() {
                self.give_up(direction, context);
            }
        }
        if let Some(conversation) = &mut self.conversation {
            conversation.close(context);
        }
    }

    /// Ends the connection and tells what is left, even what waits to learn who handled it.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        self.close(context);
        if let Some(conversation) = &mut self.conversation {
            conversation.finish(context);
        }
    }

    fn handled(&mut self, direction: Direction, handling: &Handling, context: &mut Context<'_>) {
        if let Some(conversation) = &mut self.conversation {
            conversation.handled(direction, handling);
            conversation.release(context);
        }
    }

    fn segment(&mut self, segment: &Segment, bytes: &[u8], context: &mut Context<'_>) {
        if segment.flags.syn {
            self.syn(segment, context);
        }
        if self.closed.is_some() {
            return;
        }
        if segment.flags.rst {
            return self.close(context);
        }
        let readable = self
            .conversation
            .as_ref()
            .is_none_or(Conversation::is_readable);
        if segment.wire_len > 0 && readable {
            self.converse(segment);
        }
        if let (Some(at), Some(conversation)) = (segment.moved, &mut self.conversation) {
            conversation.moved(segment.direction.flip(), at);
        }
        if segment.wire_len > 0 || segment.flags.fin {
            self.push(segment, bytes, context);
        }
        self.after(context);
    }

    /// Begins a direction, and a new connection where the addresses are used anew.
    fn syn(&mut self, segment: &Segment, context: &mut Context<'_>) {
        let bare = segment.wire_len == 0;
        let begin = segment.seq.wrapping_add(u32::from(bare));
        let at = segment.direction.index();
        let same = match (self.begins[at], self.streams[at].position()) {
            (Some(known), _) => known == begin,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the low half is the number"
            )]
            (None, Some(position)) => (position as u32).wrapping_sub(begin) <= LATE_SYN,
            (None, None) => true,
        };
        let is_flow = matches!(self.key, ConnectionKey::Flow { .. });
        if is_flow && (!same || (self.closed.is_some() && self.begins[at].is_none())) {
            self.close(context);
            *self = Self::new(self.key);
        }
        if self.closed.is_none() {
            self.begins[at] = Some(begin);
            self.streams[at].begin(begin);
        }
    }

    /// There is something to read: begins to, if that was not done yet.
    fn converse(&mut self, segment: &Segment) {
        // What answers a SYN with data is still to come.
        let opens = segment.flags.syn && !segment.flags.ack;
        let from_start = self
            .begins
            .map(|begin| begin.is_some() || self.opened.is_some() || opens);
        let (key, opened) = (self.key, self.opened);
        let unix = &self.unix;
        self.conversation.get_or_insert_with(|| {
            let addresses: (SocketAddr, SocketAddr) = match segment.direction {
                Direction::Forward => (segment.source, segment.target),
                Direction::Reverse => (segment.target, segment.source),
            };
            Conversation::new(key, addresses, unix.clone(), opened, from_start)
        });
    }

    fn push(&mut self, segment: &Segment, bytes: &[u8], context: &mut Context<'_>) {
        let direction = segment.direction;
        let incoming = Incoming {
            seq: segment.seq,
            bytes,
            wire_len: u64::from(segment.wire_len).max(bytes.len() as u64),
            tail: segment.tail,
            skipped: segment.skipped,
            lost: segment.lost,
            fin: segment.flags.fin,
            time: context.time,
        };
        let patience = context.limits.hole_timeout;
        let Some(conversation) = &mut self.conversation else {
            self.streams[direction.index()].push(incoming, context.now, patience, |_| 0);
            return;
        };
        let (now, before) = (context.now, conversation.replies());
        conversation.expect(direction, self.streams[direction.flip().index()].waits());
        self.streams[direction.index()].push(incoming, now, patience, |piece| {
            conversation.piece(direction, piece, context)
        });
        let waits = self.streams.iter().any(Assembler::waits);
        conversation.hear(direction, now, waits);
        if conversation.replies() != before {
            self.streams[direction.flip().index()].hurry(now.plus(HURRY));
        }
        while self.streams[direction.index()].held() > context.limits.held_per_direction {
            context.tally.holes_forced += 1;
            self.give_up(direction, context);
        }
    }

    fn give_up(&mut self, direction: Direction, context: &mut Context<'_>) {
        context.tally.holes_given_up += 1;
        let (now, patience) = (context.now, context.limits.hole_timeout);
        let conversation = &mut self.conversation;
        if let Some(conversation) = conversation {
            conversation.expect(direction, self.streams[direction.flip().index()].waits());
        }
        self.streams[direction.index()].give_up(now, patience, |piece| match conversation {
            Some(conversation) => conversation.piece(direction, piece, context),
            None => 0,
        });
    }

    /// Lets out what is complete, and ends what has ended in both directions.
    fn after(&mut self, context: &mut Context<'_>) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        for direction in [Direction::Forward, Direction::Reverse] {
            // What waits behind a hole may be the request of an answer that has come.
            let other = &self.streams[direction.flip().index()];
            if self.streams[direction.index()].ended() && !other.waits() {
                conversation.end(direction, context.now);
            }
        }
        conversation.release(context);
        if self.streams.iter().all(Assembler::ended) {
            self.close(context);
        }
    }
}
