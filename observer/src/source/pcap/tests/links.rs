//! Link types that put something of their own before packets.

use super::packets::{ipv4, one};
use super::*;

/// What stands before an IPv4 packet, or before what carries one.
fn behind(link: u32, before: &[u8]) -> Vec<(Item, Vec<u8>)> {
    one(link, &[before, &ipv4(b"hello")].concat()).1
}

/// 802.2 with SNAP, announcing IPv4.
const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

#[test]
fn every_link_type_is_read_as_it_is_framed() {
    let zeros = |len: usize| vec![0; len];
    let with_snap = |before: &[u8]| [before, &SNAP].concat();
    let wlan = |subtype: u8, len: usize| {
        let mut header = vec![0; len];
        header[0] = 0x08 | (subtype << 4);
        header
    };
    let mut routed = zeros(14 + 6);
    routed[8] = 0x80;
    routed[14] = 6;
    let mut ppi = vec![0, 0, 8, 0, 1, 0, 0, 0];
    ppi.extend([&[2; 12][..], &[8, 0]].concat());
    let mut pktap = zeros(108);
    pktap[0] = 108;
    pktap[8] = 1;
    pktap.extend([&[2; 12][..], &[8, 0]].concat());
    for (link, before) in [
        (6, with_snap(&zeros(14))),
        (6, with_snap(&routed)),
        (7, vec![1, 2, 240]),
        (129, vec![1, 2, 0, 0, 212, 0, 0, 1]),
        (129, vec![1, 2, 0, 0, 240]),
        (8, zeros(16)),
        (9, vec![0xff, 3, 0, 0x21]),
        (9, vec![0x21]),
        (10, with_snap(&zeros(13))),
        (11, SNAP.to_vec()),
        (50, vec![0xff, 3, 0, 0x21]),
        (50, vec![0x0f, 0, 8, 0]),
        (51, vec![0x11, 0, 0, 1, 0, 47, 0, 0x21]),
        (104, vec![0x0f, 0, 8, 0]),
        (105, with_snap(&wlan(0, 24))),
        // Quality of service adds two bytes.
        (105, with_snap(&wlan(8, 26))),
        (107, vec![0x18, 0x41, 3, 0xcc]),
        (107, vec![0x18, 0x41, 8, 0]),
        (107, vec![0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0]),
        (109, zeros(12)),
        // The length without padding.
        (117, [&[61][..], &zeros(63)].concat()),
        (119, with_snap(&[zeros(144), wlan(0, 24)].concat())),
        (122, with_snap(&zeros(16))),
        (
            127,
            with_snap(&[vec![0, 0, 8, 0, 0, 0, 0, 0], wlan(0, 24)].concat()),
        ),
        (138, [zeros(16), vec![8, 0]].concat()),
        (
            163,
            with_snap(&[vec![0x80, 0x21, 0x10, 1, 0, 0, 0, 8], wlan(0, 24)].concat()),
        ),
        (192, ppi),
        (226, zeros(24)),
        (
            239,
            [vec![2, 0, 0, 0, 8, 0, 1, 0], zeros(4), vec![49, 0, 9, 0]].concat(),
        ),
        (
            239,
            [vec![2, 0, 0, 0, 0, 8, 0, 1], zeros(4), vec![0, 49, 0, 9]].concat(),
        ),
        (242, [zeros(40), vec![8, 0, 0, 0]].concat()),
        (258, pktap),
        (274, [zeros(8 + 12), vec![8, 0]].concat()),
        (281, [zeros(16), vec![8, 0]].concat()),
        (282, [zeros(4 + 12), vec![8, 0]].concat()),
        (285, [zeros(20), vec![8, 0]].concat()),
    ] {
        let items = behind(link, &before);
        assert_eq!(items.len(), 1, "link type {link} behind {before:?}");
        assert_eq!(items[0].1, b"hello", "link type {link}");
    }
}

#[test]
fn a_padded_header_of_wifi_is_read() {
    // Radiotap with flags behind the time: the header of 26 bytes is padded to 28.
    let mut radiotap = vec![0, 0, 17, 0, 3, 0, 0, 0];
    radiotap.extend([0; 8]);
    radiotap.push(0x20);
    let mut wlan = vec![0x88, 0];
    wlan.extend([0; 24]);
    let padded = [&radiotap[..], &wlan, &[0; 2], &SNAP].concat();
    assert_eq!(behind(127, &padded)[0].1, b"hello");
}

#[test]
fn encrypted_wifi_is_not_ip() {
    let mut wlan = vec![0x08, 0x41];
    wlan.extend([0; 22]);
    let (report, items) = one(105, &[&wlan[..], &SNAP, &ipv4(b"hello")].concat());
    assert!(items.is_empty());
    assert_eq!(report.skipped.not_ip, 1);
}

#[test]
fn what_stands_between_ethernet_and_ip_is_passed_over() {
    let frame = |rest: &[u8]| one(1, &[&[2; 12], rest, &ipv4(b"hello")].concat());
    for rest in [
        // A length, and SNAP.
        &[&[0, 53][..], &SNAP].concat()[..],
        &[0, 48, 6, 6, 3],
        // Two labels of MPLS, the second one the last; behind a tag as well.
        &[0x88, 0x47, 0, 1, 0, 64, 0, 1, 1, 64],
        &[0x81, 0, 0, 5, 0x88, 0x47, 0, 1, 1, 64],
        // MPLS with a control word and Ethernet.
        &[
            &[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0][..],
            &[2; 12],
            &[8, 0],
        ]
        .concat(),
        // PPPoE.
        &[0x88, 0x64, 0x11, 0, 0, 1, 0, 47, 0, 0x21],
        // Bridged customers, tags of extenders, of virtual machines and of Cisco.
        &[&[0x88, 0xe7, 0, 0, 0, 1][..], &[2; 12], &[8, 0]].concat(),
        &[0x89, 0x3f, 0, 0, 0, 0, 0, 0, 8, 0],
        &[0x89, 0x26, 0, 0, 0, 0, 8, 0],
        &[0x89, 0x09, 1, 1, 0, 1, 0, 7, 8, 0],
        // MACsec that only authenticates; a service header.
        &[0x88, 0xe5, 0, 0, 0, 0, 0, 1, 8, 0],
        &[0x89, 0x4f, 0, 2, 1, 1, 0, 0, 0, 1],
    ] {
        let (report, items) = frame(rest);
        assert_eq!(items.len(), 1, "{rest:?}: {report:?}");
        assert_eq!(items[0].1, b"hello", "{rest:?}");
    }
    let (report, _) = frame(&[0x88, 0xe5, 0x0c, 0, 0, 0, 0, 1, 8, 0]);
    assert_eq!(report.skipped.not_ip, 1, "encrypted MACsec");
}

#[test]
fn headers_without_end_are_malformed() {
    let tags = [0x81, 0, 0, 1].repeat(100);
    let (report, items) = one(1, &[&[2; 12][..], &tags].concat());
    assert!(items.is_empty());
    assert_eq!(report.skipped.malformed, 1);
}
