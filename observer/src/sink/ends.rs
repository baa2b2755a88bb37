//! One rejection, seen at both its ends, told once.
//!
//! On a host that runs client and server, an exchange is seen twice. The server's side knows more
//! (the process that refused), so it is the one that is told; the client's side is held for a moment
//! and told only when no server's side came. The two are known to be one by their TCP sequence
//! numbers, which no NAT changes.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;

use super::Glance;
use crate::event::{Ends, Event};
use crate::exchange::Side;
use crate::time::Timestamp;

/// Passes on rejections, each exchange once.
pub struct OnePerExchange {
    servers: LruCache<(u32, u16), Option<u32>>,
    held: VecDeque<(Timestamp, Arc<Event>)>,
    clock: Timestamp,
}

impl Default for OnePerExchange {
    fn default() -> Self {
        Self {
            servers: LruCache::sparse(REMEMBERED),
            held: VecDeque::new(),
            clock: Timestamp::default(),
        }
    }
}

impl OnePerExchange {
    /// Takes an event. Gives those rejections that are to be told now.
    pub fn take(&mut self, event: &Arc<Event>, tell: &mut impl FnMut(&Arc<Event>)) {
        let refused = event.is_rejection();
        match event.side {
            Side::Wire if refused => tell(event),
            Side::Server => {
                self.remember(&Glance::from(&**event));
                if refused {
                    tell(event);
                }
            }
            Side::Client if refused => {
                if self.held.len() >= HELD
                    && let Some((_, oldest)) = self.held.pop_front()
                {
                    self.tell_unless_seen(&oldest, tell);
                }
                self.held
                    .push_back((self.clock.max(event.completed), Arc::clone(event)));
            }
            Side::Client | Side::Wire => {}
        }
    }

    /// Takes what there is to count of an exchange that was not refused.
    pub fn glance(&mut self, glance: &Glance<'_>) {
        if glance.side == Side::Server {
            self.remember(glance);
        }
    }

    /// Gives the client's sides that have waited long enough for their server's.
    pub fn pass(&mut self, clock: Timestamp, tell: &mut impl FnMut(&Arc<Event>)) {
        self.clock = self.clock.max(clock);
        while let Some((since, _)) = self.held.front()
            && self.clock.since(*since) >= PATIENCE
        {
            let Some((_, event)) = self.held.pop_front() else {
                break;
            };
            self.tell_unless_seen(&event, tell);
        }
    }

    /// Gives all that is held: nothing more will come.
    pub fn finish(&mut self, tell: &mut impl FnMut(&Arc<Event>)) {
        while let Some((_, event)) = self.held.pop_front() {
            self.tell_unless_seen(&event, tell);
        }
    }

    fn remember(&mut self, glance: &Glance<'_>) {
        if let Some((key, request)) = key(glance) {
            self.servers.put(key, request);
        }
    }

    fn tell_unless_seen(&self, event: &Arc<Event>, tell: &mut impl FnMut(&Arc<Event>)) {
        let seen = key(&Glance::from(&**event)).is_some_and(|(key, request)| {
            self.servers.peek(&key).is_some_and(|other| {
                // One end may have missed the request.
                other.is_none() || request.is_none() || *other == request
            })
        });
        if !seen {
            tell(event);
        }
    }
}

/// How many exchanges of servers are remembered: 40 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");
/// How many rejections of clients are held at most.
const HELD: usize = 4096;
/// How long the client's side waits for the server's, by the clock of the data. The server's head is
/// complete before the client's, but its process may be waited for.
const PATIENCE: Duration = Duration::from_millis(500);

fn key(glance: &Glance<'_>) -> Option<((u32, u16), Option<u32>)> {
    let Ends { request, response } = glance.ends;
    Some(((response?, glance.status?), request))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    fn event(side: Side, response: u32) -> Arc<Event> {
        let mut exchange = sample::exchange();
        exchange.connection.side = side;
        exchange.response.as_mut().unwrap().seq = response;
        Arc::new(sample::event_of(&exchange, sample::verdict()))
    }

    fn told(events: &[Arc<Event>]) -> Vec<(Side, Option<u32>)> {
        let mut ends = OnePerExchange::default();
        let mut told = Vec::new();
        let mut tell = |event: &Arc<Event>| told.push((event.side, event.ends.response));
        for event in events {
            ends.take(event, &mut tell);
        }
        ends.finish(&mut tell);
        told
    }

    #[test]
    fn the_server_is_told_and_the_client_is_not() {
        let client = event(Side::Client, 1);
        let server = event(Side::Server, 1);
        let once = vec![(Side::Server, Some(1))];
        assert_eq!(told(&[Arc::clone(&server), Arc::clone(&client)]), once);
        assert_eq!(told(&[client, server]), once);
    }

    #[test]
    fn a_client_of_another_host_is_told() {
        let events = [event(Side::Server, 1), event(Side::Client, 2)];
        assert_eq!(
            told(&events),
            vec![(Side::Server, Some(1)), (Side::Client, Some(2))]
        );
    }

    #[test]
    fn a_server_that_missed_the_request_still_counts_as_the_other_end() {
        let mut server = (*event(Side::Server, 1)).clone();
        server.ends.request = None;
        let events = [Arc::new(server), event(Side::Client, 1)];
        assert_eq!(told(&events).len(), 1);
    }

    #[test]
    fn a_held_client_is_told_when_its_time_has_come() {
        let mut ends = OnePerExchange::default();
        let event = event(Side::Client, 1);
        let start = event.completed;
        let mut count = 0;
        ends.pass(start, &mut |_| count += 1);
        ends.take(&event, &mut |_| count += 1);
        ends.pass(start.plus(PATIENCE / 2), &mut |_| count += 1);
        assert_eq!(count, 0);
        ends.pass(start.plus(PATIENCE), &mut |_| count += 1);
        assert_eq!(count, 1);
    }

    #[test]
    fn what_is_held_is_bounded_and_nothing_is_lost() {
        let events: Vec<_> = (0..2 * HELD)
            .map(|number| event(Side::Client, u32::try_from(number).unwrap()))
            .collect();
        let mut ends = OnePerExchange::default();
        let mut count = 0;
        for event in &events {
            ends.take(event, &mut |_| count += 1);
            assert!(ends.held.len() <= HELD);
        }
        ends.finish(&mut |_| count += 1);
        assert_eq!(count, events.len());
    }
}
