//! Who signed a token, in a few words.

use std::sync::LazyLock;

use crate::digest::DigestKey;

/// What stands for the issuer of a token and for its key, as far as the token names them: digests of how they
/// are shown, under a key of this process. Thousands of tokens have the same two, and these find what is known
/// of them without a look at their names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signer {
    /// The issuer.
    pub issuer: u64,
    /// The key id, or that there is none.
    pub kid: u64,
}

impl Signer {
    /// Of an issuer and a key id, as they are shown.
    pub fn of(issuer: &str, kid: Option<&str>) -> Self {
        Self {
            issuer: Self::of_issuer(issuer),
            kid: Self::of_kid(kid),
        }
    }

    /// What stands for an issuer.
    pub fn of_issuer(issuer: &str) -> u64 {
        digest(issuer)
    }

    /// What stands for a key id.
    pub fn of_kid(kid: Option<&str>) -> u64 {
        kid.map_or(0, digest)
    }
}

/// Never 0, which stands for nothing.
fn digest(text: &str) -> u64 {
    static KEY: LazyLock<DigestKey> = LazyLock::new(DigestKey::default);
    let [low, high, length] = KEY.of(text.as_bytes()).words();
    (low ^ high ^ length.rotate_left(32)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let names = ["", "a", "b", "a\0", "https://issuer.example"];
        for (at, one) in names.iter().enumerate() {
            for (other_at, other) in names.iter().enumerate() {
                let is_same = Signer::of(one, Some(other)).issuer == Signer::of(other, None).issuer;
                assert_eq!(is_same, at == other_at, "{one:?} {other:?}");
            }
            assert_ne!(Signer::of_kid(Some(one)), Signer::of_kid(None));
        }
    }
}
