//! Which pieces of a thread's memory a call has moved.

use aya_ebpf::cty::c_void;
use observer_common::unix::NONE;

use super::kernel;
use crate::{peek::Memory, settings};

/// So many vectors of a call are looked at. What follows in more is a hole.
pub(crate) const PIECES: u32 = 8;

/// The pieces that a call has moved, from where its iterator stands now.
pub(crate) struct Vectors {
    /// The vector that the iterator stands in. 0: there is one piece alone, in `piece`.
    here: u64,
    /// How many of its bytes were moved.
    offset: u64,
    /// How many vectors before `here` the next piece lies.
    back: u32,
    /// Where the next piece starts in its vector.
    start: u64,
    /// How many bytes are left.
    left: u32,
    piece: u64,
}

const VECTOR: u64 = 16;

impl Vectors {
    #[inline(always)]
    pub(crate) fn moved(message: *const c_void, len: u32) -> Option<Self> {
        let layout = settings::unix();
        let iter = message as u64 + u64::from(layout.message_iter);
        let kind = u32::from(kernel::<u8>(iter + u64::from(layout.iter_kind))?) & layout.kind_mask;
        let offset: u64 = kernel(iter + u64::from(layout.iter_offset))?;
        let pointer: u64 = kernel(iter + u64::from(layout.iter_vectors))?;
        let mut vectors = Self {
            here: 0,
            offset,
            back: 0,
            start: 0,
            left: len,
            piece: 0,
        };
        if kind == layout.kind_piece && layout.kind_piece != NONE {
            vectors.piece = pointer.wrapping_add(offset).wrapping_sub(u64::from(len));
            return Some(vectors);
        }
        if kind != layout.kind_vectors {
            return None;
        }
        vectors.here = pointer;
        // Backwards to where the call began. The kernel moves on in the vectors and leaves them whole.
        let mut missing = u64::from(len);
        if missing <= offset {
            vectors.start = offset - missing;
            return Some(vectors);
        }
        missing -= offset;
        for back in 1..=PIECES {
            let vector = pointer.wrapping_sub(u64::from(back) * VECTOR);
            let len: u64 = kernel(vector + 8)?;
            if missing <= len {
                vectors.back = back;
                vectors.start = len - missing;
                return Some(vectors);
            }
            missing -= len;
        }
        None
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Memory> {
        if self.left == 0 {
            return None;
        }
        if self.here == 0 {
            let len = core::mem::take(&mut self.left);
            return Some(Memory {
                from: self.piece,
                len,
            });
        }
        let vector = self.here.wrapping_sub(u64::from(self.back) * VECTOR);
        let base: u64 = kernel(vector)?;
        let end = if self.back == 0 {
            self.offset
        } else {
            kernel(vector + 8)?
        };
        let len = end.wrapping_sub(self.start);
        let piece = Memory {
            from: base.wrapping_add(self.start),
            len: if len > u64::from(self.left) {
                self.left
            } else {
                len as u32
            },
        };
        self.left -= piece.len;
        self.start = 0;
        if self.back == 0 {
            self.left = 0;
        } else {
            self.back -= 1;
        }
        Some(piece)
    }
}
