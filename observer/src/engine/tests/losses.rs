//! What captures miss.

use proptest::sample::Index;

use super::wire::{CLIENT, Packet, SERVER};
use crate::packet::Tail;

/// Lets a capture begin somewhere. Says how many of its packets can be lost without a trace: up to the
/// first of each direction. A run of requests is not joined between two of them, for the same reason.
pub(super) fn join_late(packets: &mut Vec<Packet>, at: &Index) -> usize {
    let mut at = at.index(packets.len() - 2) + 2;
    while packets[at].direction == CLIENT
        && packets[at - 1].direction == CLIENT
        && begins(&packets[at])
    {
        at += 1;
    }
    packets.drain(..at);
    let first = |of| packets.iter().position(|packet| packet.direction == of);
    first(CLIENT).max(first(SERVER)).map_or(0, |at| at + 1)
}

/// Takes a packet or a part of it away: undeclared, declared, or cut. Of the first `unnoticed` none
/// goes undeclared. Says when it was sent.
pub(super) fn remove(
    packets: &mut Vec<Packet>,
    index: &Index,
    how: u8,
    unnoticed: usize,
) -> Option<u64> {
    if packets.is_empty() {
        return None;
    }
    let at = index.index(packets.len());
    // Without both SYNs it is a capture that joins late.
    let is_syn = |packet: &&Packet| packet.flags.syn;
    if packets[at].flags.syn && packets.iter().filter(is_syn).count() == 1 {
        return None;
    }
    let micros = packets[at].micros;
    let how = if at < unnoticed { how.max(1) } else { how };
    let Packet { direction, .. } = packets[at];
    let len = u32::try_from(packets[at].bytes.len()).unwrap();
    match how {
        0 => drop(packets.remove(at)),
        1 => {
            packets.remove(at);
            let later = packets.iter_mut().skip(at);
            for packet in later.filter(|packet| packet.direction == direction) {
                packet.lost += u64::from(len);
            }
        }
        _ => {
            packets[at].bytes.truncate(len as usize / 2);
            packets[at].missing += len - len / 2;
            packets[at].tail = Tail::Cut;
        }
    }
    Some(micros)
}

/// When the turns of the client began.
pub(super) fn turns_of_client(packets: &[Packet]) -> Vec<u64> {
    let says = packets.iter().filter(|packet| !packet.bytes.is_empty());
    let mut before = SERVER;
    let mut began = Vec::new();
    for packet in says {
        if packet.direction == CLIENT && before == SERVER {
            began.push(packet.micros);
        }
        before = packet.direction;
    }
    began
}

/// Whether a packet may begin with a request.
fn begins(packet: &Packet) -> bool {
    ["GET /", "POST /", "HEAD /", "DELETE /"]
        .iter()
        .any(|start| {
            let len = packet.bytes.len().min(start.len());
            packet.bytes[..len] == start.as_bytes()[..len]
        })
}
