//! Frames and packets.

use etherparse::{IpNumber, VlanId};

use super::*;
use crate::packet::{ConnectionKey, Direction, Tail};

/// Reads one frame of a link type.
pub(super) fn one(link: u32, frame: &[u8]) -> Outcome {
    one_of(link, frame, frame.len())
}

fn one_of(link: u32, frame: &[u8], wire: usize) -> Outcome {
    let file = Classic::new(Order::Little, 0xa1b2_c3d4, link).packet(1, 0, frame, wire as u32);
    read(&file.bytes).unwrap()
}

pub(super) fn ipv4(payload: &[u8]) -> Vec<u8> {
    ethernet(7, payload)[14..].to_vec()
}

pub(super) fn ipv6(payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv6([9; 16], [3; 16], 64)
        .tcp(1000, 80, 7, 1024)
        .write(&mut packet, payload)
        .unwrap();
    packet
}

#[test]
fn reads_every_link_type_that_it_says_it_reads() {
    let cooked = |protocol: u16| {
        let mut frame = vec![0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
        frame.extend(protocol.to_be_bytes());
        frame
    };
    let cooked2 = |protocol: u16| {
        let mut frame = protocol.to_be_bytes().to_vec();
        frame.extend([0, 0, 0, 0, 0, 5, 3, 4, 0, 6]);
        frame.extend([0; 8]);
        frame
    };
    let ethernet = |protocol: u16| {
        let mut frame = vec![2; 12];
        frame.extend(protocol.to_be_bytes());
        frame
    };
    for (link, before_v4, before_v6) in [
        (0, vec![2, 0, 0, 0], vec![30, 0, 0, 0]),
        (0, vec![0, 0, 0, 2], vec![0, 0, 0, 24]),
        (1, ethernet(0x0800), ethernet(0x86dd)),
        (12, vec![], vec![]),
        (14, vec![], vec![]),
        (101, vec![], vec![]),
        (108, vec![0, 0, 0, 2], vec![0, 0, 0, 28]),
        (113, cooked(0x0800), cooked(0x86dd)),
        (276, cooked2(0x0800), cooked2(0x86dd)),
        // The upper half says that frames end with a check sequence of 4 bytes.
        (0x4400_0001, ethernet(0x0800), ethernet(0x86dd)),
    ] {
        for (before, packet) in [(before_v4, ipv4(b"hello")), (before_v6, ipv6(b"hello"))] {
            let (_, items) = one(link, &[before, packet].concat());
            assert_eq!(items.len(), 1, "link type {link}");
            assert_eq!(items[0].1, b"hello");
            assert_eq!(segment(&items[0].0).tail, Tail::Whole);
        }
    }
    assert_eq!(one(228, &ipv4(b"hello")).1[0].1, b"hello");
    assert_eq!(one(229, &ipv6(b"hello")).1[0].1, b"hello");
}

#[test]
fn vlans_and_interfaces_are_links_of_their_own() {
    let tagged = |inner: u16, outer: u16| {
        let mut frame = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .double_vlan(
                VlanId::try_new(outer).unwrap(),
                VlanId::try_new(inner).unwrap(),
            )
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(1000, 80, 7, 1024)
            .write(&mut frame, b"x")
            .unwrap();
        frame
    };
    let mut file = Ng::new(Order::Little)
        .interface(1, 0, &[])
        .interface(1, 0, &[]);
    for (interface, frame) in [
        (0, ethernet(7, b"x")),
        (0, tagged(5, 6)),
        (0, tagged(6, 5)),
        (1, ethernet(7, b"x")),
        (0, tagged(0, 0)),
        (0, tagged(5, 6)),
    ] {
        file = file.enhanced(interface, 1, &frame, frame.len() as u32);
    }
    let (_, items) = read(&file.bytes).unwrap();
    let links: Vec<u32> = items
        .iter()
        .map(|(item, _)| match item.connection {
            ConnectionKey::Flow { link, .. } => link,
            ConnectionKey::Socket(_) => panic!("a capture has no sockets"),
        })
        .collect();
    assert_eq!(links, [0, 1, 2, 3, 0, 1]);
}

#[test]
fn both_directions_have_the_key_of_their_connection() {
    let mut answer = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64)
        .tcp(80, 1000, 7, 1024)
        .write(&mut answer, b"x")
        .unwrap();
    let request = one(1, &ethernet(7, b"x")).1.remove(0).0;
    let answer = one(1, &answer).1.remove(0).0;
    assert_eq!(request.connection, answer.connection);
    assert_eq!(segment(&request).direction, Direction::Forward);
    assert_eq!(segment(&answer).direction, Direction::Reverse);
    assert_eq!(segment(&answer).source, "10.0.0.2:80".parse().unwrap());
}

#[test]
fn a_mapped_address_is_ipv4() {
    let mapped = |last| {
        "::ffff:10.0.0.1"
            .parse::<std::net::Ipv6Addr>()
            .map(|address| {
                let mut octets = address.octets();
                octets[15] = last;
                octets
            })
    };
    let mut packet = Vec::new();
    PacketBuilder::ipv6(mapped(1).unwrap(), mapped(2).unwrap(), 64)
        .tcp(1000, 80, 7, 1024)
        .write(&mut packet, b"x")
        .unwrap();
    let (_, items) = one(101, &packet);
    assert_eq!(
        segment(&items[0].0).source,
        "10.0.0.1:1000".parse().unwrap()
    );
}

#[test]
fn padding_is_no_data() {
    let mut frame = ethernet(7, b"hi");
    frame.resize(64, 0);
    assert_eq!(one(1, &frame).1[0].1, b"hi");
    let mut acknowledgement = ethernet(7, b"");
    acknowledgement.resize(60, 0);
    let (report, items) = one(1, &acknowledgement);
    assert!(items.is_empty());
    assert_eq!(report.acknowledgements, 1);
}

#[test]
fn a_length_of_zero_is_offloaded_segmentation() {
    let payload = [0x41; 300];
    let mut v4 = ipv4(&payload);
    v4[2..4].fill(0);
    let mut v6 = ipv6(&payload);
    v6[4..6].fill(0);
    for packet in [v4, v6] {
        let (_, items) = one(101, &packet);
        assert_eq!(items[0].1, payload);
        assert_eq!(segment(&items[0].0).wire_len, 300);
        // The snap length cut it as well: the capture's own length counts.
        let (_, items) = one_of(101, &packet[..packet.len() - 100], packet.len());
        assert_eq!(items[0].1.len(), 200);
        assert_eq!(segment(&items[0].0).wire_len, 300);
        assert_eq!(segment(&items[0].0).tail, Tail::Cut);
    }
}

#[test]
fn what_the_snap_length_cut_is_declared() {
    for (packet, headers) in [(ipv4(&[0x41; 300]), 40), (ipv6(&[0x41; 300]), 60)] {
        let (report, items) = one_of(101, &packet[..headers + 100], packet.len());
        assert_eq!(items[0].1.len(), 100);
        assert_eq!(segment(&items[0].0).wire_len, 300);
        assert_eq!(segment(&items[0].0).tail, Tail::Cut);
        assert_eq!(report.cut, 1);
        let (report, items) = one_of(101, &packet[..headers - 5], packet.len());
        assert!(items.is_empty());
        assert_eq!(report.skipped.headers_cut, 1);
    }
}

#[test]
fn a_syn_with_data_starts_one_later() {
    let syn = |payload: &[u8]| {
        let mut packet = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(1000, 80, u32::MAX, 1024)
            .syn()
            .write(&mut packet, payload)
            .unwrap();
        one(101, &packet).1.remove(0).0
    };
    assert_eq!(segment(&syn(b"")).seq, u32::MAX);
    assert_eq!(segment(&syn(b"GET")).seq, 0);
}

#[test]
fn extension_headers_are_passed_over() {
    let mut packet = ipv6(b"hello");
    // Hop-by-hop options of 8 bytes (padding), then destination options of 16.
    let options = [
        &[60, 0, 1, 4, 0, 0, 0, 0][..],
        &[6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    packet[6] = 0;
    packet[5] += options.len() as u8;
    packet.splice(40..40, options);
    let (_, items) = one(101, &packet);
    assert_eq!(items[0].1, b"hello");
    let (_, items) = one_of(101, &packet[..packet.len() - 2], packet.len());
    assert_eq!(segment(&items[0].0).wire_len, 5);
    assert_eq!(items[0].1, b"hel");
}

#[test]
fn what_is_left_out_is_counted_by_reason() {
    let mut udp = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1, 2)
        .write(&mut udp, b"x")
        .unwrap();
    let mut fragment = ipv4(b"hello");
    fragment[6] = 0x20;
    let mut later = fragment.clone();
    later[6..8].copy_from_slice(&[0, 9]);
    let mut no_header = ipv4(b"hello");
    no_header[3] = 19;
    let mut no_offset = ipv4(b"hello");
    no_offset[32] = 0x10;
    let mut gre = ipv4(b"hello");
    gre[9] = IpNumber::GRE.0;
    let arp = [&[0xff; 12][..], &[8, 6], &[0; 28]].concat();
    let count = |report: Report| {
        let skipped = report.skipped;
        [
            skipped.not_ip,
            skipped.not_tcp,
            skipped.fragments,
            skipped.headers_cut,
            skipped.malformed,
        ]
    };
    assert_eq!(count(one(1, &arp).0), [1, 0, 0, 0, 0]);
    assert_eq!(count(one(101, &udp).0), [0, 1, 0, 0, 0]);
    // The ports stand where a header of GRE has its flags.
    assert_eq!(count(one(101, &gre).0), [0, 1, 0, 0, 0]);
    assert_eq!(count(one(101, &fragment).0), [0, 0, 1, 0, 0]);
    assert_eq!(count(one(101, &later).0), [0, 0, 1, 0, 0]);
    assert_eq!(count(one_of(1, &[0; 9], 60).0), [0, 0, 0, 1, 0]);
    assert_eq!(count(one(101, &no_header).0), [0, 0, 0, 0, 1]);
    assert_eq!(count(one(101, &no_offset).0), [0, 0, 0, 0, 1]);
    assert_eq!(count(one(101, &[0xf5; 40]).0), [0, 0, 0, 0, 1]);
}
