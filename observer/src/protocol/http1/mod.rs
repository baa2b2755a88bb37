//! HTTP/1.0 and HTTP/1.1 (RFC 9112): both directions of one connection, from pieces to messages.
//!
//! Heads are read with httparse; what lies between heads is passed over by its framing and never
//! kept. Where the place in the stream is lost (a hole where a head may have been, a coding that is
//! broken) a direction seeks the next line that validates as the first line of a message. A line
//! like that inside a body of known length means nothing: bodies contain "GET /".

mod body;
mod fields;
mod flow;
mod head;
mod known;
mod request;
mod response;
mod start_line;

pub use head::MAX_HEAD;
pub use known::Heads;

use crate::credential::{Carried, Places};
use crate::exchange::{Request, Response};
use crate::packet::Direction;
use crate::stream::Piece;
use crate::time::Timestamp;
use flow::{Flow, Signal};
use start_line::Kind;

/// Whether answers' fields of this name are kept as [`crate::exchange::Field::Other`].
pub fn keeps_field(name: &str) -> bool {
    response::is_kept(name)
}

/// Both directions of a connection that speaks HTTP/1, or that may.
pub struct Http1 {
    flows: [Flow; 2],
    requests: Option<Direction>,
}

/// What is told about the messages of a connection, in the order in which they are understood.
pub trait Messages {
    /// What is remembered of heads.
    fn heads(&mut self) -> &mut Heads;
    /// Takes the credentials out of a request.
    fn inspect(&mut self, places: Places<'_>) -> Carried;
    /// A request's head. True when its answer was told before.
    fn request(&mut self, head: RequestHead) -> bool;
    /// Something stands where a request must, and is none. A server answers it all the same. `passed`:
    /// see [`RequestHead::passed`].
    fn unreadable_request(&mut self, started: Timestamp, passed: Option<Timestamp>);
    /// What is known of the request that an answer which starts now belongs to.
    fn asked(&self, started: Timestamp) -> Asked;
    /// Whether the request that an answer which starts now belongs to asks for keys.
    fn asks_for_keys(&self, started: Timestamp) -> bool;
    /// Whether it asks an authorization server for something.
    fn asks_for_grant(&self, started: Timestamp) -> bool;
    /// Whether the latest request has its final answer already.
    fn is_answered(&self) -> bool;
    /// Content of the latest request that is a form.
    fn form(&mut self, content: &[u8]);
    /// The form of the latest request is done; `whole`: nothing of it is missing.
    fn settle_form(&mut self, whole: bool);
    /// The head of a final answer. [`Messages::settle`] follows when its excerpt is done.
    fn response(&mut self, head: ResponseHead);
    /// Content of the latest answer that belongs to its excerpt.
    fn excerpt(&mut self, content: &[u8]);
    /// The excerpt of the latest answer is done; `whole`: its body was nothing more.
    fn settle(&mut self, whole: bool);
    /// The place in a direction was lost: heads may have gone by. Told before any later head of it.
    fn hole(&mut self, hole: Hole);
    /// Before the next answer, the rest of another may have gone by, at this time at the latest.
    fn passed_over(&mut self, time: Timestamp);
    /// A head was none and the place in the stream is lost.
    fn bad_head(&mut self);
}

/// A request's head and what its connection needs to know of it.
pub struct RequestHead {
    /// What leaves.
    pub request: Request,
    /// The methods that change what the answer looks like.
    pub method: Method,
    /// `Expect: 100-continue`: after a refusal the body may not come.
    pub waits_for_continue: bool,
    /// Its body is a form, which is told by [`Messages::form`] and [`Messages::settle_form`].
    pub has_form: bool,
    /// What is missing of it.
    pub missing: Missing,
    /// Right before it another request may have gone by, at this time at the latest.
    /// [`Timestamp::MAX`]: nobody knows when. `None`: the request that was told last comes before it.
    pub passed: Option<Timestamp>,
}

/// An answer's head.
pub struct ResponseHead {
    /// What leaves; the excerpt is still empty.
    pub response: Response,
    /// What is missing of it.
    pub missing: Missing,
}

/// A part of a direction in which heads may have gone by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hole {
    /// Requests go in that direction.
    pub of_requests: bool,
    /// Nothing of it was wanted by the source, which wants the first bytes of every turn.
    pub by_rule: bool,
    /// When it was over at the latest.
    pub ended: Timestamp,
}

/// What is missing of a head.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Missing {
    /// Its end was not captured, or lies beyond [`MAX_HEAD`].
    pub cut: bool,
    /// So many bytes in it were wanted and lost.
    pub lost: u64,
}

impl Missing {
    /// Whether the head is whole.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Methods after which an answer is framed in its own way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// A 2xx answer begins a tunnel.
    Connect,
    /// The answer has no body.
    Head,
    /// Any other.
    Other,
    /// The request could not be read.
    Unread,
}

/// What is known of the request that an answer belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// A request was seen.
    Known(Method),
    /// No request was asked: there can be no answer, except one that a server sends unasked.
    Nothing,
    /// The request was not seen, or not yet.
    Unseen,
}

/// What the first bytes showed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found {
    /// Nothing yet.
    Undecided,
    /// A head of HTTP/1.
    Http1,
    /// The preface of HTTP/2.
    Http2,
    /// Something else.
    Other,
}

impl Http1 {
    /// `from_start`: of which directions the first bytes will be seen. In the others heads are sought.
    pub fn new(from_start: [bool; 2]) -> Self {
        let one_sided = from_start.contains(&true);
        Self {
            flows: from_start.map(|from_start| Flow::new(from_start, one_sided)),
            requests: None,
        }
    }

    /// Which way requests go, once a head was seen.
    pub fn requests(&self) -> Option<Direction> {
        self.requests
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        self.flows.iter().map(Flow::held).sum()
    }

    /// Whether a request's head has begun and not ended.
    pub fn in_request_head(&self) -> bool {
        self.requests
            .is_some_and(|direction| self.flow(direction).in_head())
    }

    /// Whether what was seen so far began with something else, in one direction at least.
    pub fn is_foreign(&self) -> bool {
        self.flows.iter().any(Flow::is_foreign)
    }

    /// Takes a piece of one direction. Says what the connection turned out to carry, and up to which
    /// position bytes do not matter.
    pub fn piece(
        &mut self,
        direction: Direction,
        piece: Piece<'_>,
        messages: &mut impl Messages,
    ) -> (Found, u64) {
        let mut found = match self.requests {
            Some(_) => Found::Http1,
            None => Found::Undecided,
        };
        let mut rest = piece;
        loop {
            let kind = self.kind(direction);
            let flow = &mut self.flows[direction.index()];
            let Some(signal) = flow.piece(&mut rest, kind, messages) else {
                break;
            };
            match signal {
                Signal::Head(kind) => {
                    found = Found::Http1;
                    self.spoke(direction, kind);
                    self.flows[direction.flip().index()].look_again();
                }
                Signal::AnsweredHead => {
                    self.flows[direction.flip().index()].has_no_body(messages);
                }
                Signal::Upgraded => {
                    self.flows.iter_mut().for_each(Flow::end_http);
                }
                Signal::Http2 if found == Found::Undecided => return (Found::Http2, u64::MAX),
                Signal::NotHttp if found == Found::Undecided => {
                    self.flows[direction.index()].pass_over_foreign();
                    if self.flows.iter().all(Flow::is_foreign) {
                        return (Found::Other, u64::MAX);
                    }
                }
                Signal::Http2 | Signal::NotHttp => {}
            }
        }
        (found, self.flow(direction).unwanted())
    }

    /// The connection is over: what has begun is told as cut.
    pub fn close(&mut self, messages: &mut impl Messages) {
        // Requests first: the answer of a cut head may have come already.
        let first = self.requests.unwrap_or(Direction::Forward);
        for direction in [first, first.flip()] {
            let kind = self.kind(direction);
            if let Some(Signal::Head(kind)) = self.flows[direction.index()].close(kind, messages) {
                self.spoke(direction, kind);
            }
        }
    }

    /// A head was read, so it is known which way requests go.
    fn spoke(&mut self, direction: Direction, kind: Kind) {
        self.requests.get_or_insert(match kind {
            Kind::Request => direction,
            Kind::Response => direction.flip(),
        });
    }

    fn flow(&self, direction: Direction) -> &Flow {
        &self.flows[direction.index()]
    }

    fn kind(&self, direction: Direction) -> Option<Kind> {
        self.requests.map(|requests| match requests == direction {
            true => Kind::Request,
            false => Kind::Response,
        })
    }
}
