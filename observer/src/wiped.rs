//! Bytes of other people's traffic that are overwritten when they are no longer needed.

use std::ops::{Deref, DerefMut};

use zeroize::optimization_barrier;

/// Bytes that are wiped when dropped: all at once, where `zeroize` has to go byte by byte. A vector that
/// grows leaves a copy behind, as it does there.
#[derive(Clone, Default)]
pub(crate) struct Wiped(Vec<u8>);

impl From<Vec<u8>> for Wiped {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Overwrites all that a vector has room for, so that the compiler cannot leave it out.
fn wipe(bytes: &mut Vec<u8>) {
    if bytes.capacity() > 0 {
        bytes.clear();
        bytes.resize(bytes.capacity(), 0);
        optimization_barrier(bytes.as_slice());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_there_is_room_for_is_overwritten() {
        let mut bytes = b"a secret".to_vec();
        let (place, room) = (bytes.as_ptr(), bytes.capacity());
        bytes.truncate(3);
        wipe(&mut bytes);
        assert_eq!((bytes.as_ptr(), bytes.len()), (place, room));
        assert!(bytes.iter().all(|byte| *byte == 0));
    }
}
