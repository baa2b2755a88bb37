//! Processes that a bench starts, and what the kernel tells of them.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// One that is told to end when this goes.
pub(super) struct Process {
    child: Child,
    signal: &'static str,
}

impl Process {
    /// `signal` ends it in order.
    pub(super) fn start(command: &mut Command, signal: &'static str) -> Result<Self, String> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}"))?;
        Ok(Self { child, signal })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its status, if it ended by itself.
    pub(super) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let sent = Command::new("kill")
            .args([format!("-{}", self.signal), self.child.id().to_string()])
            .status();
        if !sent.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// What a program that must succeed says.
pub(super) fn said(command: &mut Command) -> Result<String, String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if !status.success() {
        let why = String::from_utf8_lossy(&stderr);
        return Err(format!("{command:?} ended with {status}: {}", why.trim()));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}

/// CPU time of all living threads of a process, in nanoseconds.
pub(super) fn cpu_ns(pid: u32) -> Result<f64, String> {
    let folder = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    Ok(tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum())
}

/// What /proc/PID/status has behind a name.
pub(super) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim())
}

/// How many requests wrk made, as it says at its end.
pub(super) fn requests<T: FromStr>(said: &str) -> Option<T> {
    let line = said.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(super) fn free_port() -> Result<u16, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// Waits until something is ready, for 20 s at most.
pub(super) fn wait(what: &str, mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !ready() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("{what} was not ready within 20 s"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
