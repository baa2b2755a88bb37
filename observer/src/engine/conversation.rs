//! What is said on a connection: from ordered pieces to exchanges.

mod hello;
mod told;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Output;
use super::pairing::{Pairing, Waits};
use super::shard::Context;
use crate::exchange::{self, Connection, Exchange, Side};
use crate::packet::{ConnectionKey, Direction, Handling, KnownBy, Role, UnixEnds};
use crate::protocol::Protocol;
use crate::protocol::http1::{Found, Http1};
use crate::stream::{Gap, Piece};
use crate::time::Timestamp;
use told::Told;
use turns::Turns;

/// What is said on a connection.
pub(super) struct Conversation {
    key: ConnectionKey,
    /// The sender and the receiver of `Forward`.
    addresses: (SocketAddr, SocketAddr),
    unix: Option<Arc<UnixEnds>>,
    role: Option<Role>,
    /// Who owns the socket, where no thread is told for each exchange.
    owner: Option<Handling>,
    /// The threads that were told last to write to the socket and to read from it.
    told: [Option<Handling>; 2],
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
        unix: Option<Arc<UnixEnds>>,
        role: Option<Role>,
        from_start: [bool; 2],
    ) -> Self {
        Self {
            key,
            addresses,
            unix,
            role,
            owner: None,
            told: [None, None],
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
        hello + self.http.held() + self.pairing.held() + self.turns.held()
    }

    /// Whether more bytes can change anything.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.protocol, Protocol::Undecided | Protocol::Http1)
    }

    /// Notes that data came. `waits`: something waits behind a hole.
    pub(super) fn hear(&mut self, direction: Direction, now: Timestamp, waits: bool) {
        self.turns.hear(direction, now, waits);
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
        if self.http.is_foreign() {
            self.decide(Protocol::Other, context);
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

    /// A thread read from the socket (`Reverse`) or wrote to it; or the owner of the socket, for all
    /// exchanges of which nobody knows better.
    pub(super) fn handled(&mut self, direction: Direction, handling: &Handling) {
        if handling.known_by == KnownBy::SocketTable {
            self.owner = Some(handling.clone());
        } else {
            self.told[direction.index()] = Some(handling.clone());
        }
        if self.requests() == Some(direction) {
            self.pairing
                .handled(handling, direction == Direction::Forward);
        }
    }

    /// The thread that was told last moved all that came before `at` in this direction.
    pub(super) fn moved(&mut self, direction: Direction, at: Timestamp) {
        if self.requests() == Some(direction)
            && let Some(told) = &self.told[direction.index()]
        {
            self.pairing.moved(told, at);
        }
    }

    /// Where requests go, as far as is known.
    fn requests(&self) -> Option<Direction> {
        self.http.requests().or(self.role.map(|role| match role {
            Role::Client => Direction::Forward,
            Role::Server => Direction::Reverse,
        }))
    }

    /// When time alone completes something.
    #[inline]
    pub(super) fn deadline(&self, context: &Context<'_>) -> Option<Timestamp> {
        if self.pairing.is_idle() {
            return None;
        }
        self.pairing.deadline(&self.waits(context))
    }

    /// Lets out what is complete.
    #[inline]
    pub(super) fn release(&mut self, context: &mut Context<'_>) {
        if self.pairing.is_idle() {
            return;
        }
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
            let (mut grant, mut response) = (complete.grant, complete.response);
            if let Some((grant, response)) = grant.as_mut().zip(response.as_mut()) {
                let repeated = exchange::echo(complete.request.as_ref(), &complete.secrets);
                context.issued(grant, response, &repeated);
            }
            let exchange = Exchange {
                connection: self.connection(requests),
                number: complete.number,
                request: complete.request,
                response,
                grant: grant.map(|grant| Arc::new(*grant)),
                secrets: complete.secrets,
                handled: complete.handled.or_else(|| self.owner.clone()),
                capture: complete.capture,
                completed: context.now,
            };
            context.give(Output::Exchange(exchange));
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
            unix: self.unix.clone(),
        }
    }

    fn waits(&self, context: &Context<'_>) -> Waits {
        let on_socket = matches!(self.key, ConnectionKey::Socket(_));
        Waits {
            answer: context.limits.exchange_timeout,
            handling: (on_socket && self.owner.is_none()).then_some(context.limits.handling_wait),
            in_request_head: self.http.in_request_head(),
        }
    }
}
