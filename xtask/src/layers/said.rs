//! What a layer said that matters when it failed: the little of it that is shown again at the end.

use std::collections::VecDeque;

/// So many lines, and so many bytes, are kept of the end; and as much of where libtest tells of failures.
const LINES: usize = 60;
const BYTES: usize = 6 * 1024;
/// A line is kept so far, in characters.
const LONGEST: usize = 500;

/// The lines of a layer, of which few are kept.
#[derive(Default)]
pub(crate) struct Said {
    count: usize,
    failures: Kept,
    last: Kept,
}

/// Lines by their numbers.
#[derive(Default)]
struct Kept {
    lines: VecDeque<(usize, String)>,
    bytes: usize,
}

impl Said {
    /// Takes the next line, without its end.
    pub(crate) fn read(&mut self, line: &str) {
        let number = self.count;
        self.count += 1;
        let line: String = line.chars().take(LONGEST).collect();
        let is_of_failures = !self.failures.lines.is_empty() || line == "failures:";
        if is_of_failures && self.failures.has_room() {
            self.failures.push(number, line.clone());
        }
        self.last.push(number, line);
        while !self.last.has_room() && self.last.lines.len() > 1 {
            self.last.drop_first();
        }
    }

    /// What is kept: from where libtest tells of failures, or else the end.
    pub(crate) fn text(&self) -> String {
        let mut text: Vec<&str> = self.failures.texts(0).collect();
        let told = self.failures.lines.back().map_or(0, |(last, _)| last + 1);
        let next = self.last.lines.front().map_or(0, |(first, _)| *first);
        if !text.is_empty() && next > told {
            text.push("...");
        }
        text.extend(self.last.texts(told));
        text.join("\n")
    }
}

impl Kept {
    fn has_room(&self) -> bool {
        self.lines.len() < LINES && self.bytes < BYTES
    }

    fn push(&mut self, number: usize, line: String) {
        self.bytes += line.len();
        self.lines.push_back((number, line));
    }

    fn drop_first(&mut self) {
        if let Some((_, line)) = self.lines.pop_front() {
            self.bytes -= line.len();
        }
    }

    fn texts(&self, from: usize) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter();
        lines
            .filter(move |(number, _)| *number >= from)
            .map(|(_, line)| line.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: impl IntoIterator<Item = String>) -> String {
        let mut said = Said::default();
        for line in lines {
            said.read(&line);
        }
        said.text()
    }

    #[test]
    fn the_end_is_kept() {
        assert_eq!(of([]), "");
        assert_eq!(of(["a".to_owned(), "b".to_owned()]), "a\nb");
        let text = of((0..1000).map(|line| line.to_string()));
        assert!(text.starts_with("941\n942\n"), "{text}");
        assert!(text.ends_with("\n999"), "{text}");
        // However long its lines are.
        let text = of((0..100).map(|_| "x".repeat(100_000)));
        assert!(
            (LONGEST..BYTES + LINES).contains(&text.len()),
            "{}",
            text.len()
        );
    }

    #[test]
    fn what_libtest_says_of_failures_is_kept_whatever_comes_after() {
        let tests = (0..500).map(|test| format!("test {test} ... ok"));
        let failures = ["failures:", "", "---- a stdout ----", "a panicked"];
        let failures = failures.map(str::to_owned);
        let end = ["failures:", "    a", "test result: FAILED."].map(str::to_owned);
        let all = tests.clone().chain(failures.clone()).chain(end.clone());
        assert_eq!(of(all), [&failures[..], &end].concat().join("\n"));

        let trace = (0..500).map(|frame| format!("frame {frame}"));
        let all = tests
            .chain(failures.clone())
            .chain(trace)
            .chain(end.clone());
        let text = of(all);
        assert!(text.starts_with(&failures.join("\n")), "{text}");
        assert!(text.contains("\n...\n"), "{text}");
        assert!(text.ends_with(&end.join("\n")), "{text}");
        assert!(!text.contains("test 0"), "{text}");
    }
}
