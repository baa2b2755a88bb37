//! What is said on a connection: from ordered pieces to exchanges.

use std::net::SocketAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Output;
use super::pairing::{Pairing, Waits};
use super::shard::Context;
use crate::credential::Credential;
use crate::exchange::{Connection, Exchange, Side, TlsSeen};
use crate::packet::{ConnectionKey, Direction, Handling, Role};
use crate::protocol::http1::{Asked, Found, Hole, Http1, Messages, RequestHead, ResponseHead};
use crate::protocol::{Protocol, tls};
use crate::stream::{Gap, Piece};
use crate::time::Timestamp;

/// What is said on a connection.
pub(super) struct Conversation {
    key: ConnectionKey,
    /// The sender and the receiver of `Forward`.
    addresses: (SocketAddr, SocketAddr),
    role: Option<Role>,
    protocol: Protocol,
    from_start: bool,
    http: Http1,
    pairing: Pairing,
    turns: Turns,
    /// The start of a direction that may turn out to be a TLS record.
    hello: Option<(Direction, Zeroizing<Vec<u8>>)>,
}

impl Conversation {
    /// `from_start`: which directions began under our eyes, so that their first bytes will be seen.
    pub(super) fn new(
        key: ConnectionKey,
        addresses: (SocketAddr, SocketAddr),
        role: Option<Role>,
        from_start: [bool; 2],
    ) -> Self {
        Self {
            key,
            addresses,
            role,
            protocol: Protocol::Undecided,
            from_start: from_start.contains(&true),
            http: Http1::new(from_start),
            pairing: Pairing::new(from_start.contains(&false)),
            turns: Turns::default(),
            hello: None,
        }
    }

    /// Memory held, in bytes.
    pub(super) fn held(&self) -> usize {
        let hello = self.hello.as_ref().map_or(0, |(_, bytes)| bytes.capacity());
        hello + self.http.held() + self.pairing.held()
    }

    /// Whether more bytes can change anything.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.protocol, Protocol::Undecided | Protocol::Http1)
    }

    /// Notes that data came.
    pub(super) fn hear(&mut self, direction: Direction, now: Timestamp) {
        self.turns.hear(direction, now);
        self.pairing.hear(now);
    }

    /// Whether answers go in this direction, as far as is known.
    pub(super) fn answers_go(&self, direction: Direction) -> bool {
        self.http.requests() == Some(direction.flip())
    }

    /// How many messages showed that their sender got everything the other end said before: requests,
    /// and answers to requests that were not seen.
    pub(super) fn replies(&self) -> u64 {
        self.pairing.replies()
    }

    /// Says whether something of the direction against `direction` waits behind a hole, before pieces
    /// of `direction` are given.
    pub(super) fn expect(&mut self, direction: Direction, waits: bool) {
        let request_waits = waits && self.http.requests() != Some(direction);
        self.pairing
            .expect(request_waits || self.http.in_request_head());
    }

    /// Takes a piece of a direction. Says up to which position bytes do not matter.
    pub(super) fn piece(
        &mut self,
        direction: Direction,
        piece: Piece<'_>,
        context: &mut Context<'_>,
    ) -> u64 {
        if !self.is_readable() {
            return u64::MAX;
        }
        if let Piece::Gap(Gap { lost, .. }) = piece {
            context.tally.bytes_missing += lost;
        }
        if self.protocol == Protocol::Undecided
            && let Some(unwanted) = self.look_for_tls(direction, &piece, context)
        {
            return unwanted;
        }
        self.read(direction, piece, context)
    }

    /// No answer will come any more in an ended direction.
    pub(super) fn end(&mut self, direction: Direction, now: Timestamp) {
        if self.answers_go(direction) {
            self.pairing.end_answers(now);
        }
    }

    /// The connection is over.
    pub(super) fn close(&mut self, context: &mut Context<'_>) {
        if let Some((direction, bytes)) = self.hello.take() {
            self.tell_hello(direction, &bytes, context);
        }
        let mut told = Told {
            pairing: &mut self.pairing,
            turns: &self.turns,
            direction: self.http.requests().unwrap_or(Direction::Forward),
            context,
        };
        self.http.close(&mut told);
        self.pairing.end_answers(context.now);
        self.release(context);
    }

    /// Nothing more will be told of it: what waits to learn who handled it leaves without.
    pub(super) fn finish(&mut self, context: &mut Context<'_>) {
        let waits = Waits {
            handling: None,
            ..self.waits(context)
        };
        self.release_by(&waits, context);
    }

    /// A thread read from the socket (`Reverse`) or wrote to it.
    pub(super) fn handled(&mut self, direction: Direction, handling: &Handling) {
        let requests = self.http.requests().or(self.role.map(|role| match role {
            Role::Client => Direction::Forward,
            Role::Server => Direction::Reverse,
        }));
        if requests == Some(direction) {
            self.pairing
                .handled(handling, direction == Direction::Forward);
        }
    }

    /// When time alone completes something.
    pub(super) fn deadline(&self, context: &Context<'_>) -> Option<Timestamp> {
        self.pairing.deadline(&self.waits(context))
    }

    /// Lets out what is complete.
    pub(super) fn release(&mut self, context: &mut Context<'_>) {
        let waits = self.waits(context);
        self.release_by(&waits, context);
    }

    fn release_by(&mut self, waits: &Waits, context: &mut Context<'_>) {
        while let Some(complete) = self.pairing.release(context.now, waits) {
            let tally = &mut context.tally;
            tally.exchanges += 1;
            tally.unanswered += u64::from(complete.response.is_none());
            tally.unasked += u64::from(complete.request.is_none());
            if complete.request.is_none() && complete.response.is_none() {
                continue;
            }
            let requests = self.http.requests().unwrap_or(Direction::Forward);
            let exchange = Exchange {
                connection: self.connection(requests),
                number: complete.number,
                request: complete.request,
                response: complete.response,
                handled: complete.handled,
                capture: complete.capture,
                completed: context.now,
            };
            context.give(self.key, Output::Exchange(exchange));
        }
    }

    fn read(&mut self, direction: Direction, piece: Piece<'_>, context: &mut Context<'_>) -> u64 {
        let mut told = Told {
            pairing: &mut self.pairing,
            turns: &self.turns,
            direction,
            context,
        };
        let (found, unwanted) = self.http.piece(direction, piece, &mut told);
        let protocol = match found {
            Found::Undecided => Protocol::Undecided,
            Found::Http1 => Protocol::Http1,
            Found::Http2 => Protocol::Http2,
            // Bytes in the middle of a connection that was open before say nothing.
            Found::Other if !self.from_start => Protocol::Undecided,
            Found::Other => Protocol::Other,
        };
        self.decide(protocol, context);
        unwanted
    }

    fn decide(&mut self, protocol: Protocol, context: &mut Context<'_>) {
        if self.protocol == Protocol::Undecided && protocol != Protocol::Undecided {
            self.protocol = protocol;
            context.tally.count(protocol);
        }
    }

    /// Looks whether a direction starts with a TLS record. `None`: it does not.
    fn look_for_tls(
        &mut self,
        direction: Direction,
        piece: &Piece<'_>,
        context: &mut Context<'_>,
    ) -> Option<u64> {
        if let Some((of, mut held)) = self.hello.take() {
            if of != direction {
                // The other end answers before the hello was complete: it is no TLS, or cut.
                self.hello = Some((of, held));
                return self.look_at_start(direction, piece, context);
            }
            if let Piece::Bytes { bytes, .. } = piece {
                let room = tls::MAX_RECORD - held.len().min(tls::MAX_RECORD);
                held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                match tls::recognise(&held) {
                    tls::Start::Undecided | tls::Start::PartOfHello if room > 0 => {
                        self.hello = Some((of, held));
                        return Some(0);
                    }
                    tls::Start::Nothing => {
                        self.decide(Protocol::Other, context);
                        return Some(u64::MAX);
                    }
                    _ => {}
                }
            }
            self.tell_hello(direction, &held, context);
            return Some(u64::MAX);
        }
        self.look_at_start(direction, piece, context)
    }

    fn look_at_start(
        &mut self,
        direction: Direction,
        piece: &Piece<'_>,
        context: &mut Context<'_>,
    ) -> Option<u64> {
        let Piece::Bytes { bytes, .. } = piece else {
            return None;
        };
        match tls::recognise(bytes) {
            tls::Start::Nothing => return None,
            tls::Start::Undecided if !self.from_start || self.hello.is_some() => return None,
            tls::Start::Undecided | tls::Start::PartOfHello if self.hello.is_none() => {
                self.hello = Some((direction, Zeroizing::new(bytes.to_vec())));
                return Some(0);
            }
            tls::Start::Hello(_) => self.tell_hello(direction, bytes, context),
            _ => self.decide(Protocol::Tls, context),
        }
        Some(u64::MAX)
    }

    /// Tells a ClientHello, whole or not. Bytes that are none are something else.
    fn tell_hello(&mut self, direction: Direction, bytes: &[u8], context: &mut Context<'_>) {
        let server_name = match tls::recognise(bytes) {
            tls::Start::Hello(name) => name,
            tls::Start::PartOfHello => tls::server_name_of_part(bytes),
            tls::Start::Record => return self.decide(Protocol::Tls, context),
            tls::Start::Undecided | tls::Start::Nothing => {
                return self.decide(Protocol::Other, context);
            }
        };
        self.decide(Protocol::Tls, context);
        let seen = TlsSeen {
            connection: self.connection(direction),
            server_name,
            completed: context.now,
        };
        context.give(self.key, Output::Tls(seen));
    }

    /// The connection, whose client sends in the direction `requests`.
    fn connection(&self, requests: Direction) -> Connection {
        let (client, server) = match requests {
            Direction::Forward => self.addresses,
            Direction::Reverse => (self.addresses.1, self.addresses.0),
        };
        let side = match (self.key, requests) {
            (ConnectionKey::Flow { .. }, _) => Side::Wire,
            (ConnectionKey::Socket(_), Direction::Forward) => Side::Client,
            (ConnectionKey::Socket(_), Direction::Reverse) => Side::Server,
        };
        Connection {
            key: self.key,
            client,
            server,
            side,
        }
    }

    fn waits(&self, context: &Context<'_>) -> Waits {
        let on_socket = matches!(self.key, ConnectionKey::Socket(_));
        Waits {
            answer: context.limits.exchange_timeout,
            handling: on_socket.then_some(context.limits.handling_wait),
            in_request_head: self.http.in_request_head(),
        }
    }
}

/// When the directions took turns to speak, lately.
#[derive(Default)]
struct Turns {
    began: [Option<(Timestamp, Direction)>; 8],
    last: usize,
}

impl Turns {
    fn hear(&mut self, direction: Direction, now: Timestamp) {
        let last = self.began.get(self.last).copied().flatten();
        if last.is_none_or(|(_, of)| of != direction) {
            self.last = (self.last + 1) % self.began.len();
            self.began[self.last] = Some((now, direction));
        }
    }

    /// Whether a turn of the direction against `direction` began between two times.
    fn other_between(&self, direction: Direction, after: Timestamp, before: Timestamp) -> bool {
        let mut turns = self.began.iter().flatten();
        turns.any(|(at, of)| *of != direction && *at > after && *at < before)
    }
}

/// Passes messages on to the pairing, with what the connection's shard has.
struct Told<'a, 'b> {
    pairing: &'a mut Pairing,
    turns: &'a Turns,
    /// Where requests go, when one is told.
    direction: Direction,
    context: &'a mut Context<'b>,
}

impl Messages for Told<'_, '_> {
    fn inspect(&mut self, fields: &[httparse::Header<'_>], cut: bool) -> Option<Arc<Credential>> {
        self.context.inspect(fields, cut)
    }

    fn request(&mut self, head: RequestHead) -> bool {
        self.context.tally.heads_cut += u64::from(!head.missing.is_nothing());
        let started = head.request.started;
        let sent_ahead = head
            .passed
            .is_some_and(|passed| !self.turns.other_between(self.direction, passed, started));
        self.pairing.request(head, sent_ahead, self.context.now)
    }

    fn unreadable_request(&mut self, started: Timestamp) {
        self.pairing.unreadable_request(started, self.context.now);
    }

    fn asked(&self, started: Timestamp) -> Asked {
        self.pairing.asked(started)
    }

    fn is_answered(&self) -> bool {
        self.pairing.is_answered()
    }

    fn response(&mut self, head: ResponseHead) {
        self.context.tally.heads_cut += u64::from(!head.missing.is_nothing());
        self.pairing.response(head, self.context.now);
    }

    fn excerpt(&mut self, content: &[u8]) {
        self.pairing.excerpt(content);
    }

    fn settle(&mut self, whole: bool) {
        self.pairing.settle(whole, self.context.now);
    }

    fn hole(&mut self, hole: Hole) {
        self.context.tally.places_lost += 1;
        self.pairing.hole(hole);
    }

    fn resume(&mut self, lost: bool) {
        self.pairing.resume(lost);
    }

    fn bad_head(&mut self) {
        self.context.tally.heads_bad += 1;
    }
}
