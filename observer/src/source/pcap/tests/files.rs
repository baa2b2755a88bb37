//! File formats.

use std::io::Write;

use super::*;

const SECOND: i64 = 1_000_000_000;

#[test]
fn reads_every_variant_of_pcap() {
    let frame = ethernet(7, b"hello");
    for order in Order::BOTH {
        for (magic, nanos) in [(0xa1b2_c3d4, 5_000), (0xa1b2_3c4d, 5), (0xa1b2_cd34, 5_000)] {
            let file = Classic::new(order, magic, 1)
                .packet(1_700_000_000, 5, &frame, frame.len() as u32)
                .packet(1_700_000_001, 6, &frame, frame.len() as u32);
            let (report, items) = read(&file.bytes).unwrap();
            assert_eq!(items.len(), 2, "{order:?} {magic:x}");
            assert_eq!(items[0].0.time.nanos(), 1_700_000_000 * SECOND + nanos);
            assert_eq!(items[0].1, b"hello");
            assert_eq!(segment(&items[0].0).seq, 7);
            assert!(report.endings.is_empty());
        }
    }
}

#[test]
fn reads_sections_interfaces_and_every_packet_block_of_pcapng() {
    let frame = ethernet(7, b"hello");
    let raw = &frame[14..];
    for order in Order::BOTH {
        let mut obsolete = [order.u16(0), order.u16(9)].concat();
        for word in [0, 4_000_000, frame.len() as u32, frame.len() as u32] {
            obsolete.extend(order.u32(word));
        }
        obsolete.extend(&frame);
        let offset = match order {
            Order::Big => 100_i64.to_be_bytes(),
            Order::Little => 100_i64.to_le_bytes(),
        };
        let file = Ng::new(order)
            .interface(1, 0, &[])
            .interface(101, 0, &[(9, &[9]), (14, &offset)])
            .interface(101, 0, &[(9, &[0x80 | 10])])
            .interface(101, 0, &[(9, &[12])])
            .block(5, &[0; 12])
            .enhanced(0, 3_000_001, &frame, frame.len() as u32)
            .enhanced(1, 3_000_001, raw, raw.len() as u32)
            .enhanced(2, 3 << 9, raw, raw.len() as u32)
            .enhanced(3, 3_000_000_000_000, raw, raw.len() as u32)
            .block(2, &obsolete)
            .simple(&frame, frame.len() as u32)
            .block(0x0bad, &[1; 20])
            .section()
            .interface(1, 58, &[])
            .simple(&frame[..58], frame.len() as u32);
        let (report, items) = read(&file.bytes).unwrap();
        assert!(report.endings.is_empty(), "{:?}", report.endings);
        let times: Vec<i64> = items.iter().map(|(item, _)| item.time.nanos()).collect();
        assert_eq!(
            times,
            [
                3 * SECOND + 1000,
                100_003_000_001,
                3 * SECOND / 2,
                3 * SECOND,
                4 * SECOND,
                4 * SECOND,
                4 * SECOND
            ]
        );
        assert_eq!(report.untimed, 2);
        assert_eq!(items[6].1, b"hell");
        assert_eq!(segment(&items[6].0).wire_len, 5);
    }
}

/// A section with one packet.
fn section(order: Order) -> Vec<u8> {
    let frame = ethernet(7, b"hello");
    Ng::new(order)
        .interface(1, 0, &[])
        .enhanced(0, 1, &frame, frame.len() as u32)
        .bytes
}

#[test]
fn a_section_may_change_the_byte_order() {
    let both = [section(Order::Big), section(Order::Little)].concat();
    assert_eq!(read(&both).unwrap().1.len(), 2);
}

#[test]
fn a_section_of_an_unknown_version_is_passed_over() {
    let mut of_version_2 = section(Order::Big);
    of_version_2[13] = 2;
    let all = [section(Order::Little), of_version_2, section(Order::Big)].concat();
    let (report, items) = read(&all).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(report.skipped.unreadable, 1);
    assert!(report.endings.is_empty());
}

#[test]
fn everything_before_a_cut_is_read_and_the_cut_is_told() {
    let frame = ethernet(7, b"hello");
    let classic = Classic::ethernet()
        .packet(1, 0, &frame, frame.len() as u32)
        .packet(2, 0, &frame, frame.len() as u32);
    let ng = Ng::new(Order::Little)
        .interface(1, 0, &[])
        .enhanced(0, 1, &frame, frame.len() as u32)
        .enhanced(0, 2, &frame, frame.len() as u32);
    // Of the second packet two bytes of data remain.
    for (bytes, lost) in [(classic.bytes, 3), (ng.bytes, 8)] {
        let (report, items) = read(&bytes[..bytes.len() - lost]).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[1].1, b"he");
        assert_eq!(segment(&items[1].0).wire_len, 5);
        assert_eq!(report.cut, 1);
        assert_eq!(report.endings[0].reason, EndReason::Truncated);
        let (report, items) = read(&bytes[..bytes.len() - frame.len()]).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(report.endings[0].reason, EndReason::Truncated);
    }
}

#[test]
fn a_cut_is_told_wherever_it_is() {
    let frame = ethernet(7, b"hello");
    let classic = Classic::ethernet().packet(1, 0, &frame, frame.len() as u32);
    let ng = Ng::new(Order::Big)
        .interface(1, 0, &[])
        .enhanced(0, 1, &frame, frame.len() as u32);
    // Between blocks a file may end.
    for (bytes, whole) in [(classic.bytes, vec![24]), (ng.bytes, vec![28, 48])] {
        for len in 4..bytes.len() {
            let (report, _) = read(&bytes[..len]).unwrap();
            assert_eq!(
                report.endings.is_empty(),
                whole.contains(&len),
                "cut at {len}"
            );
        }
    }
}

#[test]
fn lengths_that_cannot_be_are_damage() {
    let frame = ethernet(7, b"hello");
    let ng = || {
        Ng::new(Order::Little)
            .interface(1, 0, &[])
            .enhanced(0, 1, &frame, frame.len() as u32)
    };
    let mut too_small = ng().bytes;
    too_small.extend([6, 0, 0, 0, 8, 0, 0, 0]);
    let mut odd = ng().bytes;
    odd.extend([6, 0, 0, 0, 33, 0, 0, 0]);
    let mut two_lengths = ng().enhanced(0, 1, &frame, 0).bytes;
    *two_lengths.last_mut().unwrap() = 1;
    let mut room = ng().bytes;
    let captured = room.len() - 4 - frame.len().next_multiple_of(4) - 8;
    room[captured] = 0xff;
    let nobody = ng().enhanced(1, 1, &frame, 0).bytes;
    let huge = Classic::ethernet().packet(1, 0, &frame, frame.len() as u32);
    let mut huge = huge.packet(2, 0, &frame, 0).bytes;
    let captured = huge.len() - frame.len() - 8;
    huge[captured + 3] = 0x7f;
    for (bytes, read_before) in [
        (too_small, 1),
        (odd, 1),
        (two_lengths, 1),
        (room, 0),
        (nobody, 1),
        (huge, 1),
    ] {
        let (report, items) = read(&bytes).unwrap();
        assert_eq!(items.len(), read_before);
        let [ending] = report.endings.as_slice() else {
            panic!("{:?}", report.endings);
        };
        assert!(matches!(ending.reason, EndReason::Damaged(_)), "{ending}");
    }
}

#[test]
fn a_block_that_is_longer_than_the_file_costs_no_memory() {
    for kind in [6_u32, 0x0bad] {
        let mut file = Ng::new(Order::Little).interface(1, 0, &[]).bytes;
        file.extend(kind.to_le_bytes());
        file.extend(0xffff_fff0_u32.to_le_bytes());
        file.extend([0; 100]);
        let (report, _) = read(&file).unwrap();
        assert_eq!(report.endings[0].reason, EndReason::Truncated);
    }
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let message = |bytes: &[u8]| match read(bytes) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was read"),
    };
    assert!(message(b"").contains("is empty"));
    assert!(message(b"PK\x03\x04 an archive").contains("starts with 50 4b 03 04"));
    assert!(message(b"a").contains("is not a capture"));
    let can = Classic::new(Order::Little, 0xa1b2_c3d4, 227);
    assert!(message(&can.bytes).contains("link type is 227 (CAN)"));
    let folder = Captures::open(&["/".into()]).err().unwrap();
    assert!(folder.to_string().starts_with("cannot open /: "));
    let missing = Captures::open(&["/nonexistent/capture".into()])
        .err()
        .unwrap();
    assert!(
        missing
            .to_string()
            .starts_with("cannot open /nonexistent/capture")
    );
}

#[test]
fn an_interface_that_is_not_read_is_counted() {
    let frame = ethernet(7, b"hello");
    let file = Ng::new(Order::Little)
        .interface(227, 0, &[])
        .interface(1, 0, &[])
        .enhanced(0, 1, &frame, frame.len() as u32)
        .enhanced(1, 1, &frame, frame.len() as u32);
    let (report, items) = read(&file.bytes).unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(report.skipped.link_type, 1);
    assert_eq!(report.unread_links.get(&LinkType(227)), Some(&1));
}

#[test]
fn files_are_read_by_their_time_and_merged_where_they_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, times: &[u32]| {
        let mut file = Classic::ethernet();
        for time in times {
            let frame = ethernet(*time, b"x");
            file = file.packet(*time, 0, &frame, frame.len() as u32);
        }
        let path = folder.path().join(name);
        std::fs::write(&path, &file.bytes).unwrap();
        path
    };
    let late = write("a", &[50, 60, 70]);
    let early = write("b", &[10, 20]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&std::fs::read(write("c", &[15, 55, 80])).unwrap())
        .unwrap();
    let overlapping = folder.path().join("c.gz");
    std::fs::write(&overlapping, gzip.finish().unwrap()).unwrap();
    let nothing = write("d", &[]);

    let captures = Captures::open(&[late, early, overlapping, nothing]).unwrap();
    let (report, items) = drain(captures).unwrap();
    let order: Vec<i64> = items.iter().map(|(item, _)| item.time.seconds()).collect();
    assert_eq!(order, [10, 15, 20, 50, 55, 60, 70, 80]);
    assert_eq!(report.captures, 4);
    assert_eq!(report.first.unwrap().seconds(), 10);
    assert_eq!(report.last.unwrap().seconds(), 80);
}

#[test]
fn batches_are_bounded() {
    let frame = ethernet(7, &[0x41; 1000]);
    let mut file = Classic::ethernet();
    for _ in 0..3000 {
        file = file.packet(1, 0, &frame, frame.len() as u32);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture");
    std::fs::write(&path, &file.bytes).unwrap();
    for size in [Size::LARGE, Size::SMALL] {
        let mut captures = Captures::open(std::slice::from_ref(&path)).unwrap();
        let mut batch = Batch::of(size);
        let mut sizes = Vec::new();
        while captures.read(&mut batch).unwrap() {
            sizes.push(batch.items().len());
        }
        sizes.push(batch.items().len());
        let most = size.bytes.div_ceil(1000);
        assert_eq!(sizes.iter().sum::<usize>(), 3000);
        assert!(sizes.iter().all(|size| *size <= most));
        assert_eq!(sizes.len(), 3000_usize.div_ceil(most));
    }
}

#[test]
fn what_came_through_a_pipe_is_given_before_the_next_is_waited_for() {
    let (mut writer, input) = pipe();
    let frame = ethernet(7, b"hello");
    let packet = |time| {
        let file = Classic::ethernet().packet(time, 0, &frame, frame.len() as u32);
        file.bytes[24..].to_vec()
    };
    writer.write_all(&Classic::ethernet().bytes).unwrap();
    writer.write_all(&packet(1)).unwrap();
    let mut captures = Captures::over(Box::new(input), Path::new("pipe")).unwrap();
    let mut batch = Batch::new();
    for time in 2..5 {
        assert!(captures.read(&mut batch).unwrap());
        assert_eq!(batch.items().len(), 1);
        assert_eq!(batch.clock().seconds(), time - 1);
        writer.write_all(&packet(time as u32)).unwrap();
    }
    drop(writer);
    assert!(captures.read(&mut batch).unwrap());
    assert!(!captures.read(&mut batch).unwrap());
    assert!(batch.is_empty());
}

fn pipe() -> (impl Write, impl std::io::Read + Send + 'static) {
    let (input, writer) = std::io::pipe().unwrap();
    (writer, input)
}
