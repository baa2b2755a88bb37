//! Every command of the pages for people is executed here, or its fence says why not: `needs=` something
//! that a test has not, or `by=` the file that executes it.

use std::collections::BTreeMap;
use std::process::Command;

use observer_tests::capture::{Capture, Conversation};
use observer_tests::mint::{claims, unsigned};
use observer_tests::programs::{observer, root};
use serde_json::json;
use tempfile::TempDir;

use crate::documents::read;
use crate::programs::run;

/// The pages whose commands people type.
const PAGES: [&str; 5] = [
    "README.md",
    "docs/configuration.md",
    "docs/containers.md",
    "docs/deploy.md",
    "docs/oncall.md",
];

/// Programs that no test has what they need for, and what that is called.
const NEEDY: [(&str, &str); 5] = [
    ("docker", "docker"),
    ("journalctl", "host"),
    ("kubectl", "cluster"),
    ("systemctl", "host"),
    ("systemd-analyze", "host"),
];

/// What stands between two fences.
struct Block {
    page: &'static str,
    language: String,
    /// What the opening fence says besides.
    marks: BTreeMap<String, String>,
    text: String,
}

#[test]
fn commands_that_a_test_can_execute_do_what_they_are_for() {
    let folder = TempDir::new().unwrap();
    let mut executed = 0;
    rejections(&folder);
    for block in blocks() {
        if block.language != "sh" || !block.marks.is_empty() {
            continue;
        }
        // A test leaves nothing where others write.
        let text = block
            .text
            .replace("/tmp/", &format!("{}/", folder.path().display()));
        let mut path = observer().parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let said = run(Command::new("bash")
            .args(["-euo", "pipefail", "-c", &text])
            .current_dir(root())
            .env("PATH", path));
        assert!(!said.is_empty(), "{}: nothing from {text}", block.page);
        executed += 1;
    }
    assert!(executed >= 6, "{executed}");
}

#[test]
fn commands_that_are_not_executed_say_why() {
    let mut said = 0;
    for block in blocks() {
        let (page, text) = (block.page, &block.text);
        let needed = NEEDY.iter().find(|(program, _)| starts(text, program));
        if block.language.is_empty() {
            let typed = ["cargo", "observer", "promtool"];
            assert_eq!(needed, None, "{page}: commands without a language: {text}");
            let typed = typed.iter().find(|program| starts(text, program));
            assert_eq!(typed, None, "{page}: commands without a language: {text}");
            continue;
        }
        if block.language != "sh" {
            continue;
        }
        for (mark, value) in &block.marks {
            match mark.as_str() {
                // People do not see what a fence says.
                "needs" => assert!(text.starts_with(&format!("# {value}\n")), "{page}: {text}"),
                "by" => {
                    let by = read(value);
                    let words = text.split_whitespace().last().unwrap();
                    assert!(by.contains(words), "{page}: {value} has nothing of {text}");
                }
                other => panic!("{page}: nobody knows {other}="),
            }
            said += 1;
        }
        if let Some((_, what)) = needed {
            let needs = block.marks.get("needs").map(String::as_str);
            assert_eq!(needs, Some(*what), "{page}: {text}");
        }
    }
    assert!(said > 10, "{said}");
}

#[test]
fn queries_of_the_pages_are_queries() {
    let folder = TempDir::new().unwrap();
    let mut queries = Vec::new();
    for block in blocks().iter().filter(|block| block.language == "promql") {
        queries.extend(block.text.lines().map(str::to_owned));
    }
    assert!(queries.len() > 6, "{queries:?}");
    // promtool parses rules, and a query is the heart of one.
    let rules: Vec<_> = queries
        .iter()
        .enumerate()
        .map(|(number, query)| json!({"record": format!("q{number}"), "expr": query}))
        .collect();
    let file = folder.path().join("rules.yml");
    let rules = json!({"groups": [{"name": "pages", "rules": rules}]});
    std::fs::write(&file, rules.to_string()).unwrap();
    run(Command::new("promtool").args(["check", "rules"]).arg(file));
}

/// Whether a line begins with a program.
fn starts(text: &str, program: &str) -> bool {
    let mut words = text.lines().map(|line| line.split(' ').next());
    words.any(|word| word == Some(program))
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in PAGES {
        let text = read(page);
        let mut open: Option<Block> = None;
        for line in text.lines() {
            match (line.strip_prefix("```"), &mut open) {
                (None, Some(block)) => block.text += &format!("{line}\n"),
                (None, None) => {}
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(said), None) => {
                    let mut words = said.split_whitespace();
                    let language = words.next().unwrap_or_default().to_owned();
                    let marks = words.map(|word| {
                        let (mark, value) = word.split_once('=').expect(line);
                        (mark.to_owned(), value.to_owned())
                    });
                    open = Some(Block {
                        page,
                        language,
                        marks: marks.collect(),
                        text: String::new(),
                    });
                }
            }
        }
        assert!(open.is_none(), "{page}: a fence is open at its end");
    }
    blocks
}

/// A file of events with some rejections, as a page says that one comes by it.
fn rejections(folder: &TempDir) {
    let token = unsigned(Some("lab"), &claims(&json!({"exp": 1_600_000_000})));
    let talks = (0..3).map(|number| {
        let client = format!("10.0.0.9:{}", 40_000 + number);
        let mut talk = Conversation::new(&client, "10.0.0.1:8080");
        talk.handshake()
            .client(format!(
                "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
            ))
            .server("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            .close();
        talk
    });
    let capture = folder.path().join("capture.pcap");
    std::fs::write(&capture, Capture::of(talks).pcap()).unwrap();
    run(Command::new(observer())
        .args(["replay", "--only", "rejected", "--events"])
        .arg(folder.path().join("rejections"))
        .arg(&capture));
}
