//! From the bytes of a head to a message.

use super::super::head::{MAX_HEAD, end_of_head};
use super::super::request::{self, Place};
use super::super::start_line::{Kind, Line, cut_version, recognise};
use super::super::{Asked, Messages, Method, Missing, response};
use super::{CUT, Flow, Loss, MAX_PLAIN, Signal, State};
use crate::exchange::MAX_EXCERPT;
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
        let end = if before == 0 {
            end_of_head(part, 0)
        } else {
            self.head.add(part, at.finished)
        };
        let line = recognise(if before == 0 { part } else { self.head.bytes() });
        match line {
            Line::Nothing if before == 0 && self.begins_with_preamble(part) => return (0, None),
            Line::Preface => return (0, Some(self.lose_place(Signal::Http2, kind, messages))),
            Line::Nothing => return (0, Some(self.lose_place(Signal::NotHttp, kind, messages))),
            Line::Start(found) if kind.is_some_and(|kind| kind != found) => {
                return (0, Some(self.lose_place(Signal::NotHttp, kind, messages)));
            }
            Line::Start(_) | Line::Undecided => {}
        }
        match end {
            Some(end) if before == 0 => {
                let behind = bytes.get(end..).map_or(0, <[u8]>::len);
                let head = part.get(..end).unwrap_or_default();
                (end, self.whole(head, Missing::default(), behind, messages))
            }
            Some(end) => {
                let used = end - before;
                let buffer = self.head.take();
                let head = buffer.get(..end).unwrap_or_default();
                let behind = bytes.len() - used.min(bytes.len());
                (used, self.whole(head, Missing::default(), behind, messages))
            }
            None => {
                if before == 0 {
                    self.head.add(part, at.finished);
                }
                let too_long = self.head.bytes().len() >= MAX_HEAD;
                let signal = too_long
                    .then(|| self.cut(CUT, Loss::Unread, kind, messages))
                    .flatten();
                (part.len(), signal)
            }
        }
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
        let place = Place {
            position: self.head.position,
            started: self.head.started,
            finished: self.head.finished,
        };
        self.state = State::Between;
        let line = start_of(head, missing);
        if let Line::Start(kind) = line {
            self.tell_hole(Some(kind), messages);
        }
        match line {
            Line::Start(Kind::Request) => {
                let Some(mut read) = request::read(head, place, missing, messages) else {
                    return Some(self.lose_place(Signal::NotHttp, Some(Kind::Request), messages));
                };
                self.state = match read.body {
                    Some(Body::Length(0)) => State::Between,
                    Some(body) => State::Body {
                        body,
                        doubtful: read.head.waits_for_continue,
                    },
                    None => State::Seek,
                };
                self.fresh = false;
                read.head.passed = self.passed.take();
                if let State::Seek = self.state {
                    self.lose(Loss::Unread);
                    self.tell_hole(Some(Kind::Request), messages);
                }
                let head = read.head.method == Method::Head;
                let answered = messages.request(read.head);
                Some(if head && answered {
                    Signal::AnsweredHead
                } else {
                    Signal::Head(Kind::Request)
                })
            }
            Line::Start(Kind::Response) => {
                let Some(read) = response::read(head, place, missing) else {
                    return Some(self.lose_place(Signal::NotHttp, Some(Kind::Response), messages));
                };
                self.fresh = false;
                if let Some(time) = self.rest.take() {
                    messages.passed_over(time);
                }
                Some(self.response(read, head.len(), behind, messages))
            }
            _ => None,
        }
    }

    fn response(
        &mut self,
        read: response::Read,
        head_len: usize,
        behind: usize,
        messages: &mut impl Messages,
    ) -> Signal {
        let status = read.head.response.status;
        if (100..=199).contains(&status) && status != 101 {
            return Signal::Head(Kind::Response);
        }
        let whole = read.head.missing.is_nothing();
        let asked = messages.asked(read.head.response.started);
        let method = match asked {
            Asked::Known(method) => Some(method),
            Asked::Nothing | Asked::Unseen => None,
        };
        let body = response::body(status, &read.framing, method);
        messages.response(read.head);
        let budget = match status {
            400.. => MAX_EXCERPT,
            _ => MAX_PLAIN.saturating_sub(head_len).min(behind),
        };
        self.excerpt = Some(budget);
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
