//! The same traffic, live and from a capture, gives the same events.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::agent::{Agent, parse, program};
use crate::lab::{Nginx, Validator, misbehave, signal, turn, wait_for};
use crate::seen::{status, text};
use crate::traffic::{Mint, Sent};

#[test]
fn a_capture_gives_the_events_of_the_live_run() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let python = Validator::python(&mint.keys());
    let node = Validator::node(&mint.keys());
    let folder = tempfile::TempDir::new().unwrap();
    let capture = folder.path().join("lo.pcap");
    let ports = [nginx.port, python.port, node.port];

    let jwks = mint.jwks();
    let agent = Agent::start(&["--jwks", &jwks]);
    let key = folder.path().join("key");
    std::fs::copy(agent.fingerprint_key(), &key).unwrap();
    let tcpdump = Tcpdump::start(&capture, &ports);
    let mut number = 0;
    for port in ports {
        for (mode, place) in [
            ("plain", "/stated"),
            ("pipeline", "/silent"),
            ("segments", "/body"),
        ] {
            let sent = mint.every_flaw(&format!("{place}/{number}"));
            number += 1;
            let requests: Vec<_> = sent.iter().map(Sent::request).collect();
            misbehave(None, mode, ("127.0.0.1", port), &requests);
        }
        let upload = json!({"method": "POST", "path": format!("/upload/{port}"), "authorization": "Bearer x"});
        misbehave(
            None,
            if port == nginx.port {
                "upload"
            } else {
                "plain"
            },
            ("127.0.0.1", port),
            &[upload],
        );
    }
    tcpdump.stop();
    let live = agent.stop();
    assert_eq!(live.lost(), 0.0, "{}", live.metrics);

    let ours = |event: &&Value| {
        ports
            .iter()
            .any(|port| text(event, "/connection/server").ends_with(&format!(":{port}")))
    };
    let server = common(
        live.events
            .iter()
            .filter(ours)
            .filter(|event| text(event, "/side") == "server"),
    );
    let client = common(
        live.events
            .iter()
            .filter(ours)
            .filter(|event| text(event, "/side") == "client"),
    );
    assert!(server.len() > 100, "{} exchanges", server.len());
    same("the two sides", &server, &client);
    for option in [&[][..], &["--as-live"]] {
        let events = replay(&capture, &key, &jwks, option);
        same(
            &format!("live and replay {option:?}"),
            &server,
            // Conditions are told between them.
            &common(
                events
                    .iter()
                    .filter(|event| text(event, "/schema") == "observer.exchange/1"),
            ),
        );
    }
}

/// What does not depend on where an exchange was seen: no sides, no processes, no clocks.
fn common<'a>(events: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut all: Vec<_> = events
        .map(|event| {
            json!({
                "connection": event.get("connection"),
                "request": event.get("request"),
                "status": status(event),
                "credential": event.get("credential"),
                "cut": event.pointer("/capture/cut"),
                "outcome": event.pointer("/verdict/outcome"),
                "cause": event.pointer("/verdict/cause"),
                "certainty": event.pointer("/verdict/certainty"),
                "candidates": event.pointer("/verdict/candidates"),
            })
            .to_string()
        })
        .collect();
    all.sort_unstable();
    all
}

fn same(what: &str, left: &[String], right: &[String]) {
    let missing: Vec<_> = left.iter().filter(|event| !right.contains(event)).collect();
    let added: Vec<_> = right.iter().filter(|event| !left.contains(event)).collect();
    assert!(
        left == right,
        "{what}: {} and {} events; only in the first {missing:#?}; only in the second {added:#?}",
        left.len(),
        right.len()
    );
}

fn replay(capture: &Path, key: &Path, jwks: &str, options: &[&str]) -> Vec<Value> {
    let output = Command::new(program())
        .arg("replay")
        .args(options)
        .args(["--events", "-", "--jwks", jwks, "--fingerprint-key"])
        .args([key, capture])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "replay {options:?}: {stderr}");
    parse(&String::from_utf8(output.stdout).unwrap())
}

/// tcpdump on the loopback, for some ports.
pub(crate) struct Tcpdump {
    child: Child,
}

impl Tcpdump {
    pub(crate) fn start(file: &Path, ports: &[u16]) -> Self {
        let filter: Vec<_> = ports
            .iter()
            .map(|port| format!("tcp port {port}"))
            .collect();
        let child = Command::new("tcpdump")
            .args([
                "-i", "lo", "-s", "0", "-B", "65536", "-U", "-Z", "root", "-w",
            ])
            .arg(file)
            .arg(filter.join(" or "))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The file's head is written when the capture is open.
        wait_for("tcpdump to start", || {
            file.metadata().is_ok_and(|file| file.len() >= 24)
        });
        Self { child }
    }

    pub(crate) fn stop(mut self) {
        // The last packets are in the kernel's buffer for a moment.
        std::thread::sleep(std::time::Duration::from_millis(1200));
        signal("INT", self.child.id());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
