//! Observer at work: live with the kernel probes, and again over the capture of the same traffic.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use observer_tests::limits::limit;
use serde_json::Value;

use crate::process::{Ports, Process};
use crate::requests::Field;
use crate::send::send;

/// What observer concluded about one exchange.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Given {
    /// What became of it.
    pub outcome: String,
    /// Why. Empty: nothing was rejected.
    pub cause: String,
    /// How certain that is.
    pub certainty: String,
    /// What else it may be.
    pub candidates: Vec<String>,
    /// For people.
    pub explanation: String,
}

/// By the port of the server and the path of the request.
pub type Seen = HashMap<(u16, String), Given>;

/// observer and tcpdump, watching some ports.
pub struct Watch<'a> {
    folder: &'a Path,
    agent: Process,
    tcpdump: Process,
}

impl<'a> Watch<'a> {
    /// Starts both, and waits until they watch.
    ///
    /// # Errors
    /// When they do not.
    pub fn start(
        program: &Path,
        folder: &'a Path,
        ports: &[u16],
        options: &[String],
    ) -> Result<Self, String> {
        let file = |name: &str| folder.join(name);
        fs::write(file("key"), "a key of the lab that has 32 bytes")
            .map_err(|error| format!("a key: {error}"))?;
        let terms: Vec<_> = ports
            .iter()
            .map(|port| format!("tcp port {port}"))
            .collect();
        let mut tcpdump = Command::new("tcpdump");
        tcpdump
            .args([
                "-i", "lo", "-s", "0", "-B", "65536", "-U", "-Z", "root", "-w",
            ])
            .arg(file("capture"))
            .arg(terms.join(" or "));
        let tcpdump = Process::start(&tcpdump, &file("tcpdump.log"))?;
        // The file's head is written when the capture is open.
        wait("tcpdump", || {
            fs::metadata(file("capture")).is_ok_and(|file| file.len() >= 24)
        })?;

        let metrics = Ports::hold(1)?.next()?;
        let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
        let mut agent = Command::new(program);
        agent
            .args(["run", "--raw-paths", "--port", &ports.join(",")])
            .args(["--listen", &format!("127.0.0.1:{metrics}"), "--events"])
            .arg(file("events"))
            .arg("--fingerprint-key")
            .arg(file("key"))
            .args(options);
        let mut agent = Process::start(&agent, &file("agent.log"))?;
        let mut ended = false;
        wait("observer", || {
            ended = matches!(agent.0.try_wait(), Ok(Some(_)));
            ended || is_attached(metrics)
        })?;
        if ended {
            let said = fs::read_to_string(file("agent.log")).unwrap_or_default();
            return Err(format!("observer ended: {said}"));
        }
        Ok(Self {
            folder,
            agent,
            tcpdump,
        })
    }

    /// Ends both. Gives what was seen live, at the server's end and at the client's, and the capture.
    ///
    /// # Errors
    /// When they do not end in order, or what they wrote cannot be read.
    pub fn stop(mut self) -> Result<(Seen, Seen, PathBuf), String> {
        let events = self.folder.join("events");
        let written = || fs::metadata(&events).map_or(0, |file| file.len());
        loop {
            let before = written();
            std::thread::sleep(limit(Duration::from_millis(1500)));
            if written() == before {
                break;
            }
        }
        for (name, process) in [
            ("observer", &mut self.agent),
            ("tcpdump", &mut self.tcpdump),
        ] {
            process.signal("INT");
            let mut status = None;
            wait(&format!("end of {name}"), || {
                status = process.0.try_wait().ok().flatten();
                status.is_some()
            })?;
            if !status.is_some_and(|status| status.success()) {
                return Err(format!("{name} ended with {status:?}"));
            }
        }
        let text = fs::read_to_string(&events).map_err(|error| format!("events: {error}"))?;
        Ok((
            seen(&text, "server")?,
            seen(&text, "client")?,
            self.folder.join("capture"),
        ))
    }
}

/// What a replay says of a capture.
///
/// # Errors
/// When it fails.
pub fn replay(
    program: &Path,
    folder: &Path,
    capture: &Path,
    options: &[String],
) -> Result<Seen, String> {
    let output = Command::new(program)
        .args(["replay", "--events", "-", "--fingerprint-key"])
        .arg(folder.join("key"))
        .args(options)
        .arg(capture)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "observer replay ended with {}: {why}",
            output.status
        ));
    }
    seen(&String::from_utf8_lossy(&output.stdout), "wire")
}

/// The exchanges that were seen at one side. Each is there once.
fn seen(lines: &str, side: &str) -> Result<Seen, String> {
    let mut seen = Seen::new();
    for line in lines.lines() {
        let event: Value =
            serde_json::from_str(line).map_err(|error| format!("events: {error}"))?;
        if text(&event, "/side") != side {
            continue;
        }
        let server = text(&event, "/connection/server");
        let port = server.rsplit(':').next().and_then(|port| port.parse().ok());
        let key = (port.unwrap_or(0), text(&event, "/request/path"));
        let candidates = event
            .pointer("/verdict/candidates")
            .and_then(Value::as_array);
        let given = Given {
            outcome: text(&event, "/verdict/outcome"),
            cause: text(&event, "/verdict/cause"),
            certainty: text(&event, "/verdict/certainty"),
            candidates: candidates
                .map(|all| {
                    all.iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default(),
            explanation: text(&event, "/verdict/explanation"),
        };
        if seen.insert(key.clone(), given).is_some() {
            return Err(format!("{key:?} was seen twice at the {side}"));
        }
    }
    Ok(seen)
}

fn text(event: &Value, pointer: &str) -> String {
    let text = event.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Its page of health is there when all of its probes are.
fn is_attached(metrics: u16) -> bool {
    let answer = send(metrics, "/healthz", &Field::Missing);
    answer.is_ok_and(|answer| answer.status == 200)
}

fn wait(what: &str, mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let (start, patience) = (Instant::now(), limit(Duration::from_secs(30)));
    while !ready() {
        if start.elapsed() > patience {
            return Err(format!("no {what} within {patience:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
