//! What stands for text from the wire in the keys of caches.
//!
//! The same answer to the same request comes thousands of times, so what was found out about it is
//! kept by what it was. The text itself is not: it may hold secrets.

use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher, Hasher};

/// 128 bits that stand for some text, under a key that nobody outside of this process knows: nobody
/// can make two texts that share it, and by chance no two do.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(crate) struct Digest(u64, u64);

/// A random key.
#[derive(Default)]
pub(crate) struct DigestKey(RandomState);

/// Takes text in and gives its digest.
pub(crate) struct Digester(DefaultHasher);

impl DigestKey {
    pub(crate) fn digester(&self) -> Digester {
        Digester(self.0.build_hasher())
    }
}

impl Digester {
    /// Adds bytes. Two of them differ from one of both together.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u64) {
        self.0.write_u64(number);
    }

    /// What stands for all of it.
    pub(crate) fn finish(mut self) -> Digest {
        let first = self.0.finish();
        self.number(1);
        Digest(first, self.0.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(key: &DigestKey, texts: &[&str]) -> Digest {
        let mut digester = key.digester();
        texts
            .iter()
            .for_each(|text| digester.bytes(text.as_bytes()));
        digester.finish()
    }

    #[test]
    fn what_differs_has_another_digest() {
        let key = DigestKey::default();
        let texts: [&[&str]; 5] = [&[], &[""], &["ab"], &["a", "b"], &["", "ab"]];
        for one in texts {
            for other in texts {
                let same = digest(&key, one) == digest(&key, other);
                assert_eq!(same, one == other, "{one:?} {other:?}");
            }
            assert!(digest(&key, one) != digest(&DigestKey::default(), one));
        }
    }
}
