//! `observer demo` as a user runs it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use observer_tests::limits::{Stopwatch, limit};

use crate::agent::program;
use crate::lab::{signal, turn, wait_for};

#[test]
fn the_demo_shows_refused_tokens_of_every_kind_in_less_than_15_s() {
    let _turn = turn();
    // It may have to be built.
    let program = program();
    let start = Stopwatch::start();
    let output = Command::new(program)
        .arg("demo")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        start.elapsed() < limit(Duration::from_secs(15)),
        "{:?}",
        start.elapsed()
    );
    let said = shows_the_story(&output);
    assert!(said.contains("/metrics"), "{said}");
    assert!(!said.contains("missing."), "{said}");
}

#[test]
fn without_privileges_the_demo_says_so_and_replays_its_capture() {
    // Root without a capability may not load a program, like anybody.
    let output = Command::new("setpriv")
        .args(["--bounding-set=-all", "--inh-caps=-all"])
        .arg(program())
        .arg("demo")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = shows_the_story(&output);
    assert!(said.contains("replayed"), "{said}");
}

#[test]
fn ctrl_c_ends_every_process_of_the_demo() {
    ends_with("INT");
}

#[test]
fn a_demo_that_is_killed_leaves_no_process() {
    ends_with("KILL");
}

fn shows_the_story(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {said}\n{errors}",
        output.status
    );
    for cause in [
        "credentials_missing",
        "header_malformed",
        "token_malformed",
        "token_truncated",
        "alg_not_allowed",
        "token_expired",
        "token_not_yet_valid",
        "token_issued_in_future",
        "issuer_mismatch",
        "audience_mismatch",
        "key_not_found",
        "signature_invalid",
        "scope_insufficient",
        "permission_denied",
    ] {
        assert!(said.contains(cause), "no {cause} in:\n{said}");
    }
    said
}

fn ends_with(name: &str) {
    let _turn = turn();
    let mut demo = Command::new(program())
        .args(["demo", "--stay"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap().contains("Ctrl-C ends it"));
    assert!(ready, "the demo ended: {:?}", demo.wait());
    let children = children(&demo);
    assert!(children.len() >= 3, "{children:?}");
    signal(name, demo.id());
    // It writes its last words before it ends.
    lines.for_each(drop);
    demo.wait().unwrap();
    wait_for("end of every process", || {
        !children
            .iter()
            .any(|pid| Path::new("/proc").join(pid).exists())
    });
}

fn children(demo: &Child) -> Vec<String> {
    let tasks = format!("/proc/{}/task", demo.id());
    fs::read_dir(tasks)
        .unwrap()
        .map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap())
        .flat_map(|text| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}
