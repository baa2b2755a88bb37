//! When an exchange is complete, and what then leaves.

use super::slot::{Slot, State};
use super::{Complete, GRACE, Pairing, Waits};
use crate::credential::Echo;
use crate::time::Timestamp;

impl Pairing {
    /// Whether [`Self::release`] has nothing, and will not by time alone.
    pub(in crate::engine) fn is_idle(&self) -> bool {
        self.slots.is_empty() && self.done.is_empty()
    }

    /// When [`Self::release`] will next have something.
    pub(in crate::engine) fn deadline(&self, waits: &Waits) -> Option<Timestamp> {
        let answered = self.slots.iter();
        let quiet = answered
            .filter(|slot| slot.state == State::Answered)
            .map(|slot| slot.rest_until(self.heard))
            .min();
        let due = match self.done.front() {
            Some(slot) => Some(slot.since),
            None => self.first().map(|(_, slot)| self.due(slot, waits)),
        };
        quiet
            .into_iter()
            .chain(due.filter(|due| *due < Timestamp::MAX))
            .min()
    }

    /// Gives the next exchange that is complete at `now`.
    pub(in crate::engine) fn release(&mut self, now: Timestamp, waits: &Waits) -> Option<Complete> {
        let heard = self.heard;
        if self
            .answered()
            .is_some_and(|slot| slot.rest_until(heard) <= now)
        {
            self.settle(false, now);
        }
        if let Some(mut slot) = self.done.pop_front() {
            let complete = Complete::new(&mut slot, self.next_number);
            self.next_number += 1;
            return Some(complete);
        }
        let (at, slot) = self.first()?;
        if self.due(slot, waits) > now {
            return None;
        }
        let slot = self.slots.get_mut(at)?;
        let stays = slot.state == State::Asked && !self.over;
        let complete = Complete::new(slot, self.next_number);
        if slot.awaits_request {
            self.unclear = self.unclear.max(slot.started);
        }
        if stays {
            slot.state = State::Told;
        } else {
            self.slots.remove(at);
        }
        self.next_number += 1;
        Some(complete)
    }

    /// The exchange that leaves next.
    fn first(&self) -> Option<(usize, &Slot)> {
        let mut slots = self.slots.iter().map(AsRef::as_ref).enumerate();
        slots.find(|(_, slot): &(usize, &Slot)| slot.state != State::Told)
    }

    /// When an exchange may leave.
    fn due(&self, slot: &Slot, waits: &Waits) -> Timestamp {
        match slot.state {
            State::Asked if self.over => slot.since,
            State::Asked => slot.since.plus(waits.answer),
            State::Answered | State::Told => Timestamp::MAX,
            State::Alone => slot.since,
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

impl Complete {
    fn new(slot: &mut Slot, number: u64) -> Self {
        let mut secrets = std::mem::take(&mut slot.secrets);
        if slot.form.is_some() {
            // It has not come to its end, and may never come: live, it may lie beyond what is copied.
            secrets.add(&Echo::unseen());
        }
        Self {
            number,
            request: slot.request.take(),
            response: slot.response.take(),
            handled: slot.handled.take(),
            capture: slot.capture,
            grant: slot.grant.take(),
            secrets,
        }
    }
}
