//! Whose an answer is, as far as holes let it be known.

use super::Pairing;
use super::slot::{Slot, State};
use crate::time::Timestamp;

/// A hole that may have hidden answers.
#[derive(Clone, Copy)]
pub(super) struct Doubt {
    /// When it was over.
    pub(super) ended: Timestamp,
    /// Any answer may have been in it. Else: none that began a turn.
    pub(super) any: bool,
}

/// Whose an answer is.
pub(super) enum Owner {
    /// Of the request in this slot.
    Slot(usize),
    /// Of none that waits.
    Nobody,
    /// Of one that waits, or of one that was not seen.
    Unclear,
}

impl Pairing {
    /// Notes that answers may have gone by until `ended`; `any`: even some that began a turn.
    pub(in crate::engine) fn doubt(&mut self, ended: Timestamp, any: bool) {
        let before = self.doubt.unwrap_or(Doubt { ended, any });
        self.doubt = Some(Doubt {
            ended: before.ended.max(ended),
            any: before.any || any,
        });
    }

    /// Whose an answer is that begins at `started`.
    pub(super) fn owner(&self, started: Timestamp) -> Owner {
        let mut waiting = self.waiting(started).map(|(at, _)| at);
        let first = waiting.next();
        let several = waiting.next().is_some();
        let (doubt, owed) = match self.is_new_turn(started) {
            true => (None, false),
            false => (self.doubt, self.owed > 0),
        };
        match (first, doubt) {
            (_, Some(Doubt { any: true, .. })) => Owner::Unclear,
            (Some(_), Some(_)) if several || owed => Owner::Unclear,
            (Some(at), _) if !owed => Owner::Slot(at),
            _ => Owner::Nobody,
        }
    }

    /// Whether the first request that waits for an answer at `started` began a turn after the latest
    /// hole in the answers.
    pub(super) fn is_new_turn(&self, started: Timestamp) -> bool {
        self.doubt.is_some_and(|doubt| {
            let first = self.waiting(started).next();
            first.is_some_and(|(_, slot)| slot.turn && slot.started > doubt.ended)
        })
    }

    /// The requests that an answer which begins at `started` may belong to.
    pub(super) fn waiting(&self, started: Timestamp) -> impl Iterator<Item = (usize, &Slot)> {
        let slots = self.slots.iter().map(AsRef::as_ref).enumerate();
        slots.filter(move |(_, slot): &(usize, &Slot)| {
            matches!(slot.state, State::Asked | State::Told) && slot.started <= started
        })
    }

    /// A turn began at `started`, with nothing that waits: holes before it matter no more.
    pub(super) fn forget_doubt(&mut self, started: Timestamp) {
        self.doubt.take_if(|doubt| doubt.ended < started);
        for slot in self.slots.iter_mut().filter(|slot| slot.started >= started) {
            slot.doubted.take_if(|ended| *ended < started);
        }
    }

    /// Nobody can tell whose answer the one is that begins at `started`.
    pub(super) fn give_up_waiting(&mut self, started: Timestamp) {
        let waits = |slot: &Slot| slot.started <= started;
        self.slots
            .retain(|slot| slot.state != State::Told || !waits(slot));
        for slot in self.slots.iter_mut().filter(|slot| waits(slot)) {
            if slot.state == State::Asked {
                slot.state = State::Alone;
            }
        }
    }
}
