//! How a secret is known again where a server repeats it.

mod writing;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use base64::prelude::*;
use zeroize::Zeroizing;

/// What is left of a secret to find it in a text: its length and hashes under a key of this process.
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
    /// That of the first [`SHORTEST`] bytes.
    start: u64,
}

/// So many secrets are known at a time. Of more it is as if they had not been seen.
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
        self.unseen |= other.unseen || other.marks.len() > room;
        self.marks.extend(other.marks.iter().take(room));
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
    /// is its rest. A text that has it in another writing (percent-encoded, as HTML or JSON write it) is
    /// not shown at all.
    pub fn hide(&self, text: &str) -> String {
        if self.unseen && !text.is_empty() {
            return HIDDEN.to_owned();
        }
        let hidden = self
            .marks
            .iter()
            .fold(text.to_owned(), |text, mark| mark.hide(&text));
        match !self.marks.is_empty() && self.is_written_in(&hidden) {
            true => HIDDEN.to_owned(),
            false => hidden,
        }
    }

    /// The same of a text whose end was not seen: what may be the start of the secret there is left out too.
    pub fn hide_in_cut(&self, text: &str) -> String {
        let marks = self.marks.iter();
        marks.fold(self.hide(text), |text, mark| mark.hide_end(text))
    }

    fn is_written_in(&self, text: &str) -> bool {
        let mut readings = writing::readings(text);
        readings.any(|bytes| self.marks.iter().any(|mark| mark.next(&bytes, 0).is_some()))
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
        let start = secret.get(..SHORTEST)?;
        Some(Self {
            length: secret.len(),
            hash: hash(secret),
            start: hash(start),
        })
    }

    fn hide(&self, text: &str) -> String {
        let (mut out, mut kept) = (String::new(), 0);
        while let Some(start) = self.next(text.as_bytes(), kept) {
            let rest = text.as_bytes().get(start + self.length..);
            let rest = rest.unwrap_or_default().iter();
            // Both are at the ends of characters, except for a hash that two texts share.
            out.push_str(text.get(kept..start).unwrap_or_default());
            out.push_str(HIDDEN);
            kept = start + self.length + rest.take_while(|byte| is_part(**byte)).count();
        }
        out + text.get(kept..).unwrap_or_default()
    }

    /// Leaves out the end of a text that starts as the secret does and is shorter.
    fn hide_end(&self, text: String) -> String {
        let bytes = text.as_bytes();
        let first = bytes.len().saturating_sub(self.length - 1);
        let starts = bytes.windows(SHORTEST).enumerate().skip(first);
        let mut starts = starts.filter(|(_, window)| hash(window) == self.start);
        match starts.next() {
            Some((at, _)) => text.get(..at).unwrap_or_default().to_owned() + HIDDEN,
            None => text,
        }
    }

    /// Where the secret is next in a text, from a place on.
    fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        // What the first byte of the window weighs when it leaves.
        let weight = (0..self.length).fold(1_u64, |weight, _| weight.wrapping_mul(*BASE));
        let mut hash = 0_u64;
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            hash = roll(hash, *byte);
            if let Some(left) = at.checked_sub(self.length).filter(|left| *left >= from) {
                let gone = bytes.get(left).map_or(0, |byte| u64::from(*byte) + 1);
                hash = hash.wrapping_sub(gone.wrapping_mul(weight));
            }
            let start = (at + 1).checked_sub(self.length);
            if let Some(start) = start.filter(|start| *start >= from && hash == self.hash) {
                return Some(start);
            }
        }
        None
    }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |hash, byte| roll(hash, *byte))
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
    fn a_secret_in_another_writing_hides_all_of_a_text() {
        let echo = Echo::of("p@ss w\"ord'".as_bytes(), false);
        for text in [
            "no p%40ss%20w%22ord%27",
            "no p%40ss+w%22ord'",
            "no p@ss w&quot;ord&#39;",
            "no p@ss w&#34;ord&#x27;",
            r#"{"no":"p@ss w\"ord'"#,
            r#"{"no":"p\u0040ss w\u0022ord'"}"#,
        ] {
            assert_eq!(echo.hide(text), HIDDEN, "{text}");
        }
        for text in [
            "100% & \\ &amp; %zz &#9999999999; \\u12 \\",
            "%",
            "&",
            "a+b",
        ] {
            assert_eq!(echo.hide(text), text);
        }
    }

    #[test]
    fn where_a_text_was_cut_the_start_of_a_secret_is_hidden() {
        let echo = Echo::of(b"correct-horse", false);
        for (text, want) in [
            ("not correct-hor", "not [redacted]"),
            ("not corr", "not [redacted]"),
            ("not cor", "not cor"),
            ("correct is what it is not", "correct is what it is not"),
            ("\u{e4}corr", "\u{e4}[redacted]"),
            ("", ""),
        ] {
            assert_eq!(echo.hide_in_cut(text), want);
        }
        assert_eq!(echo.hide("not correct-hor"), "not correct-hor");
    }

    #[test]
    fn of_more_secrets_than_are_known_nothing_is_shown() {
        let mut echo = Echo::default();
        for number in 0..MAX_MARKS {
            echo.add(&Echo::of(format!("secret-{number}").as_bytes(), false));
        }
        assert_eq!(echo.hide("secret-31, words"), "[redacted], words");
        echo.add(&Echo::of(b"one-more", false));
        assert_eq!(echo.hide("words"), HIDDEN);
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
