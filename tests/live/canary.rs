//! A token reaches nothing that observer writes, at any log level.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::agent::{Agent, program};
use crate::lab::{Validator, misbehave, turn};
use crate::traffic::{Flaw, Mint, Sent, bearer};

#[test]
fn no_part_of_a_token_is_in_anything_that_a_live_run_writes() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::python(&mint.keys());
    let canary = Canary::new(&mint);
    let agent = Agent::start(&["--log", "trace", "--jwks", &mint.jwks()]);
    canary.send(service.port);
    let folder = agent.folder().to_owned();
    std::thread::sleep(std::time::Duration::from_millis(400));
    canary.is_not_in("the page of metrics", agent.page().as_bytes());
    canary.is_in_no_file_of(&folder);
    let observed = agent.stop();
    canary.is_not_in("standard output", observed.stdout.as_bytes());
    canary.is_not_in("standard error", observed.stderr.as_bytes());
    let seen = observed.of(service.port, "server").len();
    assert_eq!(seen, canary.requests().len(), "it was not there to be seen");
    for event in &observed.events {
        canary.is_not_in("an event", event.to_string().as_bytes());
    }
}

#[test]
fn an_agent_that_crashes_writes_no_core() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::python(&mint.keys());
    let canary = Canary::new(&mint);
    let agent = Agent::start_with_cores(&["--jwks", &mint.jwks()]);
    canary.send(service.port);
    let folder = agent.folder().to_owned();
    crate::lab::signal("SEGV", agent.pid());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().starts_with("core")),
        "{names:?}"
    );
    canary.is_in_no_file_of(&folder);
}

#[test]
fn no_part_of_a_token_is_in_anything_that_explain_writes() {
    let mint = Mint::new();
    let canary = Canary::new(&mint);
    for token in [&canary.token, &canary.cut, &bearer(&canary.token)] {
        let output = Command::new("sh")
            .args([
                "-c",
                "printf %s \"$TOKEN\" | \"$PROGRAM\" --log trace explain --jwks \"$JWKS\"",
            ])
            .env("TOKEN", token)
            .env("PROGRAM", program())
            .env("JWKS", mint.jwks())
            .output()
            .unwrap();
        assert!(
            !output.stdout.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        canary.is_not_in("explain's output", &output.stdout);
        canary.is_not_in("explain's errors", &output.stderr);
    }
}

#[test]
fn no_part_of_a_token_is_in_anything_that_replay_writes() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::python(&mint.keys());
    let canary = Canary::new(&mint);
    let folder = tempfile::TempDir::new().unwrap();
    let capture = folder.path().join("lo.pcap");
    let tcpdump = crate::replayed::Tcpdump::start(&capture, &[service.port]);
    canary.send(service.port);
    tcpdump.stop();
    let events = folder.path().join("events");
    for options in [&["--as-live"][..], &[]] {
        let output = Command::new(program())
            .args(["--log", "trace", "replay"])
            .args(options)
            .args(["--jwks", &mint.jwks(), "--events"])
            .args([&events, &capture])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        canary.is_not_in("replay's output", &output.stdout);
        canary.is_not_in("replay's errors", &output.stderr);
        let events = fs::read(&events).unwrap();
        assert!(events.len() > 1000, "it was not there to be seen");
        canary.is_not_in("replay's events", &events);
    }
}

/// A token with a text in it that stands nowhere else.
struct Canary {
    token: String,
    cut: String,
    foreign: String,
    traces: Vec<String>,
}

impl Canary {
    fn new(mint: &Mint) -> Self {
        let text = "canary-5up3r-s3cr3t-1f8e77";
        let token = mint.token(&json!({"exp": 1_700_000_000, "note": text, "email": text}));
        let cut = token[..token.len() - 25].to_owned();
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","{text}":"{text}"}}"#));
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{text}","jti":"{text}"}}"#));
        let foreign = format!("{header}.{payload}.c2lnbmF0dXJl");
        // The text itself, its three forms in base64, and the signature in pieces.
        let mut traces = vec![text.to_owned()];
        traces.extend((0..3).map(|shift| {
            let shifted = URL_SAFE_NO_PAD.encode(format!("{}{text}", "_".repeat(shift)));
            shifted[4..shifted.len() - 4].to_owned()
        }));
        let signature = token.rsplit_once('.').unwrap().1;
        traces.extend([16, 40].map(|start| signature[start..start + 16].to_owned()));
        Self {
            token,
            cut,
            foreign,
            traces,
        }
    }

    /// Every way in which it is sent: fields, forms, a target with it in path and query.
    fn requests(&self) -> Vec<serde_json::Value> {
        let mut requests = Vec::new();
        for (number, field) in [
            bearer(&self.token),
            bearer(&self.cut),
            bearer(&self.foreign),
            bearer(&bearer(&self.token)),
            self.token.clone(),
            format!("Token {}", self.token),
            format!("Bearer \"{}\"", self.token),
            format!("Bearer,{}", self.token),
        ]
        .into_iter()
        .enumerate()
        {
            for place in ["/stated", "/body", "/echo"] {
                let sent = Sent {
                    path: format!("{place}/{number}"),
                    authorization: Some(field.clone()),
                    flaw: Flaw::Expired,
                };
                requests.push(sent.request());
            }
        }
        for path in [
            format!("/echo/{}", self.token),
            format!("/echo/x?access_token={}", self.token),
            format!("/echo/{}/x?{}", self.cut, self.cut),
        ] {
            requests
                .push(json!({"method": "GET", "path": path, "authorization": bearer(&self.token)}));
        }
        requests
    }

    fn send(&self, port: u16) {
        let statuses = misbehave(None, "plain", ("127.0.0.1", port), &self.requests());
        assert!(
            statuses
                .iter()
                .all(|status| matches!(status, Some(400..=403))),
            "{statuses:?}"
        );
    }

    fn is_not_in(&self, place: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for trace in &self.traces {
            if let Some(at) = text.find(trace.as_str()) {
                let start = at.saturating_sub(200);
                let around =
                    String::from_utf8_lossy(&bytes[start..(at + 60).min(bytes.len())]).into_owned();
                panic!("{trace} is in {place}: {around}");
            }
        }
    }

    fn is_in_no_file_of(&self, folder: &Path) {
        for file in fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            self.is_not_in(&file.display().to_string(), &fs::read(&file).unwrap());
        }
    }
}
