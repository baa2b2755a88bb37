//! Where requests and answers go among those that wait.

use super::slot::{Slot, State};
use super::{Lead, MAX_OPEN, Pairing};

impl Pairing {
    /// Puts a request where it belongs: to its answer, if that came before, or behind all others. True
    /// when there was an answer.
    pub(super) fn place(&mut self, mut slot: Slot, lead: Lead) -> bool {
        let started = slot.started;
        self.replies += 1;
        self.latest = Some(started);
        let waits = |slot: &Slot| slot.state == State::Asked && slot.started < started;
        let at_rest = lead.turn && !self.slots.iter().any(|slot| waits(slot));
        if at_rest {
            self.forget_doubt(started);
        }
        slot.turn = lead.turn;
        let early = self
            .slots
            .iter_mut()
            .find(|slot| slot.awaits_request && slot.started >= started);
        let doubted = early.as_ref().is_some_and(|slot| slot.doubted.is_some());
        self.apart = (self.apart || !lead.seamless) && !at_rest;
        self.apart |= doubted || started < self.unclear;
        match early {
            _ if self.apart => slot.state = State::Alone,
            Some(answer) => {
                answer.awaits_request = false;
                answer.started = started;
                answer.finished = slot.finished;
                answer.method = slot.method;
                answer.request = slot.request;
                answer.form = slot.form;
                answer.capture.request_cut |= slot.capture.request_cut;
                answer.capture.lost += slot.capture.lost;
                return true;
            }
            None => {}
        }
        // One that could not be read has nothing to tell but its answer.
        if slot.state == State::Asked || slot.request.is_some() {
            self.push(slot);
        }
        false
    }

    /// Adds a request behind all others, and before the answers that began after it.
    fn push(&mut self, slot: Slot) {
        self.make_room();
        let before = |of: &Slot| of.method.is_some() || of.started <= slot.started;
        let at = self.slots.iter().rposition(|slot| before(slot));
        self.slots.insert(at.map_or(0, |at| at + 1), Box::new(slot));
    }

    /// Adds an answer that no request waits for.
    pub(super) fn insert_unasked(&mut self, slot: Slot) -> usize {
        self.replies += 1;
        self.make_room();
        let later = |of: &Slot| of.state == State::Asked && of.started > slot.started;
        let at = self.slots.iter().position(|slot| later(slot));
        let at = at.unwrap_or(self.slots.len());
        self.slots.insert(at, Box::new(slot));
        at
    }

    /// Gives up what waits where too many are open, so that what is looked through stays short.
    fn make_room(&mut self) {
        if self.slots.len() < MAX_OPEN {
            return;
        }
        for mut slot in std::mem::take(&mut self.slots) {
            self.owed += usize::from(matches!(slot.state, State::Asked | State::Told));
            if slot.awaits_request {
                self.unclear = self.unclear.max(slot.started);
            }
            if slot.state == State::Answered {
                slot.settle(false);
            }
            if slot.state != State::Told {
                self.done.push_back(slot);
            }
        }
    }
}
