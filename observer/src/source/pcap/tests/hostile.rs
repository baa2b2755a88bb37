//! Damaged and malicious captures: no panic, no hang, no memory beyond the window.

use proptest::prelude::*;

use super::*;

/// Captures of every format, with a bit of everything in them.
fn valid(kind: usize) -> Vec<u8> {
    let frame = ethernet(7, b"GET / HTTP/1.1\r\n\r\n");
    let wire = frame.len() as u32;
    let order = Order::BOTH[kind % 2];
    match kind / 2 {
        0 => {
            Ng::new(order)
                .interface(1, 0, &[(9, &[9]), (14, &[1; 8])])
                .interface(101, 90, &[])
                .enhanced(0, 1, &frame, wire)
                .enhanced(1, 1, &frame[14..], wire)
                .simple(&frame, wire)
                .section()
                .interface(113, 0, &[(9, &[0x8a])])
                .enhanced(0, 1, &frame, wire)
                .bytes
        }
        variant => {
            let magic = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34][variant % 3];
            let link = [1, 0, 101, 113, 276][variant % 5];
            Classic::new(order, magic, link)
                .packet(1, 0, &frame, wire)
                .packet(2, 0, &frame[14..], wire)
                .packet(3, 0, &frame[..40], wire)
                .packet(4, 0, &frame, wire)
                .bytes
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_do_no_harm(
        kind in 0..32_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        len in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = valid(kind);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(len.index(bytes.len()));
        }
        if let Ok((report, _)) = read(&bytes) {
            prop_assert!(report.bytes <= bytes.len() as u64);
        }
    }

    #[test]
    fn any_frame_does_no_harm(
        link in prop::sample::select(vec![0_u32, 1, 12, 101, 108, 113, 228, 229, 276]),
        frame in prop::collection::vec(any::<u8>(), 0..120),
        wire in any::<u32>(),
        version in 0..3_u8,
    ) {
        let mut frame = frame;
        // Most noise is no IP packet at all: help it to be one.
        if let (1.., Some(first)) = (version, frame.first_mut()) {
            *first = if version == 1 { 0x45 } else { 0x60 };
        }
        let file = Classic::new(Order::Little, 0xa1b2_c3d4, link).packet(1, 0, &frame, wire);
        let (report, _) = read(&file.bytes).unwrap();
        prop_assert_eq!(report.packets, 1);
    }
}

/// An archive that unpacks to far more than it is goes through the window like anything else.
#[test]
fn an_archive_that_grows_is_streamed() {
    let mut bytes = Ng::new(Order::Little).interface(1, 0, &[]).bytes;
    bytes.extend(0x0bad_u32.to_le_bytes());
    bytes.extend((64_u32 << 20).to_le_bytes());
    bytes.resize(bytes.len() + (32 << 20), 0);
    let packed = zstd::encode_all(bytes.as_slice(), 1).unwrap();
    assert!(packed.len() < 100_000);
    let (report, _) = read(&packed).unwrap();
    assert_eq!(report.endings[0].reason, EndReason::Truncated);
}
