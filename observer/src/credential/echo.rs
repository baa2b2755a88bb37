//! How a secret is known again where a server repeats it.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use base64::prelude::*;
use zeroize::Zeroizing;

/// What is left of a secret to find it in a text: its length and a hash under a key of this process.
/// An opaque token or a password may be words, so that its shape does not give it away.
///
/// Of a secret that was not seen nothing is left, and any word may be it: then no text is shown.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Echo {
    marks: Vec<Mark>,
    unseen: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
struct Mark {
    length: usize,
    hash: u64,
}

/// So many secrets are known at a time.
const MAX_MARKS: usize = 32;
/// Shorter secrets are parts of too many words.
const SHORTEST: usize = 4;
/// What stands for a secret.
const HIDDEN: &str = crate::redact::REDACTED;

impl Echo {
    /// That of a token; of Basic credentials (RFC 7617) that of the password, too.
    pub(super) fn of(token: &[u8], is_basic: bool) -> Self {
        let pair = is_basic
            .then(|| BASE64_STANDARD.decode(token).ok())
            .flatten();
        let pair = Zeroizing::new(pair.unwrap_or_default());
        let colon = pair.iter().position(|byte| *byte == b':');
        let password = colon.and_then(|at| pair.get(at + 1..)).unwrap_or_default();
        let marks = [Mark::of(token), Mark::of(password)];
        Self {
            marks: marks.into_iter().flatten().collect(),
            unseen: false,
        }
    }

    /// Of secrets that may have been where nobody could look.
    pub fn unseen() -> Self {
        Self {
            unseen: true,
            ..Self::default()
        }
    }

    /// Adds what is known of other secrets.
    pub fn add(&mut self, other: &Self) {
        let room = MAX_MARKS.saturating_sub(self.marks.len());
        self.marks.extend(other.marks.iter().take(room));
        self.unseen |= other.unseen;
    }

    /// Whether there may be secrets that nobody saw.
    pub fn is_unseen(&self) -> bool {
        self.unseen
    }

    /// Whether there are no secrets.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && !self.unseen
    }

    /// The text without the secret, and without what hangs on its end: where the capture cut it, that
    /// is its rest.
    pub fn hide(&self, text: &str) -> String {
        if self.unseen && !text.is_empty() {
            return HIDDEN.to_owned();
        }
        self.marks
            .iter()
            .fold(text.to_owned(), |text, mark| mark.hide(&text))
    }
}

/// It tells nothing.
impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Echo")
    }
}

impl Mark {
    fn of(secret: &[u8]) -> Option<Self> {
        (secret.len() >= SHORTEST).then(|| Self {
            length: secret.len(),
            hash: secret.iter().fold(0, |hash, byte| roll(hash, *byte)),
        })
    }

    fn hide(&self, text: &str) -> String {
        let bytes = text.as_bytes();
        // What the first byte of the window weighs when it leaves.
        let weight = (0..self.length).fold(1_u64, |weight, _| weight.wrapping_mul(*BASE));
        let (mut out, mut kept, mut start, mut hash) = (String::new(), 0, 0, 0_u64);
        for (at, byte) in bytes.iter().enumerate() {
            if at < start {
                continue;
            }
            hash = roll(hash, *byte);
            if at - start >= self.length {
                let gone = bytes.get(start).map_or(0, |byte| u64::from(*byte) + 1);
                hash = hash.wrapping_sub(gone.wrapping_mul(weight));
                start += 1;
            }
            if at + 1 - start == self.length && hash == self.hash {
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let end = at + 1 + rest.iter().take_while(|byte| is_part(**byte)).count();
                // Both are at the ends of characters, except for a hash that two texts share.
                out.push_str(text.get(kept..start).unwrap_or_default());
                out.push_str(HIDDEN);
                (kept, start, hash) = (end, end, 0);
            }
        }
        out + text.get(kept..).unwrap_or_default()
    }
}

/// Adds a byte to the hash of those before it.
fn roll(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(*BASE).wrapping_add(u64::from(byte) + 1)
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

/// The key of the hashes: odd, so that every byte of a window counts.
static BASE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_words_is_found_wherever_it_stands() {
        let echo = Echo::of(b"correct-horse", false);
        for (text, want) in [
            ("correct-horse", "[redacted]"),
            ("ä 'correct-horse' ö", "ä '[redacted]' ö"),
            (
                "no correct-horse-battery, correct-horse!",
                "no [redacted], [redacted]!",
            ),
            ("correct-horsE correct hors", "correct-horsE correct hors"),
            ("", ""),
        ] {
            assert_eq!(echo.hide(text), want);
        }
        assert_eq!(format!("{echo:?}"), "Echo");
    }

    #[test]
    fn beside_what_was_not_seen_nothing_is_shown() {
        let mut echo = Echo::of(b"correct-horse", false);
        echo.add(&Echo::unseen());
        assert!(!Echo::unseen().is_empty());
        assert_eq!(echo.hide("any words"), HIDDEN);
        assert_eq!(echo.hide(""), "");
    }

    #[test]
    fn a_password_is_found_without_its_name() {
        let echo = Echo::of(BASE64_STANDARD.encode("admin:hunter").as_bytes(), true);
        assert_eq!(echo.hide("admin/hunter"), "admin/[redacted]");
        assert_eq!(Echo::of(b"abc", false).hide("abc"), "abc");
    }
}
