//! Segments that wait behind a hole.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::Incoming;
use crate::packet::Tail;
use crate::time::Timestamp;

/// Segments by position. No two of them overlap: what was stored first stays.
#[derive(Default)]
pub(super) struct Store {
    waiting: BTreeMap<u64, Waiting>,
    held: usize,
}

/// One of them, or a part of it.
pub(super) struct Waiting {
    pub(super) bytes: Zeroizing<Box<[u8]>>,
    pub(super) wire_len: u64,
    pub(super) tail: Tail,
    pub(super) skipped: u64,
    pub(super) lost: u64,
    pub(super) time: Timestamp,
}

/// What a stored segment costs besides its bytes.
const OVERHEAD: usize = size_of::<Waiting>() + 32;

impl Store {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes of memory that are held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Where the first of them begins.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// What the source had counted when it saw the first of them: skipped, lost.
    pub(super) fn first_counts(&self) -> Option<(u64, u64)> {
        let first = self.waiting.values().next()?;
        Some((first.skipped, first.lost))
    }

    pub(super) fn take_first(&mut self) -> Option<(u64, Waiting)> {
        let (position, waiting) = self.waiting.pop_first()?;
        self.held -= waiting.bytes.len() + OVERHEAD;
        Some((position, waiting))
    }

    /// Keeps what of a segment is not here yet.
    pub(super) fn insert(&mut self, position: u64, incoming: &Incoming<'_>) {
        let end = position + incoming.wire_len;
        let mut cursor = position;
        while cursor < end {
            if let Some(covered) = self.end_of_cover(cursor) {
                cursor = covered;
                continue;
            }
            let stop = self
                .waiting
                .range(cursor..end)
                .next()
                .map_or(end, |(start, _)| *start);
            self.insert_part(cursor, incoming.part(cursor - position, stop - cursor));
            cursor = stop;
        }
    }

    /// The end of the stored segment that holds `position`, if one does.
    fn end_of_cover(&self, position: u64) -> Option<u64> {
        let (start, waiting) = self.waiting.range(..=position).next_back()?;
        let end = start + waiting.wire_len;
        (end > position).then_some(end)
    }

    fn insert_part(&mut self, position: u64, part: Incoming<'_>) {
        self.held += part.bytes.len() + OVERHEAD;
        self.waiting.insert(
            position,
            Waiting {
                bytes: Zeroizing::new(part.bytes.into()),
                wire_len: part.wire_len,
                tail: part.tail,
                skipped: part.skipped,
                lost: part.lost,
                time: part.time,
            },
        );
    }
}
