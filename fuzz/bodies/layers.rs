//! Frames of any link type: the first two bytes are its number, and each frame is preceded by its length
//! in two bytes. Every packet is counted once, and no segment is longer than what was captured.

use std::io::Cursor;
use std::path::Path;

use observer::packet::{Batch, ItemKind};
use observer::source::pcap::Captures;

/// One input.
pub(crate) fn run(bytes: &[u8]) {
    let Some((link, mut rest)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let mut file = Vec::new();
    for word in [
        0xa1b2_c3d4,
        0x0004_0002,
        0,
        0,
        65_535,
        u32::from(u16::from_be_bytes(*link)),
    ] {
        file.extend(u32::to_le_bytes(word));
    }
    let mut frames = 0;
    while let Some((len, behind)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len));
        let (frame, behind) = behind.split_at(len.min(behind.len()));
        frames += 1;
        let captured = frame.len() as u32;
        // A frame whose length goes beyond the input was cut by the snap length.
        for word in [frames, 0, captured, captured.max(len as u32)] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
        rest = behind;
    }
    let most = file.len();
    let Ok(mut captures) = Captures::over(Box::new(Cursor::new(file)), Path::new("frames")) else {
        return;
    };
    let mut batch = Batch::new();
    let mut stored = 0;
    while captures.read(&mut batch).expect("memory does not fail") {
        stored += look(&batch);
    }
    stored += look(&batch);
    assert!(stored <= most, "{stored} bytes came of {most}");
    let report = captures.report();
    assert_eq!(report.packets, u64::from(frames));
    let counted = report.segments
        + report.acknowledgements
        + report.unwanted
        + report.filtered
        + report.joined
        + report.skipped.total();
    assert_eq!(report.packets, counted, "{report:?}");
}

/// How many bytes of segments there are.
fn look(batch: &Batch) -> usize {
    for item in batch.items() {
        if let ItemKind::Segment(segment) = &item.kind {
            assert!(segment.payload.len() <= segment.wire_len as usize);
        }
    }
    batch.stored()
}
