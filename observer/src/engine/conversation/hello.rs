//! TLS at the start of a connection.

use zeroize::Zeroizing;

use super::super::Output;
use super::super::shard::Context;
use super::Conversation;
use crate::exchange::TlsSeen;
use crate::packet::Direction;
use crate::protocol::{Protocol, tls};
use crate::stream::Piece;

impl Conversation {
    /// Looks whether a direction starts with a TLS record. `None`: it does not.
    pub(super) fn look_for_tls(
        &mut self,
        direction: Direction,
        piece: &Piece<'_>,
        context: &mut Context<'_>,
    ) -> Option<u64> {
        if let Some((of, mut held)) = self.hello.take() {
            if of != direction {
                // The other end answers before the hello was complete: it is no TLS, or cut.
                self.hello = Some((of, held));
                return self.look_at_start(direction, piece, context);
            }
            if let Piece::Bytes { bytes, .. } = piece {
                let room = tls::MAX_RECORD - held.len().min(tls::MAX_RECORD);
                held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                match tls::recognise(&held) {
                    tls::Start::Undecided | tls::Start::PartOfHello if room > 0 => {
                        self.hello = Some((of, held));
                        return Some(0);
                    }
                    tls::Start::Nothing => {
                        self.decide(Protocol::Other, context);
                        return Some(u64::MAX);
                    }
                    _ => {}
                }
            }
            self.tell_hello(direction, &held, context);
            return Some(u64::MAX);
        }
        self.look_at_start(direction, piece, context)
    }

    fn look_at_start(
        &mut self,
        direction: Direction,
        piece: &Piece<'_>,
        context: &mut Context<'_>,
    ) -> Option<u64> {
        let Piece::Bytes { bytes, .. } = piece else {
            return None;
        };
        match tls::recognise(bytes) {
            tls::Start::Nothing => return None,
            tls::Start::Undecided if !self.from_start || self.hello.is_some() => return None,
            tls::Start::Undecided | tls::Start::PartOfHello if self.hello.is_none() => {
                self.hello = Some((direction, Zeroizing::new(bytes.to_vec())));
                return Some(0);
            }
            tls::Start::Hello(_) => self.tell_hello(direction, bytes, context),
            _ => self.decide(Protocol::Tls, context),
        }
        Some(u64::MAX)
    }

    /// Tells a ClientHello, whole or not. Bytes that are none are something else.
    pub(super) fn tell_hello(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) {
        let server_name = match tls::recognise(bytes) {
            tls::Start::Hello(name) => name,
            tls::Start::PartOfHello => tls::server_name_of_part(bytes),
            tls::Start::Record => return self.decide(Protocol::Tls, context),
            tls::Start::Undecided | tls::Start::Nothing => {
                return self.decide(Protocol::Other, context);
            }
        };
        self.decide(Protocol::Tls, context);
        let seen = TlsSeen {
            connection: self.connection(direction),
            server_name,
            completed: context.now,
        };
        context.give(Output::Tls(seen));
    }
}
