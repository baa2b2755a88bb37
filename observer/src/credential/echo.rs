//! How a secret is known again where a server repeats it.

mod writing;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use super::scheme;
use super::secret::Secret;

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
    pub(super) fn of(secret: &[u8]) -> Self {
        let mut echo = Self::default();
        echo.mark(secret);
        echo
    }

    /// That of Basic credentials (RFC 7617): of the pair, and of the password; where that is none, of the
    /// user, who is the secret then. `cut`: not all of the pair was seen.
    pub(super) fn of_basic(pair: &[u8], cut: bool) -> Self {
        let mut echo = Self::of(pair);
        let decoded = Secret::of_basic(pair);
        let decoded = decoded.as_ref().map_or(&[][..], Secret::expose);
        let colon = decoded.iter().position(|byte| *byte == b':');
        let halves = colon.and_then(|at| Some((decoded.get(..at)?, decoded.get(at + 1..)?)));
        match halves {
            Some((user, password)) if password.len() < SHORTEST => echo.mark(user),
            Some((_, password)) => echo.mark(password),
            None => {}
        }
        echo.unseen |= cut || (halves.is_none() && pair.len() >= SHORTEST);
        echo
    }

    /// That of each word of a text that should have been one token: any of them may be the secret.
    pub(super) fn of_words(text: &[u8]) -> Self {
        let mut echo = Self::of(text);
        let is_scheme = |word: &[u8]| scheme::shown(word) != scheme::OTHER;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b",;\"'".contains(byte);
        for word in text.split(ends) {
            let trimmed = word.len() - word.iter().rev().take_while(|byte| **byte == b'=').count();
            let sign = word.iter().take(trimmed).position(|byte| *byte == b'=');
            match sign.and_then(|at| word.get(at + 1..)) {
                Some(value) => echo.mark(value),
                // What stands before a quoted value is a name.
                None if trimmed < word.len() && word.len() < 16 => {}
                None if is_scheme(word) => {}
                None => echo.mark(word),
            }
        }
        echo
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
        self.unseen |= other.unseen;
        other.marks.iter().for_each(|mark| self.push(*mark));
    }

    fn mark(&mut self, secret: &[u8]) {
        if let Some(mark) = Mark::of(secret) {
            self.push(mark);
        }
    }

    fn push(&mut self, mark: Mark) {
        if self.marks.contains(&mark) {
            return;
        }
        match self.marks.len() < MAX_MARKS {
            true => self.marks.push(mark),
            false => self.unseen = true,
        }
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
        match self.is_written_in(&hidden, |mark, bytes| mark.next(bytes, 0).is_some()) {
            true => HIDDEN.to_owned(),
            false => hidden,
        }
    }

    /// The same of a text whose end was not seen: what may be the start of the secret there is left out too.
    pub fn hide_in_cut(&self, text: &str) -> String {
        let marks = self.marks.iter();
        let hidden = marks.fold(self.hide(text), |text, mark| mark.hide_end(text));
        match self.is_written_in(&hidden, |mark, bytes| mark.end(bytes).is_some()) {
            true => HIDDEN.to_owned(),
            false => hidden,
        }
    }

    fn is_written_in(&self, text: &str, is_there: impl Fn(&Mark, &[u8]) -> bool) -> bool {
        if self.marks.is_empty() {
            return false;
        }
        let readings = writing::readings(text);
        let mut readings = readings.iter();
        readings.any(|bytes| self.marks.iter().any(|mark| is_there(mark, bytes)))
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

    /// Leaves out the end of a text that starts as the secret does.
    fn hide_end(&self, text: String) -> String {
        match self.end(text.as_bytes()) {
            Some(at) => text.get(..at).unwrap_or_default().to_owned() + HIDDEN,
            None => text,
        }
    }

    /// Where the end of a text begins that starts as the secret does and is shorter.
    fn end(&self, bytes: &[u8]) -> Option<usize> {
        let first = bytes.len().saturating_sub(self.length - 1);
        let mut starts = bytes.windows(SHORTEST).enumerate().skip(first);
        let found = starts.find(|(_, window)| hash(window) == self.start);
        found.map(|(at, _)| at)
    }

    /// Where the secret is next in a text, from a place on.
    fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        if bytes.len().saturating_sub(from) < self.length {
            return None;
        }
        // What the first byte of the window weighs when it leaves.
        let weight = (0..self.length).fold(1_u64, |weight, _| weight.wrapping_mul(*BASE));
        let mut hash = 0_u64;
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            hash = roll(hash, *byte);
            if let Some(left) = at.checked_sub(self.length).filter(|left| *left >= from) {
                let gone = bytes.get(left).map_or(0, |byte| number(*byte));
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
    hash.wrapping_mul(*BASE).wrapping_add(number(byte))
}

/// What a byte counts, in either case: some write what they repeat in capitals.
fn number(byte: u8) -> u64 {
    u64::from(byte.to_ascii_lowercase()) + 1
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

/// The key of the hashes: odd, so that every byte of a window counts.
static BASE: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

#[cfg(test)]
mod tests {
    use base64::prelude::*;

    use super::*;

    #[test]
    fn a_secret_of_words_is_found_wherever_it_stands() {
        let echo = Echo::of(b"correct-horse");
        for (text, want) in [
            ("correct-horse", "[redacted]"),
            ("ä 'correct-horse' ö", "ä '[redacted]' ö"),
            (
                "no correct-horse-battery, correct-horse!",
                "no [redacted], [redacted]!",
            ),
            ("correct horse correct-hors", "correct horse correct-hors"),
            ("CORRECT-Horse", "[redacted]"),
            ("", ""),
        ] {
            assert_eq!(echo.hide(text), want);
        }
        assert_eq!(format!("{echo:?}"), "Echo");
    }

    #[test]
    fn a_secret_in_another_writing_hides_all_of_a_text() {
        let echo = Echo::of("p@ss w\"ord'".as_bytes());
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
        let echo = Echo::of(b"correct-horse");
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
    fn of_what_should_have_been_one_token_every_word_is_hidden() {
        for text in [
            "one orange-cellar two",
            "abcd,orange-cellar",
            "token=\"orange-cellar\"",
            "t=orange-cellar",
        ] {
            let echo = Echo::of_words(text.as_bytes());
            assert_eq!(echo.hide("no orange-cellar!"), "no [redacted]!", "{text}");
        }
        assert_eq!(Echo::of_words(b"token=\"x\"").hide("token=y"), "token=y");
    }

    #[test]
    fn of_more_secrets_than_are_known_nothing_is_shown() {
        let mut echo = Echo::default();
        for number in 0..MAX_MARKS {
            echo.add(&Echo::of(format!("secret-{number}").as_bytes()));
        }
        assert_eq!(echo.hide("secret-31, words"), "[redacted], words");
        echo.add(&Echo::of(b"one-more"));
        assert_eq!(echo.hide("words"), HIDDEN);
    }

    #[test]
    fn beside_what_was_not_seen_nothing_is_shown() {
        let mut echo = Echo::of(b"correct-horse");
        echo.add(&Echo::unseen());
        assert!(!Echo::unseen().is_empty());
        assert_eq!(echo.hide("any words"), HIDDEN);
        assert_eq!(echo.hide(""), "");
    }

    #[test]
    fn a_password_is_found_without_its_name() {
        let echo = Echo::of_basic(BASE64_STANDARD.encode("admin:hunter").as_bytes(), false);
        assert_eq!(echo.hide("admin/hunter"), "admin/[redacted]");
        let unpadded = BASE64_STANDARD_NO_PAD.encode("a:hunter");
        let hide = |pair: &str, cut| Echo::of_basic(pair.as_bytes(), cut).hide("a hunter");
        assert_eq!(hide(&unpadded, false), "a [redacted]");
        assert_eq!(
            hide(&BASE64_STANDARD.encode("hunter:"), false),
            "a [redacted]"
        );
        assert_eq!(hide(&unpadded, true), HIDDEN);
        assert_eq!(hide("no base64", false), HIDDEN);
        assert_eq!(Echo::of(b"abc").hide("abc"), "abc");
    }
}
