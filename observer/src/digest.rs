//! What stands for text from the wire in the keys of caches.
//!
//! The same head, the same answer and the same token come thousands of times, so what was found out
//! about them is kept by what they were. The text itself is not: it may hold secrets.
//!
//! The hash is NH, the first stage of UMAC (RFC 4418 section 5.2), with words of 64 bits: for any two
//! texts of the same length that somebody chose without knowing the key, the chance that they share a
//! hash is 2^-64, which is proven and does not rest on how clever they are. Nobody outside of this
//! process learns the key or a hash. Texts of different lengths have different digests.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// What stands for some text under a [`DigestKey`].
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Digest {
    hash: u128,
    length: u64,
}

/// A random key, made at start and never shown.
pub(crate) struct DigestKey {
    /// For each of the two levels the words of a key as long as a piece.
    words: Box<[[u64; WORDS]; 2]>,
}

/// So many bytes are hashed in one go, and the hashes of several such pieces once more.
const PIECE: usize = 4096;
const WORDS: usize = PIECE / size_of::<u64>();
/// The longest text that is told apart, in bytes: far more than a head may have.
const LONGEST: usize = PIECE * (PIECE / size_of::<u128>());

impl Default for DigestKey {
    fn default() -> Self {
        // SipHash under a random key of the system is a pseudorandom function.
        let random = RandomState::new();
        let mut words = Box::new([[0; WORDS]; 2]);
        for (at, word) in words.iter_mut().flatten().enumerate() {
            *word = random.hash_one(at);
        }
        Self { words }
    }
}

impl Digest {
    /// For keys that are made of several.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    pub(crate) fn words(self) -> [u64; 3] {
        [self.hash as u64, (self.hash >> 64) as u64, self.length]
    }
}

impl Hash for Digest {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash as u64 ^ (self.hash >> 64) as u64);
    }
}

impl DigestKey {
    /// The digest of a text of at most [`LONGEST`] bytes; what is behind does not count.
    pub(crate) fn of(&self, text: &[u8]) -> Digest {
        let [first, second] = &*self.words;
        let length = text.len() as u64;
        if text.len() <= PIECE {
            let hash = nh(first, text);
            return Digest { hash, length };
        }
        let text = text.get(..LONGEST).unwrap_or(text);
        let hashes: Vec<u8> = text
            .chunks(PIECE)
            .flat_map(|piece| nh(first, piece).to_le_bytes())
            .collect();
        let hash = nh(second, &hashes);
        Digest { hash, length }
    }
}

/// The sum over all pairs of words of their products, each with a word of the key added before.
fn nh(key: &[u64; WORDS], text: &[u8]) -> u128 {
    // Four pairs at a time, for the compiler to make straight code of.
    let (blocks, rest) = text.as_chunks::<64>();
    let (keys, _) = key.as_chunks::<8>();
    let mut sum = 0;
    for (block, key) in blocks.iter().zip(keys) {
        sum = nh_of_few(key, block, sum);
    }
    let key = key.get(blocks.len() * 8..).unwrap_or_default();
    let (_, last) = rest.as_chunks::<16>();
    let sum = nh_of_few(key, rest, sum);
    let mut pair = [0; 16];
    for (to, from) in pair.iter_mut().zip(last) {
        *to = *from;
    }
    let key = key.get(rest.len() / 16 * 2..).unwrap_or_default();
    match key.first_chunk() {
        Some(key) if !last.is_empty() => sum.wrapping_add(product(&pair, key)),
        _ => sum,
    }
}

/// [`nh`] of the whole pairs of a text, added to a sum.
#[inline]
fn nh_of_few(key: &[u64], text: &[u8], sum: u128) -> u128 {
    let (pairs, _) = text.as_chunks::<16>();
    let (keys, _) = key.as_chunks::<2>();
    let products = pairs.iter().zip(keys).map(|(pair, key)| product(pair, key));
    products.fold(sum, u128::wrapping_add)
}

#[inline]
fn product(pair: &[u8; 16], key: &[u64; 2]) -> u128 {
    let pair = u128::from_le_bytes(*pair);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    let (low, high) = (pair as u64, (pair >> 64) as u64);
    let [first, second] = *key;
    u128::from(low.wrapping_add(first)) * u128::from(high.wrapping_add(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_every_length_counts() {
        let key = DigestKey::default();
        for length in [1, 15, 16, 17, 33, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let mut text = vec![0; length];
            let before = key.of(&text);
            assert!(before == key.of(&text));
            assert!(before != DigestKey::default().of(&text));
            assert!(before != key.of(&vec![0; length + 1]));
            for at in [0, length / 2, length - 1] {
                text[at] = 1;
                assert!(before != key.of(&text), "byte {at} of {length}");
                text[at] = 0;
            }
        }
    }
}
