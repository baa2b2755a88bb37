//! A text as words that stand for something.

use super::vocabulary::{AT, FROM, OR, Set, of_phrase, of_word};

/// How many words of a text are read.
const MAX_WORDS: usize = 120;

/// A word of a text.
#[derive(Clone, Copy)]
pub(super) struct Word {
    /// What it stands for.
    pub(super) is: Set,
    /// In which sentence it is.
    pub(super) sentence: u16,
}

/// The words of a text.
pub(super) struct Sentences {
    pub(super) words: Vec<Word>,
    /// All that they stand for.
    all: Set,
}

impl Sentences {
    /// Of a text in small letters.
    pub(super) fn of(plain: &str) -> Self {
        let mut words: Vec<Word> = Vec::with_capacity(32);
        let mut before = "";
        let mut sentence = 0;
        let mut rest = plain;
        while words.len() < MAX_WORDS {
            let start = rest.find(|c: char| c.is_alphanumeric() || c == '/');
            let Some((gap, from)) = start.map(|start| rest.split_at(start)) else {
                break;
            };
            if ends_sentence(gap) {
                sentence += 1;
                before = "";
            }
            let end = from.find(|c: char| !(c.is_alphanumeric() || c == '\''));
            let (word, after) = match from.strip_prefix('/') {
                // "expired/invalid" is a choice.
                Some(after) => ("or", after),
                None => from.split_at(end.unwrap_or(from.len())),
            };
            rest = after;
            let word = word.trim_matches('\'');
            let both = of_phrase(before, word);
            match words.last_mut().filter(|_| both != 0) {
                Some(last) => last.is = both,
                None => words.push(Word {
                    is: of_word(word),
                    sentence,
                }),
            }
            before = word;
        }
        let all = words.iter().fold(0, |all, word| all | word.is);
        Self { words, all }
    }

    /// Whether a word stands for one of these.
    pub(super) fn has(&self, one: Set) -> bool {
        self.all & one != 0
    }

    /// Whether two different words of a sentence stand for one of these each, with fewer than `within` words
    /// between them.
    pub(super) fn near(&self, one: Set, other: Set, within: usize) -> bool {
        self.has(one)
            && self.has(other)
            && (self.follows(one, other, within) || self.follows(other, one, within))
    }

    /// The same where `other` comes after.
    pub(super) fn follows(&self, one: Set, other: Set, within: usize) -> bool {
        let places = self.words.iter().enumerate();
        let mut firsts = places.filter(|(_, word)| word.is & one != 0);
        firsts.any(|(at, first)| {
            let behind = self.words.iter().skip(at + 1).take(within);
            let mut behind = behind.take_while(|word| word.sentence == first.sentence);
            behind.any(|word| word.is & other != 0)
        })
    }

    /// Whether a word that stands for this ends what is said, so that nothing is said of what comes after.
    pub(super) fn ends(&self, one: Set) -> bool {
        let mut places = self.words.iter().enumerate();
        places.any(|(at, word)| {
            let next = self.words.get(at + 1);
            let next = next.filter(|next| next.sentence == word.sentence);
            word.is & one != 0 && next.is_none_or(|next| next.is & (AT | OR | FROM) != 0)
        })
    }

    /// Whether words stand for these one after the other.
    pub(super) fn runs(&self, sequence: &[Set]) -> bool {
        self.words.windows(sequence.len()).any(|words| {
            let mut pairs = words.iter().zip(sequence);
            pairs.all(|(word, is)| word.is & is != 0)
        })
    }
}

/// Whether a sentence ends between two words.
fn ends_sentence(gap: &str) -> bool {
    let mut characters = gap.chars().peekable();
    while let Some(character) = characters.next() {
        let is_end = matches!(character, '.' | '!' | '?');
        if is_end && characters.peek().is_some_and(|next| next.is_whitespace()) {
            return true;
        }
    }
    false
}
