//! One direction of HTTP/1: from pieces to heads, and past the bodies between them.

mod heads;
mod holes;
mod preamble;
mod seek;

use super::body::{Body, Step};
use super::head::Partial;
use super::request::Place;
use super::start_line::{Kind, Line, recognise};
use super::{Messages, Missing};
use crate::stream::Piece;
use crate::time::Timestamp;

use holes::{Loss, Untold};

/// Of answers below 400 the excerpt is what came in the segment that ended the head, up to so many
/// bytes from the start of the head: what the kernel ships of them.
const MAX_PLAIN: usize = 1024;

/// A head whose end will not come.
const CUT: Missing = Missing { cut: true, lost: 0 };

/// One direction of a connection.
pub(super) struct Flow {
    state: State,
    head: Partial,
    /// The excerpt, while one is taken.
    excerpt: Option<Taking>,
    /// The position behind everything that was taken.
    position: u64,
    /// See [`super::RequestHead::passed`].
    passed: Option<Timestamp>,
    /// When bytes were last passed over in search of a head, that may have been the rest of one.
    rest: Option<Timestamp>,
    /// When bytes were last seen.
    heard: Timestamp,
    /// A hole that was not told yet: what the direction carries, or when the hole ended, is not known.
    untold: Option<Untold>,
    /// Its first bytes are still to come, or are being looked at.
    fresh: bool,
}

/// Bytes of a body that are given on.
#[derive(Clone, Copy)]
struct Taking {
    /// How many on the wire still belong to it.
    left: usize,
    /// It is the form of a request.
    is_form: bool,
}

enum State {
    /// At the start of a message.
    Between,
    /// In a head.
    Head,
    /// In a body. `doubtful`: there may be none, and nothing of it was seen yet.
    Body { body: Body, doubtful: bool },
    /// Nobody knows where: the next first line of a message that validates is sought.
    Seek,
    /// Something came first that servers and proxies put before HTTP: so many more segments of it are
    /// passed over.
    Preamble(u8),
    /// It began with something else than HTTP. What the other direction answers decides.
    Foreign,
    /// HTTP has ended: a tunnel, or another protocol.
    Over,
}

/// What the connection must know at once.
pub(super) enum Signal {
    /// A head was read.
    Head(Kind),
    /// A request came whose answer is known already, and which has no body by its method.
    AnsweredHead,
    /// HTTP ends in both directions.
    Upgraded,
    /// The preface of HTTP/2 stands where a head must.
    Http2,
    /// What stands where a head must is none.
    NotHttp,
}

impl Flow {
    pub(super) fn new(from_start: bool, one_sided: bool) -> Self {
        let mut flow = Self {
            state: if from_start {
                State::Between
            } else {
                State::Seek
            },
            head: Partial::default(),
            excerpt: None,
            position: 0,
            passed: None,
            rest: None,
            heard: Timestamp::default(),
            untold: None,
            fresh: from_start,
        };
        if one_sided && !from_start {
            flow.lose(Loss::Unseen);
        }
        flow
    }

    pub(super) fn held(&self) -> usize {
        self.head.held()
    }

    pub(super) fn in_head(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Up to which position bytes do not matter.
    pub(super) fn unwanted(&self) -> u64 {
        match &self.state {
            State::Body {
                body,
                doubtful: false,
            } if self.excerpt.is_none() => self.position.saturating_add(body.certain()),
            State::Foreign | State::Over => u64::MAX,
            _ => 0,
        }
    }

    /// Passes over all of it from here on, if it began with what is no HTTP.
    pub(super) fn pass_over_foreign(&mut self) {
        if self.fresh {
            self.state = State::Foreign;
        }
    }

    /// Whether it began with what is no HTTP.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.state, State::Foreign)
    }

    /// The other direction speaks HTTP, so heads may come here too.
    pub(super) fn look_again(&mut self) {
        if self.is_foreign() {
            self.state = State::Seek;
        }
    }

    pub(super) fn end_http(&mut self) {
        self.head.forget();
        self.state = State::Over;
    }

    /// The answer whose body is awaited has none: it answers HEAD.
    pub(super) fn has_no_body(&mut self, messages: &mut impl Messages) {
        if let State::Body { doubtful: true, .. } = self.state {
            self.settle(true, messages);
            self.state = State::Between;
        }
    }

    /// Takes from `rest` until there is a signal or nothing left. `kind` is what the direction
    /// carries, once that is known.
    pub(super) fn piece(
        &mut self,
        rest: &mut Piece<'_>,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        match rest {
            Piece::Bytes {
                position,
                time,
                bytes,
            } => {
                self.heard = self.heard.max(*time);
                if let Some(hole) = &mut self.untold {
                    hole.ended = hole.ended.min(self.heard);
                }
                self.tell_hole(kind, messages);
                while !bytes.is_empty() {
                    let at = Place {
                        position: *position,
                        started: *time,
                        finished: *time,
                    };
                    let (used, signal) = self.bytes(at, bytes, kind, messages);
                    *position += used as u64;
                    *bytes = bytes.get(used..).unwrap_or_default();
                    self.position = *position;
                    if signal.is_some() {
                        return signal;
                    }
                }
                None
            }
            Piece::Gap(gap) => {
                let gap = std::mem::take(gap);
                if gap.is_empty() {
                    return None;
                }
                self.position = gap.position + gap.len();
                self.gap(gap, kind, messages)
            }
            Piece::End => {
                if let State::Body { body, .. } = self.state {
                    self.settle(matches!(body, Body::UntilClose), messages);
                    self.state = State::Between;
                }
                self.cut(CUT, Loss::Unread, kind, messages)
            }
        }
    }

    /// Nothing more will come.
    pub(super) fn close(
        &mut self,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        self.settle(false, messages);
        let signal = self.cut(CUT, Loss::Unread, kind, messages);
        self.end_http();
        signal
    }

    fn bytes(
        &mut self,
        at: Place,
        bytes: &[u8],
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> (usize, Option<Signal>) {
        match &mut self.state {
            State::Between => {
                let blank = bytes
                    .iter()
                    .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                    .count();
                if blank < bytes.len() {
                    let position = at.position + blank as u64;
                    self.head.begin(position, at.started);
                    self.state = State::Head;
                }
                (blank, None)
            }
            State::Head => self.head_bytes(at, bytes, kind, messages),
            State::Body { doubtful, .. } if *doubtful => {
                *doubtful = false;
                let next = match recognise(bytes) {
                    Line::Start(found) => kind == Some(found),
                    // A first line in pieces: if it is none after all, the place is lost, which
                    // claims less than to pass over answers as a body that never came.
                    Line::Undecided => kind == Some(Kind::Response) && may_be_status_line(bytes),
                    Line::Nothing | Line::Preface => false,
                };
                if next && (kind == Some(Kind::Response) || messages.is_answered()) {
                    self.settle(true, messages);
                    self.state = State::Between;
                }
                (0, None)
            }
            State::Body { .. } => (self.body_bytes(bytes, kind, messages), None),
            State::Seek => (self.seek(at, bytes, kind, messages), None),
            State::Preamble(left) => {
                let left = *left;
                self.preamble(left, bytes, kind, messages)
            }
            State::Foreign | State::Over => (bytes.len(), None),
        }
    }

    fn body_bytes(
        &mut self,
        bytes: &[u8],
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> usize {
        let State::Body { body, .. } = &mut self.state else {
            return bytes.len();
        };
        let most = self.excerpt.map_or(bytes.len(), |taking| taking.left);
        let most = most.min(bytes.len());
        let part = bytes.get(..most).unwrap_or_default();
        let (used, content, step) = body.advance(part);
        if let Some(taking) = &mut self.excerpt {
            taking.left -= used.min(taking.left);
            let part = part.get(..used).unwrap_or_default();
            match (content, taking.is_form) {
                (true, true) => messages.form(part),
                (true, false) => messages.excerpt(part),
                (false, _) => {}
            }
        }
        match step {
            Step::More if self.excerpt.is_some_and(|taking| taking.left == 0) => {
                self.settle(false, messages)
            }
            Step::More => {}
            Step::Done => {
                self.settle(true, messages);
                self.state = State::Between;
            }
            Step::Broken => {
                self.settle(false, messages);
                messages.bad_head();
                self.lose(Loss::Unread);
                self.tell_hole(kind, messages);
                self.state = State::Seek;
            }
        }
        used
    }

    /// Ends the excerpt, if one is being taken.
    fn settle(&mut self, whole: bool, messages: &mut impl Messages) {
        match self.excerpt.take() {
            Some(Taking { is_form: true, .. }) => messages.settle_form(whole),
            Some(_) => messages.settle(whole),
            None => {}
        }
    }
}

/// Whether these can be the first bytes of a status line.
fn may_be_status_line(bytes: &[u8]) -> bool {
    let name = b"HTTP/1.";
    bytes.starts_with(name) || name.starts_with(bytes)
}
