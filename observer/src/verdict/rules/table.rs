//! Many rules, found in one pass over a text.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::bytes::{Regex, RegexSet, RegexSetBuilder};

use super::MAX_ROWS;
use super::error::WordsError;
use super::rule::{At, Fault, How, Place, Rule, compiled};

/// A table, compiled.
pub(super) struct Table {
    pub(super) all: Vec<Arc<Rule>>,
    exact: AhoCorasick,
    exact_rules: Vec<usize>,
    set: RegexSet,
    expressions: Vec<Expression>,
}

/// A rule with an expression, which is compiled alone when it first matches: few ever do.
struct Expression {
    rule: usize,
    compiled: OnceLock<Option<Regex>>,
}

/// How large the compiled expressions of a table may be together, in bytes.
const MAX_EXPRESSIONS: usize = 10 << 20;

impl Table {
    /// The table of this program.
    pub(super) fn built_in(text: &str) -> Result<Self, Fault> {
        let rules = rows(text).map(|(_, line)| Rule::parse(line, true));
        Self::of(rules.collect::<Result<_, _>>()?)
    }

    /// The table of a user.
    pub(super) fn of_user(text: &str, path: &Path) -> Result<Self, WordsError> {
        let mut rules = Vec::new();
        let too_much = |fault| WordsError::TooMuch {
            path: path.to_owned(),
            fault,
        };
        for (line, text) in rows(text) {
            if rules.len() == MAX_ROWS {
                let fault = format!("it has more than {MAX_ROWS} rules: leave some out");
                return Err(too_much(fault));
            }
            let rule = Rule::parse(text, false).map_err(|fault| WordsError::Wrong {
                path: path.to_owned(),
                line,
                fault: fault.0,
            })?;
            rules.push(rule);
        }
        Self::of(rules).map_err(|fault| too_much(fault.0))
    }

    fn of(all: Vec<Rule>) -> Result<Self, Fault> {
        let all: Vec<Arc<Rule>> = all.into_iter().map(Arc::new).collect();
        let of = |regex: bool| {
            let places = all.iter().enumerate();
            let places = places.filter(move |(_, rule)| (rule.how == How::Regex) == regex);
            places.map(|(at, _)| at)
        };
        let texts = |places: &[usize]| -> Vec<&str> {
            let rules = places.iter().filter_map(|at| all.get(*at));
            rules.map(|rule| &*rule.text).collect()
        };
        let exact_rules: Vec<usize> = of(false).collect();
        let exact = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(texts(&exact_rules))
            .map_err(|error| Fault(format!("the texts are too much together: {error}")))?;
        let expressions: Vec<usize> = of(true).collect();
        let set = RegexSetBuilder::new(texts(&expressions))
            .case_insensitive(true)
            .unicode(false)
            .size_limit(MAX_EXPRESSIONS)
            .build()
            .map_err(|_| {
                Fault("its regular expressions are too large together: simplify them".to_owned())
            })?;
        let expressions = expressions.into_iter().map(|rule| Expression {
            rule,
            compiled: OnceLock::new(),
        });
        Ok(Self {
            exact,
            exact_rules,
            set,
            expressions: expressions.collect(),
            all,
        })
    }

    /// The rules that a text meets, most specific first: of matches that overlap only the longest counts,
    /// which is how "jwt signature verification failed: 'exp' claim expired" is about the time. What
    /// servers say by themselves comes before what libraries do.
    pub(super) fn find(&self, text: &str, at: At<'_>) -> Vec<Arc<Rule>> {
        let mut hits: Vec<(usize, usize, &Arc<Rule>)> = Vec::new();
        for hit in self.exact.find_overlapping_iter(text) {
            if let Some(rule) = self
                .exact_rules
                .get(hit.pattern().as_usize())
                .and_then(|place| self.all.get(*place))
                && rule.fits(at)
                && is_apart(text, hit.start(), hit.end(), rule.how)
                && (rule.how != How::Cased || text.get(hit.range()) == Some(&rule.text))
            {
                hits.push((hit.start(), hit.end(), rule));
            }
        }
        // One pass says which expressions match; only those are asked where.
        for matched in self.set.matches(text.as_bytes()) {
            if let Some(expression) = self.expressions.get(matched)
                && let Some(rule) = self.all.get(expression.rule)
                && rule.fits(at)
                && let Some(regex) = expression.regex(&rule.text)
                && let Some(hit) = regex.find(text.as_bytes())
            {
                hits.push((hit.start(), hit.end(), rule));
            }
        }
        hits.sort_by_key(|(start, end, _)| (std::cmp::Reverse(end - start), *start));
        let mut kept: Vec<(usize, usize, &Arc<Rule>)> = Vec::new();
        for (start, end, rule) in hits {
            if !kept.iter().any(|(s, e, _)| start < *e && *s < end) {
                kept.push((start, end, rule));
            }
        }
        kept.sort_by_key(|(_, _, rule)| !rule.emitted);
        // A text that says the same a thousand times says it once.
        let mut found: Vec<Arc<Rule>> = Vec::new();
        for (_, _, rule) in kept {
            if !found.iter().any(|known| Arc::ptr_eq(known, rule)) {
                found.push(Arc::clone(rule));
            }
        }
        found
    }

    /// Whether a rule is about this field.
    pub(super) fn asks_for(&self, field: &str) -> bool {
        let mut places = self.all.iter().map(|rule| &rule.place);
        places.any(|place| matches!(place, Place::Field(own) if **own == *field))
    }
}

/// The same rules are the same table.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl Eq for Table {}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.all).finish()
    }
}

impl Expression {
    fn regex(&self, text: &str) -> Option<&Regex> {
        let compile = || compiled(text).ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// The lines that are rules, with their numbers.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    let rows = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    rows.map(|(at, line)| (at + 1, line))
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
