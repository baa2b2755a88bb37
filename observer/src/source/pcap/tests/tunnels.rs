//! Packets inside packets.

use super::packets::{ipv4, ipv6, one};
use super::*;
use crate::packet::ConnectionKey;

/// An IPv4 packet that carries `payload` as `number`.
fn outer(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, number, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(payload);
    packet
}

/// A UDP datagram to a port.
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = [50_000_u16.to_be_bytes(), port.to_be_bytes()].concat();
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    outer(17, &datagram)
}

fn gre(header: &[u8], payload: &[u8]) -> Vec<u8> {
    outer(47, &[header, payload].concat())
}

fn link(item: &Item) -> u32 {
    match item.connection {
        ConnectionKey::Flow { link, .. } => link,
        ConnectionKey::Socket(_) => panic!("a capture has no sockets"),
    }
}

#[test]
fn every_tunnel_is_opened() {
    let (v4, frame) = (ipv4(b"hello"), ethernet(7, b"hello"));
    let with = |header: &[u8], payload: &[u8]| [header, payload].concat();
    let wlan = {
        let mut header = vec![0x08, 0];
        header.extend([0; 22]);
        header.extend([0xaa, 0xaa, 3, 0, 0, 0, 8, 0]);
        [header, v4.clone()].concat()
    };
    let vxlan = [8, 0, 0, 0, 0, 0, 7, 0];
    let gtp = [0x30, 0xff, 0, 45, 0, 0, 0, 1];
    let extended = [0x34, 0xff, 0, 53, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0];
    let mut ayiya = vec![0x41, 0x52, 0x11, 41, 0, 0, 0, 0];
    ayiya.extend([0; 16 + 20]);
    let inside_six = {
        let mut packet = vec![0x60, 0, 0, 0, 0, v4.len() as u8, 4, 64];
        packet.extend([7; 32]);
        [packet, v4.clone()].concat()
    };
    for (name, packet) in [
        ("IP in IP", outer(4, &v4)),
        ("6in4", outer(41, &ipv6(b"hello"))),
        ("4in6", inside_six),
        ("twice", outer(4, &outer(4, &v4))),
        ("MPLS in IP", outer(137, &with(&[0, 1, 1, 64], &v4))),
        ("Ethernet in IP", outer(97, &with(&[0x30, 0], &frame))),
        ("Ethernet", outer(143, &frame)),
        ("GRE", gre(&[0, 0, 8, 0], &v4)),
        (
            "GRE with everything",
            gre(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &v4),
        ),
        (
            "GRE of Ethernet",
            gre(&[0x20, 0, 0x65, 0x58, 0, 0, 9, 0], &frame),
        ),
        (
            "PPTP",
            gre(
                &[
                    0x30, 0x81, 0x88, 0x0b, 0, 48, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0x21,
                ],
                &v4,
            ),
        ),
        ("ERSPAN I", gre(&[0, 0, 0x88, 0xbe], &frame)),
        (
            "ERSPAN II",
            gre(
                &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0],
                &frame,
            ),
        ),
        (
            "ERSPAN III",
            gre(
                &[
                    0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
                &frame,
            ),
        ),
        ("WCCP", gre(&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], &v4)),
        ("Aruba", gre(&[0, 0, 0x82, 0], &wlan)),
        ("VXLAN", udp(4789, &with(&vxlan, &frame))),
        ("VXLAN of old Linux", udp(8472, &with(&vxlan, &frame))),
        (
            "VXLAN of IP",
            udp(4790, &with(&[0x0c, 0, 0, 1, 0, 0, 7, 0], &v4)),
        ),
        (
            "Geneve",
            udp(
                6081,
                &with(&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 0, 0, 0, 0], &frame),
            ),
        ),
        ("GTP", udp(2152, &with(&gtp, &v4))),
        ("GTP with an extension", udp(2152, &with(&extended, &v4))),
        ("AYIYA", udp(5072, &with(&ayiya, &ipv6(b"hello")))),
        (
            "Teredo",
            udp(3544, &with(&[0, 0, 1, 2, 3, 4, 5, 6], &ipv6(b"hello"))),
        ),
        ("GRE in UDP", udp(4754, &with(&[0, 0, 8, 0], &v4))),
        ("MPLS in UDP", udp(6635, &with(&[0, 1, 1, 64], &v4))),
        (
            "L2TP",
            udp(
                1701,
                &with(&[0x40, 2, 0, 55, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &v4),
            ),
        ),
        (
            "TZSP",
            udp(37008, &with(&[1, 0, 0, 1, 10, 1, 5, 0, 1], &frame)),
        ),
        (
            "CAPWAP",
            udp(5247, &with(&[0, 0x10, 0, 0, 0, 0, 0, 0], &frame)),
        ),
    ] {
        let (report, items) = one(101, &packet);
        assert_eq!(items.len(), 1, "{name}: {report:?}");
        assert_eq!(items[0].1, b"hello", "{name}");
        // Cut anywhere, it does no harm, and is counted.
        for len in 0..packet.len() {
            one(101, &packet[..len]);
        }
    }
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    for port in [4789, 6081, 2152, 5072, 3544, 4754, 6635, 1701, 37008, 5247] {
        for payload in [&[0xff; 80][..], &[0; 80], b"", b"GET / HTTP/1.1\r\n\r\n"] {
            let (report, items) = one(101, &udp(port, payload));
            assert!(items.is_empty());
            assert_eq!(report.skipped.not_tcp, 1, "{port}: {report:?}");
        }
    }
}

#[test]
fn networks_inside_tunnels_are_told_apart_where_they_have_numbers() {
    let inside = |network: u8, tag: u8| {
        let mut frame = ethernet(7, b"hello");
        frame.splice(12..12, [0x81, 0, 0, tag]);
        [&[8, 0, 0, 0, 0, 0, network, 0][..], &frame].concat()
    };
    let mut file = Classic::new(Order::Little, 0xa1b2_c3d4, 101);
    for packet in [
        udp(4789, &inside(1, 1)),
        udp(4789, &inside(2, 1)),
        udp(4789, &inside(1, 2)),
        udp(4789, &inside(1, 1)),
        outer(4, &ipv4(b"hello")),
        ipv4(b"hello"),
    ] {
        file = file.packet(1, 0, &packet, packet.len() as u32);
    }
    let (_, items) = read(&file.bytes).unwrap();
    let links: Vec<u32> = items.iter().map(|(item, _)| link(item)).collect();
    assert_eq!(links, [0, 1, 2, 0, 3, 3]);
}

#[test]
fn directions_on_different_links_are_one_connection_if_they_answer_each_other() {
    let segment = |client: bool, seq: u32, ack: u32, flags: u8, vlan: u8| {
        let ends = [(10_u8, 1000_u16), (20, 80)];
        let (from, to) = if client {
            (ends[0], ends[1])
        } else {
            (ends[1], ends[0])
        };
        let mut builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, from.0], [10, 0, 0, to.0], 64)
            .tcp(from.1, to.1, seq, 1024);
        if flags & 2 != 0 {
            builder = builder.syn();
        }
        if flags & 16 != 0 {
            builder = builder.ack(ack);
        }
        let mut frame = Vec::new();
        let payload: &[u8] = if flags & 2 != 0 { b"" } else { b"hello" };
        builder.write(&mut frame, payload).unwrap();
        frame.splice(12..12, [0x81, 0, 0, vlan]);
        frame
    };
    let links = |frames: &[Vec<u8>]| {
        let mut file = Classic::ethernet();
        for frame in frames {
            file = file.packet(1, 0, frame, frame.len() as u32);
        }
        let (_, items) = read(&file.bytes).unwrap();
        items.iter().map(|(item, _)| link(item)).collect::<Vec<_>>()
    };
    let mirrored = [
        segment(true, 100, 0, 2, 1),
        segment(false, 500, 101, 18, 2),
        segment(true, 101, 501, 16, 1),
        segment(false, 501, 106, 16, 2),
        // Another customer with the same addresses, who acknowledges something else.
        segment(false, 7_000_000, 900_000_000, 16, 3),
    ];
    assert_eq!(links(&mirrored), [0, 0, 0, 0, 2]);
    // Both directions on both links: two connections, as before and behind a router.
    let twice = [
        segment(true, 100, 0, 2, 1),
        segment(true, 100, 0, 2, 2),
        segment(false, 500, 101, 18, 2),
        segment(false, 500, 101, 18, 1),
        segment(true, 101, 501, 16, 1),
        segment(true, 101, 501, 16, 2),
    ];
    let seen = links(&twice);
    assert_eq!(seen[0], seen[4]);
    assert_eq!(seen[1], seen[5]);
    assert_ne!(seen[0], seen[1]);
}
