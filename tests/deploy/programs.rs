//! Prometheus' own tool over the rules.

use std::process::Command;

use crate::documents::{files, path};
use crate::metrics::rules;

#[test]
fn promtool_takes_the_rules_and_the_configuration() {
    promtool(&["check", "rules"], &rules());
    promtool(
        &["check", "config"],
        &["deploy/prometheus/prometheus.yml".to_owned()],
    );
}

#[test]
fn alerts_fire_when_they_must_and_are_silent_when_they_must_be() {
    promtool(
        &["test", "rules"],
        &files("deploy/prometheus/tests", ".yml"),
    );
}

fn promtool(words: &[&str], names: &[String]) {
    let paths = names.iter().map(|name| path(name));
    run(Command::new("promtool").args(words).args(paths));
}

/// Runs what must succeed. Gives what it wrote to standard output.
pub fn run(command: &mut Command) -> String {
    let done = command
        .output()
        .expect("starting a program; `cargo xtask test` installs what it needs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {complained}\n{said}");
    said
}
