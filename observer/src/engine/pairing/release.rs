//! When an exchange is complete, and what then leaves.

use super::slot::{Slot, State};
use super::{Complete, GRACE, Pairing, Waits};
use crate::time::Timestamp;

impl Pairing {
    /// When [`Self::release`] will next have something.
    pub(in crate::engine) fn deadline(&self, waits: &Waits) -> Option<Timestamp> {
        let quiet = self
            .slots
            .iter()
            .any(|slot| slot.state == State::Answered)
            .then(|| self.heard.plus(GRACE));
        let due = self.first().map(|(_, slot)| self.due(slot, waits));
        quiet
            .into_iter()
            .chain(due.filter(|due| *due < Timestamp::MAX))
            .min()
    }

    /// Gives the next exchange that is complete at `now`.
    pub(in crate::engine) fn release(&mut self, now: Timestamp, waits: &Waits) -> Option<Complete> {
        if self.heard.plus(GRACE) <= now {
            self.settle(false, now);
        }
        let (at, slot) = self.first()?;
        if self.due(slot, waits) > now {
            return None;
        }
        let number = self.next_number;
        self.next_number += 1;
        let slot = self.slots.get_mut(at)?;
        let complete = Complete {
            number,
            request: slot.request.take(),
            response: slot.response.take(),
            handled: slot.handled.take(),
            capture: slot.capture,
        };
        if slot.state == State::Asked && !self.over {
            slot.state = State::Told;
        } else {
            self.slots.remove(at);
        }
        Some(complete)
    }

    /// The exchange that leaves next.
    fn first(&self) -> Option<(usize, &Slot)> {
        self.slots
            .iter()
            .enumerate()
            .find(|(_, slot)| slot.state != State::Told)
    }

    /// When an exchange may leave.
    fn due(&self, slot: &Slot, waits: &Waits) -> Timestamp {
        match slot.state {
            State::Asked if self.over => slot.since,
            State::Asked => slot.since.plus(waits.answer),
            State::Answered | State::Told => Timestamp::MAX,
            State::Alone => slot.since,
            // Too many to wait for requests that would have come before them.
            State::Settled(_) if slot.method.is_none() && self.is_crowded() => slot.since,
            State::Settled(_) if slot.method.is_none() && self.over => slot.since,
            State::Settled(_) if slot.method.is_none() && waits.in_request_head => {
                slot.since.plus(waits.answer)
            }
            State::Settled(_) if slot.method.is_none() => slot.since.plus(GRACE),
            State::Settled(at) => match waits.handling {
                Some(wait) if slot.request.is_some() && !slot.is_handled() => at.plus(wait),
                _ => at,
            },
        }
    }
}
