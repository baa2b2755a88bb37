//! Observer at work: live with the kernel probes, and again over the capture of the same traffic.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Ipv4Addr, TcpListener};
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
    /// Where the last request goes.
    last: TcpListener,
}

/// What both saw.
pub struct Watched {
    /// The events of observer.
    pub events: String,
    pub capture: PathBuf,
    /// What either says that it did not see: nothing, on a machine that keeps up.
    pub lost: Vec<String>,
}

/// What is asked for last: when it is in the events, what came before it is.
const LAST: &str = "/the/last/of/all";

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
        let last = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|last| {
            let port = last.local_addr()?.port();
            Ok((last, port))
        });
        let (last, port) = last.map_err(|error| format!("no free port: {error}"))?;
        let ports = [ports, &[port]].concat();
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

        // What else goes on at this host must not even be copied: it is not of the lab, and would fill the ring.
        let filter = format!("[filter.include]\nports = {ports:?}\n");
        fs::write(file("observer.toml"), filter).map_err(|error| format!("a filter: {error}"))?;
        let metrics = Ports::hold(1)?.next()?;
        let mut agent = Command::new(program);
        agent
            .args(["run", "--raw-paths", "--config"])
            .arg(file("observer.toml"))
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
            last,
        })
    }

    /// Ends both. Gives what was seen live, at the server's end and at the client's, and the capture.
    ///
    /// # Errors
    /// When they do not end in order, or what they wrote cannot be read.
    pub fn stop(self) -> Result<(Seen, Seen, PathBuf), String> {
        let watched = self.end()?;
        for line in &watched.lost {
            println!("not all was seen: {line}");
        }
        let live = |side| seen(&watched.events, side);
        Ok((live("server")?, live("client")?, watched.capture))
    }

    /// Ends both.
    ///
    /// # Errors
    /// As above.
    pub fn end(mut self) -> Result<Watched, String> {
        let events = self.folder.join("events");
        self.ask_last()?;
        let last = wait("last event", || ends_with_last(&events).unwrap_or(false));
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
        let read = |name: &str| {
            fs::read_to_string(self.folder.join(name)).map_err(|error| format!("{name}: {error}"))
        };
        let logs = read("agent.log")? + &read("tcpdump.log")?;
        let lost = logs.lines().filter(|line| tells_loss(line));
        let lost = last.err().into_iter().chain(lost.map(str::to_owned));
        Ok(Watched {
            events: read("events")?,
            capture: self.folder.join("capture"),
            lost: lost.collect(),
        })
    }

    fn ask_last(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("the last request: {error}");
        let port = self.last.local_addr().map_err(failed)?.port();
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| send(port, LAST, &Field::Missing));
            let (mut stream, _) = self.last.accept().map_err(failed)?;
            let lines = BufReader::new(stream.try_clone().map_err(failed)?).lines();
            for line in lines {
                if line.map_err(failed)?.is_empty() {
                    break;
                }
            }
            let refusal =
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(refusal.as_bytes()).map_err(failed)?;
            drop(stream);
            let asked = asked.join().map_err(|_| "the last request panicked")?;
            asked.map(drop)
        })
    }
}

/// Whether the last request is among the latest events.
fn ends_with_last(events: &Path) -> std::io::Result<bool> {
    let mut file = File::open(events)?;
    let start = file.metadata()?.len().saturating_sub(1 << 16);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).contains(LAST))
}

/// Whether a line of the sum of observer or tcpdump says that something was not seen.
fn tells_loss(line: &str) -> bool {
    let dropped = line.ends_with("dropped by kernel") && !line.starts_with("0 ");
    dropped
        || line.starts_with("lost")
        || line.starts_with("given up")
        || line.contains(" not written")
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
    seen(&replayed(program, folder, capture, options)?, "wire")
}

/// The events of a replay.
///
/// # Errors
/// When it fails.
pub fn replayed(
    program: &Path,
    folder: &Path,
    capture: &Path,
    options: &[String],
) -> Result<String, String> {
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
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_told() {
        let said = "connections: 8 http/1.1\nlost: 7 ring full\nnothing was lost\n\
            12 packets captured\n0 packets dropped by kernel\n3 packets dropped by kernel\n";
        let told: Vec<_> = said.lines().filter(|line| tells_loss(line)).collect();
        assert_eq!(told, ["lost: 7 ring full", "3 packets dropped by kernel"]);
    }
}
