//! The layers of the tests: each is run, timed, and remembered for the list at the end.

mod said;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use said::Said;

/// What came of one layer.
pub(crate) enum Outcome {
    /// It ran and all of it passed; what it has to say for itself.
    Passed(String),
    /// It ran and failed.
    Failed(String),
    /// This machine cannot run it, and why.
    CannotRun(String),
    /// It was to be left out, and by what.
    LeftOut(String),
}

/// The layers so far.
#[derive(Default)]
pub(crate) struct Layers {
    done: Vec<(String, Outcome, Duration)>,
    explained: Vec<(String, String)>,
}

impl Layers {
    /// Runs a command as a layer and shows what it prints: when it fails, the end of it once more at the end,
    /// which is all that is kept where tests run by themselves. Sums of libtest are remembered.
    pub(crate) fn run(&mut self, name: &str, command: &mut Command) {
        println!("\n== {name}");
        let start = Instant::now();
        let (outcome, said) = stream(command);
        if matches!(outcome, Outcome::Failed(_)) {
            self.explain(name, said);
        }
        self.done.push((name.to_owned(), outcome, start.elapsed()));
    }

    /// Adds a layer that was not run.
    pub(crate) fn add(&mut self, name: &str, outcome: Outcome) {
        self.add_timed(name, outcome, Duration::ZERO);
    }

    /// Adds a layer that was run otherwise than as a command.
    pub(crate) fn add_timed(&mut self, name: &str, outcome: Outcome, took: Duration) {
        self.done.push((name.to_owned(), outcome, took));
    }

    /// What is shown again at the end of a layer that failed. Nothing, when it is empty.
    pub(crate) fn explain(&mut self, name: &str, why: String) {
        if !why.is_empty() {
            self.explained.push((name.to_owned(), why));
        }
    }

    /// Whether a layer failed.
    pub(crate) fn failed(&self) -> bool {
        !self
            .names(|outcome| matches!(outcome, Outcome::Failed(_)))
            .is_empty()
    }

    /// Prints every layer with its result, and the closing line.
    pub(crate) fn close(&self) {
        for (name, why) in &self.explained {
            println!("\n== what failed in {name}\n{why}");
        }
        println!("\n== results");
        for (name, outcome, took) in &self.done {
            let (word, said) = match outcome {
                Outcome::Passed(said) => ("passed", said),
                Outcome::Failed(said) => ("FAILED", said),
                Outcome::CannotRun(why) => ("cannot run", why),
                Outcome::LeftOut(by) => ("left out", by),
            };
            println!(
                "{name:<34} {word:<11} {:>6.1} s  {said}",
                took.as_secs_f64()
            );
        }
        let failed = self.names(|outcome| matches!(outcome, Outcome::Failed(_)));
        let not_run =
            self.names(|outcome| matches!(outcome, Outcome::CannotRun(_) | Outcome::LeftOut(_)));
        println!();
        match (failed.as_str(), not_run.as_str()) {
            ("", "") => println!("All layers passed."),
            ("", _) => println!("All layers that ran passed; not run: {not_run}."),
            _ => println!("FAILED: {failed}."),
        }
    }

    fn names(&self, wanted: impl Fn(&Outcome) -> bool) -> String {
        let names: Vec<_> = self
            .done
            .iter()
            .filter(|(_, outcome, _)| wanted(outcome))
            .map(|(name, _, _)| name.as_str())
            .collect();
        names.join(", ")
    }
}

/// Both outputs go through as they come; standard output is read for the sums. Gives what was said at the end
/// as well.
fn stream(command: &mut Command) -> (Outcome, String) {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            let outcome = Outcome::Failed(format!("cannot start: {error}"));
            return (outcome, String::new());
        }
    };
    let said = Arc::new(Mutex::new(Said::default()));
    let errors = child.stderr.take().map(|stderr| {
        let said = Arc::clone(&said);
        thread::spawn(move || pass_on(stderr, &said))
    });
    let mut sums = Sums::default();
    if let Some(stdout) = child.stdout.take() {
        let mut out = std::io::stdout().lock();
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line);
            sums.read(&text);
            read(&said, &text);
            // Whoever reads this may go away; the tests go on.
            let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
        }
    }
    let outcome = match child.wait() {
        Ok(status) if status.success() && sums.failed == 0 => Outcome::Passed(sums.text()),
        Ok(status) => Outcome::Failed(format!("{status} {}", sums.text()).trim_end().to_owned()),
        Err(error) => Outcome::Failed(format!("cannot wait: {error}")),
    };
    // Whoever it started may live on and keep the other end.
    let ended = Instant::now();
    while errors.as_ref().is_some_and(|errors| !errors.is_finished())
        && ended.elapsed() < Duration::from_secs(1)
    {
        thread::sleep(Duration::from_millis(5));
    }
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).text();
    (outcome, said)
}

/// Shows at once what comes on standard error, and remembers it by lines.
fn pass_on(mut from: impl Read, said: &Mutex<Said>) {
    let mut bytes = [0; 4096];
    let mut line = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let new = bytes.get(..length).unwrap_or_default();
        let _ = std::io::stderr().write_all(new);
        for byte in new {
            match byte {
                b'\n' => {
                    read(said, &String::from_utf8_lossy(&line));
                    line.clear();
                }
                byte => line.push(*byte),
            }
        }
    }
    if !line.is_empty() {
        read(said, &String::from_utf8_lossy(&line));
    }
}

fn read(said: &Mutex<Said>, line: &str) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.read(line);
}

/// The numbers of libtest's "test result:" lines.
#[derive(Default)]
pub(crate) struct Sums {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Sums {
    pub(crate) fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            match (number, words.next()) {
                (Some(number), Some("passed")) => self.passed += number,
                (Some(number), Some("failed")) => self.failed += number,
                (Some(number), Some("ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Adds what others count.
    pub(crate) fn add(&mut self, others: &Self) {
        self.passed += others.passed;
        self.failed += others.failed;
        self.ignored += others.ignored;
    }

    /// There were tests, and none failed.
    pub(crate) fn all_passed(&self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    pub(crate) fn passed(&self) -> usize {
        usize::try_from(self.passed).unwrap_or(usize::MAX)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = match self.passed + self.failed {
            0 => String::new(),
            all => format!("{} of {all} tests", self.passed),
        };
        if self.ignored > 0 {
            text.push_str(&format!(", {} ignored", self.ignored));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_from_every_line_of_libtest() {
        let mut sums = Sums::default();
        sums.read("test result: ok. 14 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out");
        sums.read("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured");
        sums.read("test other ... ok");
        assert_eq!((sums.passed, sums.failed, sums.ignored), (15, 2, 1));
        assert_eq!(sums.text(), "15 of 17 tests, 1 ignored");
    }

    #[test]
    fn a_command_that_fails_is_a_layer_that_failed() {
        let mut layers = Layers::default();
        layers.run("true", &mut Command::new("true"));
        assert!(!layers.failed());
        layers.run("false", &mut Command::new("false"));
        assert!(layers.failed());
    }

    #[test]
    fn what_a_layer_said_at_last_is_told_again_when_it_failed() {
        let mut layers = Layers::default();
        let sh = |script: &str| {
            let mut sh = Command::new("sh");
            sh.args(["-c", script]);
            sh
        };
        layers.run("passes", &mut sh("echo fine; echo fine >&2"));
        layers.run("fails", &mut sh("echo out; printf 'to err' >&2; exit 1"));
        let [(name, why)] = &layers.explained[..] else {
            panic!("{:?}", layers.explained);
        };
        assert_eq!(name, "fails");
        let mut lines: Vec<_> = why.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["out", "to err"]);
    }

    #[test]
    fn a_layer_that_leaves_somebody_behind_ends_all_the_same() {
        let start = Instant::now();
        let mut sh = Command::new("sh");
        sh.args(["-c", "sleep 20 >/dev/null & exit 1"]);
        let mut layers = Layers::default();
        layers.run("leaves", &mut sh);
        assert!(layers.failed());
        assert!(start.elapsed() < Duration::from_secs(15));
    }
}
