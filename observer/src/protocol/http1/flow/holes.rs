//! What is missing in a direction, and when that is told.

use super::super::body::Step;
use super::super::start_line::Kind;
use super::super::{Hole, Messages, Missing};
use super::{Flow, Signal, State};
use crate::stream::Gap;
use crate::time::Timestamp;

/// A hole that was not told yet.
#[derive(Clone, Copy)]
pub(super) struct Untold {
    by_rule: bool,
    /// Until bytes are seen behind it: [`Timestamp::MAX`].
    pub(super) ended: Timestamp,
}

/// How a head can go by.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Loss {
    /// Among bytes that were never seen, at some time before the next ones.
    Unseen,
    /// Among the latest bytes: they were cut, or where a message begins in them is not known.
    Unread,
    /// Among bytes that the source did not want, in the turn of the latest ones.
    Unwanted,
}

impl Flow {
    pub(super) fn gap(
        &mut self,
        gap: Gap,
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> Option<Signal> {
        let loss = match (gap.lost, gap.cut) {
            (1.., _) => Loss::Unseen,
            (0, 1..) => Loss::Unread,
            (0, 0) => Loss::Unwanted,
        };
        match &mut self.state {
            State::Foreign | State::Over => return None,
            State::Head => {
                let missing = Missing {
                    cut: gap.skipped + gap.cut > 0,
                    lost: gap.lost,
                };
                return self.cut(missing, loss, kind, messages);
            }
            // If there is no body, it was the next head that is missing.
            State::Body { doubtful: true, .. } if loss != Loss::Unwanted => {}
            State::Body { body, doubtful } => {
                *doubtful = false;
                match body.pass(gap.len()) {
                    Step::More => {
                        self.settle(false, messages);
                        return None;
                    }
                    Step::Done => {
                        self.settle(false, messages);
                        self.state = State::Between;
                        return None;
                    }
                    Step::Broken => {}
                }
            }
            State::Between | State::Preamble(_) | State::Seek => {}
        }
        self.settle(false, messages);
        self.head.forget();
        self.fresh = false;
        self.state = State::Seek;
        self.lose(loss);
        self.tell_hole(kind, messages);
        None
    }

    /// Notes that heads may have gone by.
    pub(super) fn lose(&mut self, loss: Loss) {
        let ended = match loss {
            Loss::Unseen => Timestamp::MAX,
            Loss::Unread | Loss::Unwanted => self.heard,
        };
        let before = self.untold.unwrap_or(Untold {
            by_rule: true,
            ended,
        });
        self.untold = Some(Untold {
            by_rule: before.by_rule && loss == Loss::Unwanted,
            ended: before.ended.max(ended),
        });
        self.passed = self.passed.max(Some(ended));
    }

    /// Tells of a hole as soon as it is known what it hid, and when.
    pub(super) fn tell_hole(&mut self, kind: Option<Kind>, messages: &mut impl Messages) {
        if let (Some(kind), Some(hole)) = (kind, self.untold)
            && hole.ended < Timestamp::MAX
        {
            self.untold = None;
            messages.hole(Hole {
                of_requests: kind == Kind::Request,
                by_rule: hole.by_rule,
                ended: hole.ended,
            });
        }
    }
}
