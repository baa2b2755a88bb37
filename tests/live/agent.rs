//! `observer run` as a process, and what it wrote.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use observer_tests::limits::{Stopwatch, limit};
use observer_tests::programs;
use serde_json::Value;
use tempfile::TempDir;

use crate::lab::{free_port, signal, wait_for};

/// A running agent. It is killed when this is dropped.
pub struct Agent {
    child: Child,
    folder: TempDir,
    events: PathBuf,
    metrics: SocketAddr,
}

/// What an agent wrote until it was asked to end.
pub struct Observed {
    pub events: Vec<Value>,
    /// The page of metrics shortly before the end.
    pub metrics: String,
    pub stdout: String,
    pub stderr: String,
}

impl Agent {
    /// Starts it with these options more, and waits until its probes are attached.
    pub fn start(options: &[&str]) -> Self {
        Self::start_by(Command::new(program()), options)
    }

    /// Likewise, with its events going elsewhere: they are not read.
    pub fn start_writing(events: &Path, options: &[&str]) -> Self {
        Self::start_with(Command::new(program()), Some(events), options)
    }

    /// Likewise, where it may write a core file of any size.
    pub fn start_with_cores(options: &[&str]) -> Self {
        let mut command = Command::new("prlimit");
        command.arg("--core=unlimited").arg(program());
        Self::start_by(command, options)
    }

    /// Likewise, by a command that runs it.
    pub fn start_by(command: Command, options: &[&str]) -> Self {
        Self::start_with(command, None, options)
    }

    fn start_with(mut command: Command, events: Option<&Path>, options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        // Whoever it runs as.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let events = events.map_or_else(|| folder.path().join("events"), Path::to_owned);
        let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        fs::write(
            folder.path().join("key"),
            "a key of the live tests, 32 bytes",
        )
        .unwrap();
        let child = command
            .arg("run")
            .arg("--events")
            .arg(&events)
            .args(["--listen", &metrics.to_string(), "--raw-paths"])
            .arg("--fingerprint-key")
            .arg(folder.path().join("key"))
            .args(options)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout")).unwrap())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut agent = Self {
            child,
            folder,
            events,
            metrics,
        };
        wait_for("agent that has attached its probes", || {
            let ended = agent.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "the agent ended ({ended:?}): {}",
                agent.read("stderr")
            );
            fetch(agent.metrics, "/healthz").is_some()
        });
        agent
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it runs and writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The key of its fingerprints.
    pub fn fingerprint_key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Where it serves its pages.
    pub fn address(&self) -> String {
        format!("http://{}", self.metrics)
    }

    /// Its page of metrics.
    pub fn page(&self) -> String {
        fetch(self.metrics, "/metrics").expect("the page of metrics")
    }

    /// Asks it to end as Ctrl-C does, and reads all that it wrote.
    pub fn stop(self) -> Observed {
        // A context record may come 20 ms after its packet; the reader wakes after 100 ms. A slow
        // machine is behind for longer, and an agent that is asked to end does so within two seconds.
        let rest = limit(Duration::from_millis(400));
        let written = || fs::metadata(&self.events).map_or(0, |file| file.len());
        loop {
            let before = written();
            let watch = Stopwatch::start();
            while watch.elapsed() < rest {
                std::thread::sleep(rest / 40);
            }
            if written() == before {
                break;
            }
        }
        self.stop_now("INT")
    }

    /// Likewise by a signal, without waiting for what is under way.
    pub fn stop_now(mut self, signal: &str) -> Observed {
        let metrics = self.page();
        let (status, stdout, stderr) = self.end(signal);
        assert!(
            status.success(),
            "the agent ended with {status:?}: {stderr}"
        );
        Observed {
            events: parse(&fs::read_to_string(&self.events).unwrap()),
            metrics,
            stdout,
            stderr,
        }
    }

    /// Asks it to end by a signal. Gives how it did, and what it wrote to standard output and error.
    pub fn end(&mut self, by: &str) -> (ExitStatus, String, String) {
        signal(by, self.child.id());
        let mut status = None;
        wait_for("end of the agent", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), self.read("stdout"), self.read("stderr"))
    }

    /// What it has written to a stream so far.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events from lines of JSON.
pub fn parse(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The sum of a metric over its labels.
pub fn sum(page: &str, metric: &str) -> f64 {
    page.lines()
        .filter(|line| {
            line.strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(_, value)| value.parse::<f64>().ok())
        .sum()
}

/// The body of a page of the agent. `None`: nobody answers, or not with 200.
pub fn fetch(address: SocketAddr, path: &str) -> Option<String> {
    let seconds = limit(Duration::from_secs(20)).as_secs().to_string();
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--max-time", &seconds])
        .arg(format!("http://{address}{path}"))
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

/// The program under test.
pub fn program() -> &'static Path {
    programs::observer()
}
