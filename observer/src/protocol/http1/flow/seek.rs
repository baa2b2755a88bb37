//! The search for the next head, where the place in the stream is not known.

use super::super::head::MAX_HEAD;
use super::super::request::Place;
use super::super::start_line::{Kind, Line, has_known_method, recognise};
use super::super::{Asked, Messages};
use super::{Flow, State};
use crate::time::Timestamp;

impl Flow {
    /// Looks for a line that starts a message: at the start of a segment, where heads mostly are,
    /// and at every line after it.
    pub(super) fn seek(
        &mut self,
        at: Place,
        bytes: &[u8],
        kind: Option<Kind>,
        messages: &impl Messages,
    ) -> usize {
        let may_answer = messages.asked(at.started) != Asked::Nothing;
        let look = |bytes: &[u8]| match recognise(bytes) {
            Line::Start(Kind::Request) if !has_known_method(bytes) => Line::Nothing,
            Line::Start(found) if kind.is_some_and(|kind| kind != found) => Line::Nothing,
            Line::Start(Kind::Response) if !may_answer => Line::Nothing,
            line => line,
        };
        if !self.head.is_empty() {
            let before = self.head.bytes().len();
            let line_end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
            self.head
                .add(bytes.get(..line_end).unwrap_or_default(), at.finished);
            match look(self.head.bytes()) {
                Line::Start(_) => {
                    self.state = State::Head;
                    return line_end;
                }
                Line::Undecided if before + line_end < MAX_HEAD => return line_end,
                _ => {
                    self.head.forget();
                    self.pass_over(at.started);
                }
            }
        }
        let mut from = 0;
        loop {
            let candidate = bytes.get(from..).unwrap_or_default();
            if candidate.is_empty() {
                return bytes.len();
            }
            self.head.begin(at.position + from as u64, at.started);
            match look(candidate) {
                Line::Start(_) => {
                    self.state = State::Head;
                    return from;
                }
                Line::Undecided => {
                    self.head.add(candidate, at.finished);
                    return bytes.len();
                }
                _ => self.pass_over(at.started),
            }
            match memchr::memchr(b'\n', candidate) {
                Some(end) => from += end + 1,
                None => return bytes.len(),
            }
        }
    }

    /// Notes that something was no head, and may have been the rest of one.
    fn pass_over(&mut self, time: Timestamp) {
        self.passed = Some(time);
        self.rest = Some(time);
    }
}
