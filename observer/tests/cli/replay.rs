//! What `replay` says of captures.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr};

use serde_json::Value;

use super::*;

fn events(done: &Done) -> Vec<Value> {
    done.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_rejection_becomes_a_line_and_a_summary() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(4212, &expired()).pcap());
    let done = run(["replay", "--name", "10.0.0.1:8080=orders", &capture]);
    assert_eq!(done.code, 0, "{}", done.err);
    let told = done
        .out
        .matches("GET /orders/4711  401  token_expired")
        .count();
    assert_eq!(told, 1, "{}", done.out);
    assert!(done.out.contains("… 4,211 more like this"), "{}", done.out);
    assert!(done.out.contains("4,212 exchanges"), "{}", done.out);
    assert!(done.out.contains("  orders  "), "{}", done.out);
    assert!(!done.out.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn every_exchange_becomes_an_event() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(3, &expired()).pcap());
    let done = run(["replay", "--events", "-", &capture]);
    assert_eq!(done.code, 0, "{}", done.err);
    let events = events(&done);
    assert_eq!(events.len(), 3);
    for event in events {
        assert_eq!(event["schema"], "observer.exchange/1");
        assert_eq!(event["side"], "wire");
        assert_eq!(event["service"], "10.0.0.1:8080");
        assert_eq!(event["request"]["path"], "/orders/4711");
        assert_eq!(event["response"]["status"], 401);
        assert_eq!(event["credential"]["claims"]["aud"], "orders");
        assert_eq!(event["verdict"]["cause"], "token_expired");
        assert_eq!(event["verdict"]["certainty"], "proven");
    }
    assert!(done.err.contains("3 exchanges"), "{}", done.err);
}

#[test]
fn filters_narrow_what_is_reported() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    for (option, value, count) in [
        ("--status", "401", 1),
        ("--status", "2xx,500-599", 0),
        ("--port", "8080", 1),
        ("--port", "80", 0),
        ("--service", "10.0.0.1", 1),
        ("--service", "orders", 0),
        ("--only", "rejected", 1),
    ] {
        let done = run(["replay", "--events", "-", option, value, &capture]);
        assert_eq!(events(&done).len(), count, "{option} {value}: {}", done.err);
    }
}

#[test]
fn a_truncated_capture_gives_what_came_before_and_says_so() {
    let desk = Desk::new();
    let whole = refusals(3, &expired()).pcap();
    let capture = desk.file("cut.pcap", &whole[..whole.len() - 7]);
    let done = run(["replay", "--events", "-", &capture]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(events(&done).len(), 3);
    assert!(done.err.contains("cut.pcap is cut off"), "{}", done.err);
}

#[test]
fn standard_input_is_read() {
    let mut child = observer()
        .args(["replay", "--events", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let capture = refusals(2, &expired()).pcap();
    child.stdin.take().unwrap().write_all(&capture).unwrap();
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(events(&done).len(), 2, "{}", done.err);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(200, &expired()).pcap());
    let key = desk.file("key", [b'k'; 32]);
    let out = |threads| {
        let fixed = [
            "replay",
            "--events",
            "-",
            "--fingerprint-key",
            &key,
            "--threads",
        ];
        run(fixed.into_iter().chain([threads, capture.as_str()])).out
    };
    let one = out("1");
    assert_eq!(one.lines().count(), 200);
    assert_eq!(one, out("7"));
}

#[test]
fn seen_as_live_the_same_is_said() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(20, &expired()).pcap());
    let key = desk.file("key", [b'k'; 32]);
    let fixed = [
        "replay",
        "--events",
        "-",
        "--fingerprint-key",
        &key,
        &capture,
    ];
    let whole = run(fixed);
    let as_live = run(fixed.into_iter().chain(["--as-live"]));
    assert_eq!(whole.out.lines().count(), 20);
    assert_eq!(whole.out, as_live.out);
}

#[test]
fn a_reader_that_leaves_ends_a_replay_quietly() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(5000, &expired()).pcap());
    let mut child = observer()
        .args(["replay", "--events", "-", &capture])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with('{'), "{first}");
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(!done.err.contains("panic"), "{}", done.err);
}

#[test]
fn metrics_are_written_whole() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(3, &expired()).pcap());
    let metrics = desk.path("observer.prom");
    let done = run(["replay", "--metrics", &text(&metrics), &capture]);
    assert_eq!(done.code, 0, "{}", done.err);
    let page = std::fs::read_to_string(&metrics).unwrap();
    let line = r#"observer_rejections_total{cause="token_expired",certainty="proven",service="10.0.0.1:8080",side="wire"} 3"#;
    assert!(page.lines().any(|have| have == line), "{page}");
    assert_eq!(std::fs::read_dir(desk.0.path()).unwrap().count(), 2);
}

#[test]
fn a_configuration_names_and_leaves_out() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(3, &expired()).pcap());
    let service = "[[service]]\nname = \"orders\"\naddress = \":8080\"\n";
    for (filter, services) in [
        ("include]\nports = [8080]", vec!["orders"; 3]),
        ("include]\nports = [80]", vec![]),
        ("exclude]\naddresses = [\"10.0.0.8/30\"]", vec![]),
        ("exclude]\npaths = [\"/orders/*\"]", vec![]),
        ("exclude]\npaths = [\"/orders/47\"]", vec!["orders"; 3]),
        // What is not known of a capture is not excluded, and not included where it is asked for.
        ("exclude]\nprocesses = [\"*\"]", vec!["orders"; 3]),
        ("include]\nprocesses = [\"*\"]", vec![]),
    ] {
        let file = desk.file("observer.toml", format!("{service}[filter.{filter}\n"));
        let done = run(["replay", "--config", &file, "--events", "-", &capture]);
        assert_eq!(done.code, 0, "{}", done.err);
        let events = events(&done);
        let seen: Vec<_> = events
            .iter()
            .map(|event| event["service"].as_str().unwrap())
            .collect();
        assert_eq!(seen, services, "{filter}");
    }
    // Names of the command line come first.
    let file = desk.file("observer.toml", service);
    let name = ["--name", "10.0.0.1:8080=edge", "--config", &file];
    let done = run(["replay", "--events", "-", &capture]
        .into_iter()
        .chain(name));
    assert_eq!(events(&done)[0]["service"], "edge", "{}", done.err);
}

#[test]
fn rules_of_a_user_win() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    let own = "ledger\tany\thas\tThe token expired\ttoken_revoked\n";
    let rules = desk.file("own.tsv", own);
    let file = desk.file("observer.toml", "rules = \"own.tsv\"\n");
    for option in [["--rules", &rules], ["--config", &file]] {
        let arguments = ["replay", "--events", "-", &capture];
        let done = run(arguments.into_iter().chain(option));
        let event = &events(&done)[0];
        assert_eq!(event["verdict"]["cause"], "token_revoked", "{}", done.err);
        assert_eq!(event["verdict"]["certainty"], "stated");
        assert_eq!(event["verdict"]["validator"]["name"], "ledger");
    }
}

#[test]
fn events_can_be_read_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    let events = desk.path("events.ndjson");
    for _ in 0..2 {
        let done = run(["replay", "--events", &text(&events), &capture]);
        assert_eq!(done.code, 0, "{}", done.err);
    }
    let lines = std::fs::read_to_string(&events).unwrap().lines().count();
    assert_eq!(lines, 1, "a second replay replaces the first");
    let mode = events.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_full_disk_is_said_by_the_exit_code_and_stops_nothing() {
    let full = || {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        Stdio::from(full.unwrap())
    };
    let desk = Desk::new();
    let whole = refusals(3, &expired()).pcap();
    let capture = desk.file("a.pcap", &whole);
    let done = observer()
        .args(["replay", &capture])
        .stdout(full())
        .output();
    assert_eq!(Done::from(done.unwrap()).code, 1);

    let cut = desk.file("cut.pcap", &whole[..whole.len() - 5]);
    let metrics = text(&desk.path("metrics"));
    let done = observer()
        .args(["replay", "--metrics", &metrics, &cut])
        .stderr(full())
        .output();
    assert_eq!(Done::from(done.unwrap()).code, 0);
    assert!(desk.path("metrics").exists());
}

#[test]
fn a_filter_of_terms_leaves_out_packets_and_says_how_many() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(3, &expired()).pcap());
    let all = run(["replay", &capture]);
    assert!(all.out.contains("read: "), "{}", all.out);
    assert!(!all.out.contains("filtered out"), "{}", all.out);
    for (terms, rejections) in [
        ("src or dst port 8080 and net 10.0.0.0/24", "3 rejections"),
        ("port 40001", "1 rejection\n"),
        ("not port 8080", "no rejections"),
    ] {
        let done = run(["replay", "--filter", terms, &capture]);
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.out.contains(rejections), "{terms}: {}", done.out);
        let whole = rejections.starts_with('3');
        assert_eq!(done.out.contains("filtered out"), !whole, "{}", done.out);
    }
}

#[test]
fn a_file_that_grows_is_followed_until_ctrl_c() {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use observer_tests::capture::START;

    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(2, &expired()).pcap());
    let later = refusals(1, &expired()).start(START + 10_000_000_000).pcap();
    let (_header, packets) = later.split_at(24);
    let events = desk.path("events");
    let mut child = observer()
        .args(["replay", "--follow", &capture, "--events", &text(&events)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = || {
        std::fs::read_to_string(&events)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let wait_for = |count: usize| {
        let began = Instant::now();
        while lines() < count {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{} events",
                lines()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(2);
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&capture)
        .unwrap();
    file.write_all(packets).unwrap();
    wait_for(3);
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let done = Done::from(child.wait_with_output().unwrap());
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(lines(), 3);
    assert!(done.out.contains("3 rejections"), "{}", done.out);
}

#[test]
fn somebody_who_reads_a_pipe_is_waited_for() {
    let (desk, pipe, mut child, _said) = replay_into_a_pipe();
    let lines = std::fs::read_to_string(pipe).unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert!(child.wait().unwrap().success());
    drop(desk);
}

#[test]
fn waiting_for_somebody_who_reads_ends_with_ctrl_c() {
    let (_desk, pipe, mut child, mut said) = replay_into_a_pipe();
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut line = String::new();
    said.read_to_string(&mut line).unwrap();
    for words in [&format!("cannot write {}", text(&pipe)), "nobody read it"] {
        assert!(line.contains(words), "no {words} in: {line}");
    }
}

/// Two events for a pipe that nobody reads yet, by a process that has said so, and what it says next.
fn replay_into_a_pipe() -> (Desk, PathBuf, Child, BufReader<ChildStderr>) {
    let desk = Desk::new();
    let pipe = desk.path("events");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let capture = desk.file("a.pcap", refusals(2, &expired()).pcap());
    let mut child = observer()
        .args(["replay", &capture, "--events", &text(&pipe)])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for somebody who reads"), "{line}");
    (desk, pipe, child, said)
}
