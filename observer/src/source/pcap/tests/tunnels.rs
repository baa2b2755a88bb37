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
