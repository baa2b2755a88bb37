//! Programs that a test starts, and ends whatever becomes of it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use observer_tests::limits::{Stopwatch, limit};
use tempfile::TempDir;

/// A program with a folder of its own, killed when this is dropped.
pub struct Process {
    child: Child,
    folder: TempDir,
}

impl Process {
    /// Starts it in its folder; what it says is kept there.
    pub fn start(command: &mut Command, folder: TempDir) -> Self {
        let said = File::create(folder.path().join("said")).unwrap();
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test` installs it"));
        Self { child, folder }
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("said")).unwrap()
    }

    /// Waits until it does what it is for.
    pub fn until(mut self, what: &str, mut done: impl FnMut() -> bool) -> Self {
        wait_for(what, || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("no {what}: it ended with {status}: {}", self.said());
            }
            done()
        });
        self
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for what must happen within a minute and a half.
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let (watch, most) = (Stopwatch::start(), limit(Duration::from_secs(90)));
    while !done() {
        assert!(watch.elapsed() < most, "no {what} within {most:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Sends a signal by name.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success(), "kill -{name} {pid}: {sent}");
}

/// A port of loopback where nobody listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// What a server answers to GET. `None`: nobody is there, or it is no success.
pub fn get(url: &str, query: &[(&str, &str)]) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--max-time", "20", "--get", url]);
    for (name, value) in query {
        curl.arg("--data-urlencode").arg(format!("{name}={value}"));
    }
    let done = curl.output().expect("curl; `cargo xtask test` installs it");
    let page = String::from_utf8(done.stdout).unwrap();
    done.status.success().then_some(page)
}
