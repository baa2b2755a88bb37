//! Filters.

use super::*;

/// How many of the packets a filter lets through: from 10.0.0.1:1000 to 10.0.0.2:80, back, the same in
/// VLAN 7, and IPv6 from 909::.. to 303::...
fn passed(terms: &str) -> Vec<usize> {
    let there = ethernet(7, b"a");
    let mut back = Vec::new();
    PacketBuilder::ethernet2([4; 6], [2; 6])
        .ipv4([10, 0, 0, 2], [10, 0, 0, 1], 64)
        .tcp(80, 1000, 7, 1024)
        .write(&mut back, b"b")
        .unwrap();
    let mut tagged = ethernet(7, b"c");
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    let mut six = [&[2; 12][..], &[0x86, 0xdd]].concat();
    six.extend(super::packets::ipv6(b"d"));
    let mut file = Classic::ethernet();
    for packet in [there, back, tagged, six] {
        file = file.packet(1, 0, &packet, packet.len() as u32);
    }
    let captures = Captures::over(Box::new(Cursor::new(file.bytes)), Path::new("capture"));
    let captures = captures.unwrap().only(terms.parse().unwrap());
    let (report, items) = drain(captures).unwrap();
    assert_eq!(report.filtered, 4 - items.len() as u64);
    let bytes = items.iter().map(|(_, bytes)| usize::from(bytes[0] - b'a'));
    bytes.collect()
}

#[test]
fn a_filter_lets_through_what_it_says() {
    for (terms, wanted) in [
        ("tcp", &[0, 1, 2, 3][..]),
        ("ip", &[0, 1, 2]),
        ("ip6", &[3]),
        ("vlan", &[2]),
        ("vlan 7", &[2]),
        ("vlan 8", &[]),
        ("host 10.0.0.1", &[0, 1, 2]),
        ("src host 10.0.0.1", &[0, 2]),
        ("dst 10.0.0.1", &[1]),
        ("src and dst net 10", &[0, 1, 2]),
        ("src and dst host 10.0.0.1", &[]),
        ("net 10.0.0.0/30", &[0, 1, 2]),
        ("net 10.0.0.2/31", &[0, 1, 2]),
        ("src net 10.0.0.2/31", &[1]),
        ("net 909::/16", &[3]),
        ("host 303:303:303:303:303:303:303:303", &[3]),
        ("port 80", &[0, 1, 2, 3]),
        ("src port 80", &[1]),
        ("tcp dst port 80 and ip6", &[3]),
        ("portrange 81-999", &[]),
        ("not src port 80 and not vlan", &[0, 3]),
        ("vlan or ip6 and src port 1000", &[2, 3]),
        ("not (vlan or ip6)", &[0, 1]),
    ] {
        assert_eq!(passed(terms), wanted, "{terms}");
    }
}
