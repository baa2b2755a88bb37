//! What real servers and libraries say, as data: `rules.tsv`, with its sources.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::Cause;

/// A text that is known.
#[derive(Debug)]
pub(super) struct Rule {
    /// Who says it.
    pub(super) validator: &'static str,
    /// What it means. `None`: something that is no cause of ours.
    pub(super) cause: Option<Cause>,
    /// What else it may mean.
    pub(super) candidates: Vec<Cause>,
    place: Place,
    how: How,
    text: &'static str,
}

impl Rule {
    /// Every cause that fits, the first one first. Empty where none of ours does.
    pub(super) fn causes(&self) -> Vec<Cause> {
        self.cause
            .into_iter()
            .chain(self.candidates.iter().copied())
            .collect()
    }
}

/// Where a text is said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In a challenge.
    Challenge,
    /// In a body, or forwarded in the description of a challenge.
    Body,
    /// In a field of this name.
    Field(&'static str),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum How {
    /// It is in the text, as a word of its own.
    Has,
    /// It is all of the text.
    Is,
    /// It is a regular expression.
    Regex,
}

/// The rules that a text meets, most specific first: of matches that overlap only the longest counts,
/// which is how "jwt signature verification failed: 'exp' claim expired" is about the time.
pub(super) fn find(text: &str, place: &Place) -> Vec<&'static Rule> {
    let rules = &*RULES;
    let mut hits: Vec<(usize, usize, &Rule)> = Vec::new();
    for hit in rules.exact.find_overlapping_iter(text) {
        if let Some(rule) = rules
            .exact_rules
            .get(hit.pattern().as_usize())
            .and_then(|at| rules.all.get(*at))
            && rule.fits(place)
            && is_apart(text, hit.start(), hit.end(), rule.how)
        {
            hits.push((hit.start(), hit.end(), rule));
        }
    }
    // One pass says which expressions match; only those are asked where.
    for matched in rules.set.matches(text.as_bytes()) {
        if let Some(expression) = rules.expressions.get(matched)
            && let Some(rule) = rules.all.get(expression.rule)
            && rule.fits(place)
            && let Some(hit) = expression.regex(rule.text).find(text.as_bytes())
        {
            hits.push((hit.start(), hit.end(), rule));
        }
    }
    hits.sort_by_key(|(start, end, _)| (std::cmp::Reverse(end - start), *start));
    let mut kept: Vec<(usize, usize, &Rule)> = Vec::new();
    for (start, end, rule) in hits {
        if !kept.iter().any(|(s, e, _)| start < *e && *s < end) {
            kept.push((start, end, rule));
        }
    }
    // A text that says the same a thousand times says it once.
    let mut found: Vec<&Rule> = Vec::new();
    for (_, _, rule) in kept {
        if !found.iter().any(|known| std::ptr::eq(*known, rule)) {
            found.push(rule);
        }
    }
    found
}

impl Rule {
    fn fits(&self, place: &Place) -> bool {
        match (&self.place, place) {
            (Place::Body, Place::Challenge) => true,
            (own, other) => own == other,
        }
    }

    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let validator = fields.next()?;
        let place = match fields.next()? {
            "challenge" => Place::Challenge,
            "body" | "any" => Place::Body,
            field => Place::Field(field.strip_prefix("field:")?),
        };
        let how = match fields.next()? {
            "has" => How::Has,
            "is" => How::Is,
            "regex" => How::Regex,
            _ => return None,
        };
        let text = fields.next()?;
        let cause = Cause::from_id(fields.next()?);
        let _kind = fields
            .next()
            .filter(|kind| matches!(*kind, "server_emits" | "library_text"))?;
        let candidates = fields
            .next()?
            .split(',')
            .filter_map(Cause::from_id)
            .collect();
        let _source = fields.next().filter(|source| !source.is_empty())?;
        Some(Self {
            validator,
            cause,
            candidates,
            place,
            how,
            text,
        })
    }
}

/// Whether a match is not a part of a longer word: `InvalidSignature` is not in
/// `InvalidSignatureLength`.
fn is_apart(text: &str, start: usize, end: usize, how: How) -> bool {
    let bytes = text.as_bytes();
    let word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let joined_before = word(before) && word(bytes.get(start));
    let joined_after =
        word(bytes.get(end)) && word(end.checked_sub(1).and_then(|at| bytes.get(at)));
    match how {
        How::Is => {
            text.trim().trim_end_matches('.').len() <= end - start
                && start <= text.len() - text.trim_start().len()
        }
        _ => !joined_before && !joined_after,
    }
}

struct Rules {
    all: Vec<Rule>,
    exact: AhoCorasick,
    exact_rules: Vec<usize>,
    set: RegexSet,
    expressions: Vec<Expression>,
}

/// A rule with an expression, which is compiled alone when it first matches: few ever do.
struct Expression {
    rule: usize,
    compiled: OnceLock<Regex>,
}

impl Expression {
    fn regex(&self, text: &str) -> &Regex {
        self.compiled.get_or_init(|| {
            // The classes of Unicode would make it a hundred times larger.
            RegexBuilder::new(text)
                .case_insensitive(true)
                .unicode(false)
                .build()
                .expect("what is an expression in a set is one alone")
        })
    }
}

/// Builds the table.
pub(super) fn prepare() {
    LazyLock::force(&RULES);
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let lines = include_str!("rules.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let all: Vec<Rule> = lines.filter_map(Rule::parse).collect();
    let of = |regex: bool| {
        let all = &all;
        (0..all.len()).filter(move |at| {
            all.get(*at)
                .is_some_and(|rule| (rule.how == How::Regex) == regex)
        })
    };
    let exact_rules: Vec<usize> = of(false).collect();
    let texts = exact_rules
        .iter()
        .filter_map(|at| all.get(*at))
        .map(|rule| rule.text);
    let exact = AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .build(texts)
        .expect("a few hundred short texts make an automaton");
    let expressions: Vec<Expression> = of(true)
        .map(|rule| Expression {
            rule,
            compiled: OnceLock::new(),
        })
        .collect();
    let texts = expressions
        .iter()
        .filter_map(|expression| all.get(expression.rule))
        .map(|rule| rule.text);
    let set = RegexSetBuilder::new(texts)
        .case_insensitive(true)
        .unicode(false)
        .build()
        .expect("the patterns of the table are regular expressions");
    Rules {
        all,
        exact,
        exact_rules,
        set,
        expressions,
    }
});

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(text: &str) -> Vec<Option<Cause>> {
        find(text, &Place::Body)
            .iter()
            .map(|rule| rule.cause)
            .collect()
    }

    #[test]
    fn every_line_of_the_table_is_a_rule() {
        let lines = include_str!("rules.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count();
        assert_eq!(RULES.all.len(), lines);
        assert_eq!(RULES.exact_rules.len() + RULES.expressions.len(), lines);
        assert_eq!(RULES.exact.patterns_len(), RULES.exact_rules.len());
        assert!(lines > 350);
    }

    #[test]
    fn every_exact_rule_finds_its_own_text() {
        for rule in RULES.all.iter().filter(|rule| rule.how != How::Regex) {
            let found = find(rule.text, &rule.place);
            assert!(!found.is_empty(), "{}", rule.text);
            assert_eq!(
                found[0].text.to_lowercase().trim(),
                rule.text.to_lowercase().trim()
            );
        }
    }

    #[test]
    fn the_longest_match_says_what_is_meant() {
        assert_eq!(
            causes("jwt signature verification failed: 'exp' claim expired at Sat"),
            [Some(Cause::TokenExpired)]
        );
        assert_eq!(causes("Signature has expired"), [Some(Cause::TokenExpired)]);
        assert_eq!(
            causes("Bad token; invalid signature"),
            [Some(Cause::TokenMalformed)]
        );
        assert_eq!(causes("Invalid signature"), [Some(Cause::SignatureInvalid)]);
        assert_eq!(
            causes("Signature nbf has not been reached"),
            [Some(Cause::TokenNotYetValid)]
        );
    }

    #[test]
    fn a_text_that_repeats_itself_is_one_rule() {
        assert_eq!(causes(&"Jwt is expired\n".repeat(500)).len(), 1);
    }

    #[test]
    fn a_word_inside_another_is_no_match() {
        assert_eq!(causes("InvalidSignatureLength"), []);
        assert_eq!(causes("our Session expired yesterday"), []);
        assert_eq!(causes("Session expired"), [None]);
    }
}
