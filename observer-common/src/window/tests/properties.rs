//! The rule under whatever a network may do.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Sizes that cut `len` bytes into segments.
fn cut(len: usize, sizes: &[usize]) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut at = 0;
    for size in sizes.iter().cycle() {
        if at == len {
            break;
        }
        let end = (at + size).min(len);
        parts.push((at, end));
        at = end;
    }
    parts
}

proptest! {
    /// However a head is cut, swapped and repeated, wherever its sequence numbers start: every
    /// byte of it is copied.
    #[test]
    fn every_byte_of_a_head_is_copied(
        start: u32,
        filler in 0usize..12_000,
        sizes in vec(prop_oneof![1usize..40, 500usize..1460], 1..30),
        swaps in vec(any::<proptest::sample::Index>(), 0..6),
        repeats in vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let mut head = b"GET / HTTP/1.1\r\nAuthorization: Bearer ".to_vec();
        head.extend(std::iter::repeat_n(b'x', filler));
        head.extend_from_slice(b"\r\n\r\n");
        let mut parts = cut(head.len(), &sizes);
        for swap in &swaps {
            if parts.len() > 1 {
                let at = swap.index(parts.len() - 1);
                parts.swap(at, at + 1);
            }
        }
        for repeat in &repeats {
            let at = repeat.index(parts.len());
            parts.insert(at, parts[at]);
        }
        let mut wire = Wire::new([start, 9]);
        for (from, to) in parts {
            wire.at(OUT, start.wrapping_add(from as u32), &head[from..to]);
        }
        prop_assert_eq!(wire.text(OUT, start), head);
    }

    /// In order, every byte is either copied or counted as skipped.
    #[test]
    fn in_order_copied_and_skipped_are_everything(
        start: u32,
        script in vec((any::<bool>(), 0usize..7, 0usize..3000), 1..60),
    ) {
        let mut wire = Wire::new([start, start ^ 0x8000_0000]);
        let mut sent = [0u64; 2];
        for (out, what, body) in script {
            let way = usize::from(out);
            let mut bytes = [REQUEST, ACCEPTED, REFUSED, b"x", b"\0\x01", b"PUT /", KEYS][what].to_vec();
            bytes.resize(bytes.len() + body, b'b');
            let done = wire.sides[way].is_done(&wire.sides[1 - way]);
            let decision = wire.send(way, &bytes);
            if done {
                prop_assert_eq!(decision, Decision::default());
                continue;
            }
            let copied: u64 = wire.copied[way].iter().map(|(_, part)| part.len() as u64).sum();
            let before = copied - u64::from(decision.len);
            prop_assert_eq!(decision.skipped + before, sent[way] + u64::from(decision.offset));
            sent[way] += bytes.len() as u64;
        }
    }

    /// Whatever comes: no panic, and nothing outside the segment is asked for.
    #[test]
    fn any_segments_at_all(
        script in vec((any::<bool>(), any::<u32>(), 0i32..40_000, vec(any::<u8>(), 0..64)), 1..100),
    ) {
        let mut sides = [Side::default(); 2];
        for (out, expected, shift, bytes) in script {
            let way = usize::from(out);
            let other = sides[1 - way];
            let segment = Segment {
                seq: expected.wrapping_add_signed(shift - 20_000),
                len: bytes.len() as u32,
                expected,
                early: out,
            };
            let decision = decide(&mut sides[way], &other, &segment, &Bytes(&bytes), &KNOBS);
            prop_assert!(decision.offset + decision.len <= segment.len);
        }
    }
}
