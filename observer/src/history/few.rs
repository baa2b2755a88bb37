//! A few of many, told apart.

/// Counts how many different ones there were, up to a bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Few {
    /// In the order of coming.
    seen: Vec<u32>,
}

/// How many are told apart: beyond, the number stands for "as many, or more".
pub(super) const MOST: usize = 64;

impl Few {
    /// One, by the digest of what it is.
    pub(super) fn of(digest: u64) -> Self {
        let mut one = Self::default();
        one.add(digest, 1);
        one
    }

    /// Counts one by the digest of what it is. `most`: how many are told apart, at most [`MOST`].
    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of a digest tells few apart"
    )]
    pub(super) fn add(&mut self, digest: u64, most: usize) {
        let short = digest as u32;
        if self.seen.len() < most.min(MOST) && !self.seen.contains(&short) {
            if self.seen.len() == self.seen.capacity() {
                self.seen.reserve_exact(self.seen.len().clamp(1, MOST));
            }
            self.seen.push(short);
        }
    }

    /// How many there were, or the bound.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.seen.len()).unwrap_or(u32::MAX)
    }

    /// How many bytes it points to.
    pub(super) fn bytes(&self) -> usize {
        self.seen.capacity() * size_of::<u32>()
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
    }
}
