//! From the bytes of a head to a message.

use super::super::head::{MAX_HEAD, end_of_head};
use super::super::request::{self, Place};
use super::super::start_line::{Kind, Line, cut_version, recognise};
use super::super::{Asked, Messages, Method, Missing, RequestHead, ResponseHead, response};
use super::{CUT, Flow, Loss, MAX_PLAIN, Signal, State, Taking};
use crate::exchange::{Excerpt, MAX_EXCERPT, Request, Response};
use crate::keys::MAX_DOCUMENT;
use crate::oauth::{MAX_ANSWER, MAX_FORM};
use crate::protocol::http1::body::Body;

impl Flow {
    /// Takes bytes of a head: in place when all of it is in them.
    pub(super) fn head_bytes(
        &mut self,
        at: Place,
        bytes: &[u8],
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> (usize, Option<Signal>) {
        let before = self.head.bytes().len();
        let part = bytes
            .get(..MAX_HEAD - before.min(MAX_HEAD))
            .unwrap_or(bytes);
        let guess = match kind {
            _ if before > 0 => None,
            Some(Kind::Response) => messages.heads().like_before(part),
            // Requests mostly end where their segment does.
            _ => part.ends_with(b"\r\n\r\n").then_some(part),
        };
        // A head that is known needs no search for its end.
        if let Some(head) = guess
            && let Some(signal) = self.known(head, bytes.len() - head.len(), kind, messages)
        {
            return (head.len(), Some(signal));
        }
        let end = if before == 0 {
            end_of_head(part, 0)
        } else {
            self.head.add(part, at.finished)
        };
        let Some(end) = end else {
            return self.unfinished(at, part, kind, messages);
        };
        let used = end - before;
        let behind = bytes.len() - used.min(bytes.len());
        let is_new = before == 0;
        let buffer = (!is_new).then(|| self.head.take());
        let collected = buffer.as_ref().map_or(part, |buffer| buffer.as_slice());
        let head = collected.get(..end).unwrap_or_default();
        if let Some(signal) = self.known(head, behind, kind, messages) {
            return (used, Some(signal));
        }
        let first = is_new.then_some(part);
        self.misplaced(recognise(head), first, kind, messages)
            .unwrap_or_else(|| (used, self.whole(head, Missing::default(), behind, messages)))
    }

    /// Takes bytes of a head whose end is not among them.
    fn unfinished(
        &mut self,
        at: Place,
        part: &[u8],
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> (usize, Option<Signal>) {
        let is_new = self.head.is_empty();
        let line = recognise(if is_new { part } else { self.head.bytes() });
        if let Some(done) = self.misplaced(line, is_new.then_some(part), kind, messages) {
            return done;
        }
        if is_new {
            self.head.add(part, at.finished);
        }
        let too_long = self.head.bytes().len() >= MAX_HEAD;
        let signal = too_long
            .then(|| self.cut(CUT, Loss::Unread, kind, messages))
            .flatten();
        (part.len(), signal)
    }

    /// What comes of bytes that stand where a head must and begin none. `first`: the bytes, if they are
    /// the first there. `None`: they may begin one.
    fn misplaced(
        &mut self,
        line: Line,
        first: Option<&[u8]>,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<(usize, Option<Signal>)> {
        let signal = match line {
            Line::Nothing if first.is_some_and(|bytes| self.begins_with_preamble(bytes)) => {
                return Some((0, None));
            }
            Line::Preface => Signal::Http2,
            Line::Nothing => Signal::NotHttp,
            Line::Start(found) if kind.is_some_and(|kind| kind != found) => Signal::NotHttp,
            Line::Start(_) | Line::Undecided => return None,
        };
        Some((0, Some(self.lose_place(signal, kind, messages))))
    }

    /// Takes a head that is whole, if the same was read before.
    fn known(
        &mut self,
        head: &[u8],
        behind: usize,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        let digest = messages.heads().digest(head);
        if kind != Some(Kind::Response)
            && let Some(read) = messages.heads().request(digest)
        {
            self.tell_hole(Some(Kind::Request), messages);
            return Some(self.request(read, Missing::default(), messages));
        }
        if kind != Some(Kind::Request)
            && let Some(read) = messages.heads().response(digest)
        {
            self.tell_hole(Some(Kind::Response), messages);
            messages.heads().answered(head);
            let missing = Missing::default();
            return Some(self.response(read, missing, head.len(), behind, messages));
        }
        None
    }

    /// There is no head where one must be.
    pub(super) fn lose_place(
        &mut self,
        signal: Signal,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Signal {
        if let Some(kind) = kind {
            messages.bad_head();
            self.tell_unreadable(kind, messages);
        }
        self.lose(Loss::Unread);
        self.tell_hole(kind, messages);
        self.head.forget();
        self.state = State::Seek;
        signal
    }

    /// A head has begun and its rest will not come.
    pub(super) fn cut(
        &mut self,
        missing: Missing,
        loss: Loss,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        let began = matches!(self.state, State::Head) && !self.head.is_empty();
        let buffer = self.head.take();
        if !began {
            return None;
        }
        let signal = match start_of(&buffer, missing) {
            Line::Start(found) if kind.is_none_or(|kind| kind == found) => {
                self.whole(&buffer, missing, 0, messages)
            }
            _ => {
                if let Some(kind) = kind {
                    self.tell_unreadable(kind, messages);
                }
                None
            }
        };
        self.lose(loss);
        self.tell_hole(kind, messages);
        self.state = State::Seek;
        signal
    }

    fn tell_unreadable(&mut self, kind: Kind, messages: &mut impl Messages) {
        if kind == Kind::Request {
            messages.unreadable_request(self.head.started, self.passed.take());
        }
    }

    /// Reads a head, of which everything is here that will ever be. `behind`: so many bytes of the
    /// same segment follow it.
    fn whole(
        &mut self,
        head: &[u8],
        missing: Missing,
        behind: usize,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        self.state = State::Between;
        let line = start_of(head, missing);
        if let Line::Start(kind) = line {
            self.tell_hole(Some(kind), messages);
        }
        let digest = missing.is_nothing().then(|| messages.heads().digest(head));
        match line {
            Line::Start(Kind::Request) => {
                let Some(read) = request::read(head, missing, messages) else {
                    return Some(self.lose_place(Signal::NotHttp, Some(Kind::Request), messages));
                };
                if let Some(digest) = digest {
                    messages.heads().remember_request(digest, &read);
                }
                Some(self.request(read, missing, messages))
            }
            Line::Start(Kind::Response) => {
                let Some(read) = response::read(head, missing) else {
                    return Some(self.lose_place(Signal::NotHttp, Some(Kind::Response), messages));
                };
                if let Some(digest) = digest {
                    messages.heads().answered(head);
                    messages.heads().remember_response(digest, &read);
                }
                Some(self.response(read, missing, head.len(), behind, messages))
            }
            _ => None,
        }
    }

    fn request(
        &mut self,
        read: request::Read,
        missing: Missing,
        messages: &mut impl Messages,
    ) -> Signal {
        self.fresh = false;
        self.state = match read.body {
            Some(Body::Length(0)) => State::Between,
            Some(body) => State::Body {
                body,
                doubtful: read.waits_for_continue,
            },
            None => State::Seek,
        };
        let passed = self.passed.take();
        if let State::Seek = self.state {
            self.lose(Loss::Unread);
            self.tell_hole(Some(Kind::Request), messages);
        }
        let has_form = read.has_form && matches!(self.state, State::Body { .. });
        self.excerpt = has_form.then_some(Taking {
            left: MAX_FORM,
            is_form: true,
        });
        let answered = messages.request(RequestHead {
            request: Request {
                started: self.head.started,
                finished: self.head.finished,
                seq: self.seq(),
                head: read.head,
            },
            method: read.method,
            waits_for_continue: read.waits_for_continue,
            has_form,
            missing,
            passed,
        });
        if read.method == Method::Head && answered {
            Signal::AnsweredHead
        } else {
            Signal::Head(Kind::Request)
        }
    }

    fn response(
        &mut self,
        read: response::Read,
        missing: Missing,
        head_len: usize,
        behind: usize,
        messages: &mut impl Messages,
    ) -> Signal {
        self.fresh = false;
        self.state = State::Between;
        if let Some(time) = self.rest.take() {
            messages.passed_over(time);
        }
        let status = read.status;
        if (100..=199).contains(&status) && status != 101 {
            return Signal::Head(Kind::Response);
        }
        let whole = missing.is_nothing();
        let asked = messages.asked(self.head.started);
        let method = match asked {
            Asked::Known(method) => Some(method),
            Asked::Nothing | Asked::Unseen => None,
        };
        let body = response::body(status, &read.framing, method);
        let has_keys = status == 200 && read.is_json && messages.asks_for_keys(self.head.started);
        let has_tokens = messages.asks_for_grant(self.head.started);
        messages.response(ResponseHead {
            response: Response {
                started: self.head.started,
                finished: self.head.finished,
                seq: self.seq(),
                status,
                fields: read.fields,
                excerpt: Excerpt::default(),
            },
            missing,
        });
        let budget = match status {
            400.. => MAX_EXCERPT,
            _ if has_keys => MAX_DOCUMENT,
            _ if has_tokens => MAX_ANSWER,
            _ => MAX_PLAIN.saturating_sub(head_len).min(behind),
        };
        self.excerpt = Some(Taking {
            left: budget,
            is_form: false,
        });
        let tunnel = method == Some(Method::Connect) && (200..=299).contains(&status);
        match body {
            _ if status == 101 || tunnel => {
                self.settle(true, messages);
                return Signal::Upgraded;
            }
            None | Some(Body::Length(0)) => self.settle(whole, messages),
            Some(body) => {
                if budget == 0 || !whole {
                    self.settle(false, messages);
                }
                self.state = State::Body {
                    body,
                    doubtful: method.is_none(),
                };
            }
        }
        Signal::Head(Kind::Response)
    }

    /// The TCP sequence number of the first byte of the head.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half is the number"
    )]
    fn seq(&self) -> u32 {
        self.head.position as u32
    }
}

/// What a head starts with. One that was cut inside its first line is a request if its method and its
/// target are whole.
fn start_of(head: &[u8], missing: Missing) -> Line {
    match recognise(head) {
        Line::Undecided if !missing.is_nothing() && cut_version(head).is_some() => {
            Line::Start(Kind::Request)
        }
        line => line,
    }
}
