//! What a configuration, and what the environment says.

use serde_json::Value;

use super::*;

const EXPECTING: &str = "[[expect]]\nservice = \"orders\"\naud = [\"billing\"]\n";

/// The first event of a replay of an unexplained refusal of a good token for `orders`, with this
/// environment and these options.
fn refused(variables: &[(&str, &str)], options: &[&str]) -> Value {
    let desk = Desk::new();
    let good = token(
        r#"{"iss":"https://a.example","aud":"orders","exp":1800000000,"role":"clerk"}"#,
        &[7; 32],
    );
    let mut talk = Conversation::new("10.0.0.9:40000", "10.0.0.1:8080");
    talk.handshake()
        .client(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {good}\r\n\r\n"
        ))
        .server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        .close();
    let capture = desk.file("a.pcap", Capture::of([talk]).pcap());
    let name = ["replay", "--name", "10.0.0.1:8080=orders", "--events", "-"];
    let done: Done = observer()
        .envs(variables.iter().copied())
        .args(name)
        .args(options)
        .arg(&capture)
        .output()
        .unwrap()
        .into();
    assert_eq!(done.code, 0, "{}", done.err);
    done.out
        .lines()
        .next()
        .map_or(Value::Null, |line| serde_json::from_str(line).unwrap())
}

fn cause(event: &Value) -> &str {
    event["verdict"]["cause"].as_str().unwrap_or_default()
}

#[test]
fn a_good_configuration_is_said_to_be_one() {
    let desk = Desk::new();
    desk.file("own.tsv", "ledger\tbody\thas\tE17\ttoken_revoked\n");
    let keys = include_str!("../../testdata/keys/jwks.json");
    desk.file("keys.json", keys);
    let file = desk.file(
        "observer.toml",
        format!(
            "rules = \"own.tsv\"\n[[service]]\nname = \"a\"\nunit = \"a\"\n{EXPECTING}\
             [[jwks]]\nissuer = \"https://a.example\"\nfile = \"keys.json\"\n"
        ),
    );
    let done = run(["config", "check", &file]);
    assert_eq!(done.code, 0, "{}", done.err);
    let says = "is a configuration: 1 name of a service, 1 expectation, 1 key set\n";
    assert!(done.out.ends_with(says), "{}", done.out);
    let empty = desk.file("empty.toml", "");
    let done = run(["config", "check", &empty]);
    assert!(
        done.out.ends_with("empty.toml is a configuration\n"),
        "{}",
        done.out
    );
}

#[test]
fn a_wrong_configuration_is_said_not_to_be_one() {
    let desk = Desk::new();
    let file = desk.file("observer.toml", "[limits]\nring_sise = \"4MiB\"\n");
    for (file, words) in [
        (
            file,
            ["observer.toml", "line 2", "did you mean \"ring_size\"?"],
        ),
        (
            desk.file(
                "keys.toml",
                "[[jwks]]\nissuer = \"i\"\nfile = \"none.json\"\n",
            ),
            ["none.json", "No such file", "key set"],
        ),
        (
            desk.file("rules.toml", "rules = \"none.tsv\"\n"),
            ["none.tsv", "No such file", "rules"],
        ),
        (
            desk.file("key.toml", "fingerprint_key = \"none.key\"\n"),
            ["none.key", "No such file", "fingerprint key"],
        ),
        (
            text(&desk.path("none.toml")),
            ["none.toml", "No such file", "configuration"],
        ),
    ] {
        let done = run(["config", "check", &file]);
        assert_eq!(done.code, 1, "{}", done.err);
        assert_eq!(done.out, "");
        for word in words {
            assert!(done.err.contains(word), "no {word:?} in: {}", done.err);
        }
    }
}

#[test]
fn a_token_in_a_configuration_is_not_said_again() {
    let desk = Desk::new();
    let token = expired();
    let file = desk.file(
        "a.toml",
        format!("{token} = 1\n[{token}]\nx = \"{token}\"\n"),
    );
    let done = run(["config", "check", &file]);
    assert_eq!(done.code, 1);
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert!(!done.err.contains(signature), "{}", done.err);
}

#[test]
fn expectations_come_from_the_file_and_the_command_line_is_over_it() {
    let desk = Desk::new();
    assert_eq!(cause(&refused(&[], &[])), "rejected_unspecified");
    let file = desk.file("observer.toml", EXPECTING);
    let config = ["--config", &file];
    assert_eq!(cause(&refused(&[], &config)), "audience_mismatch");
    let expect = ["--config", &file, "--expect", "orders:aud=orders"];
    assert_eq!(cause(&refused(&[], &expect)), "rejected_unspecified");
}

#[test]
fn options_may_be_variables_and_the_command_line_is_over_them() {
    let desk = Desk::new();
    let file = desk.file("observer.toml", EXPECTING);
    let config = [("OBSERVER_CONFIG", file.as_str())];
    assert_eq!(cause(&refused(&config, &[])), "audience_mismatch");
    let empty = desk.file("empty.toml", "");
    let other = ["--config", &empty];
    assert_eq!(cause(&refused(&config, &other)), "rejected_unspecified");
    // And the environment is over the file.
    let expect = [config[0], ("OBSERVER_EXPECT", "orders:aud=orders")];
    assert_eq!(cause(&refused(&expect, &[])), "rejected_unspecified");
    let none = [("OBSERVER_STATUS", "403,5xx")];
    assert_eq!(refused(&none, &[]), Value::Null);
    assert_eq!(
        cause(&refused(&none, &["--status", "401"])),
        "rejected_unspecified"
    );
    // A switch, which takes one file alone.
    for (value, code) in [("true", 2), ("false", 1)] {
        let done: Done = observer()
            .env("OBSERVER_FOLLOW", value)
            .args(["replay", "/nonexistent/a", "/nonexistent/b"])
            .output()
            .unwrap()
            .into();
        assert_eq!(done.code, code, "{}", done.err);
    }
    let wrong: Done = observer()
        .env("OBSERVER_THREADS", "many")
        .args(["replay", "a.pcap"])
        .output()
        .unwrap()
        .into();
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("--threads"), "{}", wrong.err);
}

#[test]
fn claims_and_keys_come_from_the_file() {
    let desk = Desk::new();
    let role = |event: &Value| event["credential"]["claims"].get("role").cloned();
    assert_eq!(role(&refused(&[], &[])), None);
    let secret = desk.file("key", "a key that has thirty-two bytes, and more");
    let file = desk.file(
        "observer.toml",
        "fingerprint_key = \"key\"\nshow_claims = [\"role\"]\n",
    );
    let by_file = refused(&[], &["--config", &file]);
    let by_option = refused(&[], &["--fingerprint-key", &secret]);
    let print = |event: &Value| event["credential"]["fingerprint"].clone();
    assert_eq!(role(&by_file), Some("clerk".into()));
    assert!(print(&by_file).is_string());
    assert_eq!(print(&by_file), print(&by_option));
    assert_ne!(print(&by_file), print(&refused(&[], &[])));
}

#[test]
fn shells_and_man_get_what_they_want() {
    for (shell, word) in [
        ("bash", "_observer"),
        ("zsh", "#compdef observer"),
        ("fish", "complete -c observer"),
    ] {
        let done = run(["completions", shell]);
        assert_eq!(done.code, 0, "{}", done.err);
        for word in [word, "replay", "ring-size"] {
            assert!(done.out.contains(word), "no {word} for {shell}");
        }
    }
    let desk = Desk::new();
    let done = run(["man", &text(desk.0.path())]);
    assert_eq!(done.code, 0, "{}", done.err);
    for page in ["observer.1", "observer-run.1", "observer-config-check.1"] {
        let page = std::fs::read_to_string(desk.path(page)).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let run_page = std::fs::read_to_string(desk.path("observer-run.1")).unwrap();
    assert!(run_page.contains("OBSERVER_RING_SIZE"));
    let main = run(["man"]);
    assert!(main.out.contains(".TH observer 1"), "{}", main.out);
    let nowhere = run(["man", "/nonexistent/folder"]);
    assert_eq!(nowhere.code, 1);
    assert!(
        nowhere.err.contains("/nonexistent/folder"),
        "{}",
        nowhere.err
    );
}
