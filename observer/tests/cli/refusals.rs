//! What bad input gets: one clear message, the right exit code, nothing half-written.

use super::*;

/// One message, which says all of `words`, and nothing on standard output.
fn refused<S: AsRef<std::ffi::OsStr>>(
    code: i32,
    arguments: impl IntoIterator<Item = S>,
    words: &[&str],
) {
    let done = run(arguments);
    assert_eq!(done.code, code, "{}", done.err);
    assert_eq!(done.out, "");
    for word in words {
        assert!(done.err.contains(word), "no {word:?} in: {}", done.err);
    }
    let messages = done
        .err
        .lines()
        .filter(|line| line.starts_with("observer: "));
    assert!(messages.count() <= 1, "{}", done.err);
}

#[test]
fn no_command_and_unknown_commands_are_usage() {
    refused(2, ["dance"], &["dance", "--help"]);
    refused(2, ["replay"], &["<FILE>"]);
    refused(2, ["replay", "--status", "4", "x"], &["4xx"]);
    refused(2, ["replay", "--name", "x", "x"], &["10.0.0.1:8080=orders"]);
    refused(2, ["replay", "--expect", "x", "x"], &["aud=orders"]);
    refused(2, ["replay", "--jwks", "x", "x"], &["ISSUER=FILE"]);
    refused(
        2,
        ["replay", "--filter", "port http", "x"],
        &["\"http\" is no number"],
    );
    refused(
        2,
        ["replay", "--filter", "host a.example", "x"],
        &["not looked up"],
    );
    refused(
        2,
        ["replay", "--follow", "x", "y"],
        &["--follow takes one file"],
    );
    refused(2, ["replay", "--follow", "-"], &["standard input"]);
    refused(2, ["--log", "a=b=c", "replay", "x"], &["--log"]);
}

#[test]
fn help_is_no_failure() {
    let done = run(["--help"]);
    assert_eq!(done.code, 0);
    assert!(done.out.contains("replay"), "{}", done.out);
}

#[test]
fn a_file_that_is_no_capture() {
    let desk = Desk::new();
    let file = desk.file("notes.txt", "not a capture");
    refused(
        1,
        ["replay", &file],
        &["notes.txt", "not a capture", "tcpdump -w"],
    );
    let empty = desk.file("empty.pcap", "");
    refused(1, ["replay", &empty], &["empty.pcap", "empty"]);
    refused(
        1,
        ["replay", "/nonexistent.pcap"],
        &["/nonexistent.pcap", "No such file"],
    );
}

#[test]
fn a_link_type_that_is_not_read() {
    let desk = Desk::new();
    let mut capture = refusals(1, &expired()).pcap();
    // CAN.
    capture[20..24].copy_from_slice(&227_u32.to_le_bytes());
    let file = desk.file("can.pcap", capture);
    refused(1, ["replay", &file], &["can.pcap", "link type", "227"]);
}

#[test]
fn a_key_set_that_is_none() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    for content in ["not json", "{}", r#"{"keys":[]}"#] {
        let set = desk.file("jwks.json", content);
        let jwks = format!("https://issuer.example={set}");
        refused(1, ["replay", "--jwks", &jwks, &capture], &["jwks.json"]);
    }
}

#[test]
fn a_fingerprint_key_that_is_too_short() {
    let desk = Desk::new();
    let key = desk.file("key", "short");
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    refused(
        1,
        ["replay", "--fingerprint-key", &key, &capture],
        &["too short", "32"],
    );
}

#[test]
fn nothing_is_written_when_the_capture_is_bad() {
    let desk = Desk::new();
    let events = desk.file("events.ndjson", "from before\n");
    let metrics = text(&desk.path("metrics"));
    let bad = desk.file("notes.txt", "not a capture");
    let arguments = ["replay", "--events", &events, "--metrics", &metrics, &bad];
    refused(1, arguments, &["not a capture"]);
    let kept = std::fs::read_to_string(&events).unwrap();
    assert_eq!(kept, "from before\n");
    assert_eq!(std::fs::read_dir(desk.0.path()).unwrap().count(), 2);
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_line() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    let file = desk.file("observer.toml", "[filter.include]\nprots = [80]\n");
    refused(
        2,
        ["replay", "--config", &file, &capture],
        &["observer.toml", "line 2", "\"prots\"", "\"ports\""],
    );
    refused(
        2,
        ["replay", "--config", "/nonexistent.toml", &capture],
        &["/nonexistent.toml", "No such file"],
    );
}

#[test]
fn rules_that_are_wrong_are_refused_with_their_line() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    let rules = desk.file("own.tsv", "# ours\nledger\tbody\thas\tE17\ttoken_expird\n");
    let says = [
        "own.tsv",
        "line 2",
        "\"token_expird\"",
        "token_expired perhaps",
    ];
    refused(2, ["replay", "--rules", &rules, &capture], &says);
    let file = desk.file("observer.toml", "rules = \"own.tsv\"\n");
    refused(2, ["replay", "--config", &file, &capture], &says);
    refused(
        2,
        ["replay", "--rules", "/nonexistent.tsv", &capture],
        &["/nonexistent.tsv", "No such file"],
    );
}

#[test]
fn outputs_that_cannot_be_written() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(1, &expired()).pcap());
    for option in ["--events", "--metrics"] {
        refused(
            1,
            ["replay", option, "/nonexistent/out", &capture],
            &["cannot write /nonexistent/out", "No such file"],
        );
    }
}

#[test]
fn a_full_disk_is_a_failure_of_a_replay() {
    let desk = Desk::new();
    let capture = desk.file("a.pcap", refusals(3, &expired()).pcap());
    let done = run(["replay", "--events", "/dev/full", &capture]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("No space left"), "{}", done.err);
    assert!(done.err.contains("3 lines"), "{}", done.err);
}
