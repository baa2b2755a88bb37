//! IP packets in parts.

use super::packets::{ipv4, ipv6};
use super::*;

/// A part of an IPv4 packet: `range` of its payload.
fn part(packet: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let payload = &packet[20..];
    let more = u16::from(range.end < payload.len()) << 13;
    let mut part = packet[..20].to_vec();
    part[2..4].copy_from_slice(&(20 + range.len() as u16).to_be_bytes());
    part[4..6].copy_from_slice(&[0, 7]);
    part[6..8].copy_from_slice(&(more | (range.start as u16 / 8)).to_be_bytes());
    part.extend(&payload[range]);
    part
}

fn file(parts: &[Vec<u8>], every: u32) -> Vec<u8> {
    let mut file = Classic::new(Order::Little, 0xa1b2_c3d4, 101);
    for (number, part) in parts.iter().enumerate() {
        file = file.packet(1 + every * number as u32, 0, part, part.len() as u32);
    }
    file.bytes
}

fn payload() -> Vec<u8> {
    (0..100).collect()
}

#[test]
fn parts_are_put_together_in_any_order() {
    let packet = ipv4(&payload());
    let parts = [0..48, 48..96, 96..120].map(|range| part(&packet, range));
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let parts = order.map(|at| parts[at].clone());
        let (report, items) = read(&file(&parts, 1)).unwrap();
        assert_eq!(items.len(), 1, "{order:?}");
        assert_eq!(items[0].1, payload(), "{order:?}");
        assert_eq!((report.joined, report.skipped.fragments), (2, 0));
    }
}

#[test]
fn parts_of_ipv6_are_put_together() {
    let packet = ipv6(&payload());
    let (header, tcp) = packet.split_at(40);
    let part = |range: std::ops::Range<usize>| {
        let more = u16::from(range.end < tcp.len());
        let mut part = header.to_vec();
        part[4..6].copy_from_slice(&(8 + range.len() as u16).to_be_bytes());
        part[6] = 44;
        part.extend([6, 0]);
        part.extend((range.start as u16 | more).to_be_bytes());
        part.extend([0, 0, 0, 9]);
        part.extend(&tcp[range]);
        part
    };
    let (_, items) = read(&file(&[part(64..120), part(0..64)], 1)).unwrap();
    assert_eq!(items[0].1, payload());
}

#[test]
fn a_copy_is_left_out_and_a_contradiction_ends_the_packet() {
    let packet = ipv4(&payload());
    let [first, second, last] = [0..48, 48..96, 96..120].map(|range| part(&packet, range));
    let copied = [first.clone(), first.clone(), second.clone(), last.clone()];
    let (report, items) = read(&file(&copied, 1)).unwrap();
    assert_eq!((items.len(), report.skipped.fragments), (1, 1));
    let overlaps = part(&packet, 40..72);
    let (report, items) = read(&file(&[first, overlaps, second, last], 1)).unwrap();
    assert!(items.is_empty());
    assert_eq!(report.skipped.fragments, 4);
}

#[test]
fn what_stays_in_parts_is_counted_and_bounded() {
    let packet = ipv4(&payload());
    let [first, last] = [0..48, 48..120].map(|range| part(&packet, range));
    // Half a minute is waited for the rest, and no longer.
    let (report, items) = read(&file(&[first.clone(), last.clone()], 30)).unwrap();
    assert_eq!((items.len(), report.skipped.fragments), (1, 0));
    let (report, items) = read(&file(&[first.clone(), last.clone()], 31)).unwrap();
    assert_eq!((items.len(), report.skipped.fragments), (0, 2));
    let many: Vec<_> = (0..1000_u16)
        .map(|number| {
            let mut part = first.clone();
            part[4..6].copy_from_slice(&number.to_be_bytes());
            part
        })
        .chain([last])
        .collect();
    let (report, items) = read(&file(&many, 0)).unwrap();
    assert!(items.is_empty(), "the first part was given up for others");
    assert_eq!(report.skipped.fragments, 1001);
}

#[test]
fn a_tunnel_in_parts_is_opened() {
    let inner = ethernet(7, &payload());
    let mut datagram = [0xc3, 0x50, 0x12, 0xb5, 0, 0, 0, 0].to_vec();
    datagram.extend([8, 0, 0, 0, 0, 0, 7, 0]);
    datagram.extend(&inner);
    let len = datagram.len() as u16;
    datagram[4..6].copy_from_slice(&len.to_be_bytes());
    let mut outer = ipv4(b"")[..20].to_vec();
    outer[9] = 17;
    outer.extend(&datagram);
    let parts = [part(&outer, 0..80), part(&outer, 80..datagram.len())];
    let (_, items) = read(&file(&parts, 1)).unwrap();
    assert_eq!(items[0].1, payload());
}
