//! The bytes of a head, collected over segments.

use crate::time::Timestamp;
use crate::wiped::Wiped;

/// The longest head that is read. Servers refuse heads long before: the largest common limit is
/// 32 KiB.
pub const MAX_HEAD: usize = 64 * 1024;

/// A head that has begun, and what is known of it.
#[derive(Default)]
pub(super) struct Partial {
    bytes: Wiped,
    searched: usize,
    /// The position of its first byte.
    pub(super) position: u64,
    /// When that was captured.
    pub(super) started: Timestamp,
    /// When the latest part of it was captured.
    pub(super) finished: Timestamp,
}

impl Partial {
    pub(super) fn begin(&mut self, position: u64, time: Timestamp) {
        self.forget();
        self.position = position;
        self.started = time;
        self.finished = time;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds bytes and says how many of all there are belong to the head, if its end is among them.
    pub(super) fn add(&mut self, bytes: &[u8], time: Timestamp) -> Option<usize> {
        self.finished = self.finished.max(time);
        self.bytes.extend_from_slice(bytes);
        let end = end_of_head(&self.bytes, self.searched);
        // The end may be split: its first byte is at most two before the last.
        self.searched = self.bytes.len().saturating_sub(2);
        end
    }

    /// Takes the bytes out, to read them while the state changes.
    pub(super) fn take(&mut self) -> Wiped {
        self.searched = 0;
        std::mem::take(&mut self.bytes)
    }

    /// Wipes the bytes. Large memory is given back.
    pub(super) fn forget(&mut self) {
        self.take();
    }
}

/// The length of the head that begins at the start of `bytes`: up to the first empty line, with it.
/// Lines may end in LF alone (RFC 9112 section 2.2). Before `from` there is no such end.
pub(super) fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    memchr::memchr_iter(b'\n', tail).find_map(|at| match tail.get(at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_empty_line_wherever_it_is_split() {
        for head in [
            "GET / HTTP/1.1\r\nA: b\r\n\r\n",
            "GET / HTTP/1.1\nA: b\n\n",
            "a\r\n\n",
            "a\n\r\n",
        ] {
            let mut partial = Partial::default();
            partial.begin(0, Timestamp::default());
            let (last, before) = head.as_bytes().split_last().expect("not empty");
            for byte in before {
                assert_eq!(
                    partial.add(&[*byte], Timestamp::default()),
                    None,
                    "{head:?}"
                );
            }
            assert_eq!(
                partial.add(&[*last], Timestamp::default()),
                Some(head.len())
            );
        }
    }
}
