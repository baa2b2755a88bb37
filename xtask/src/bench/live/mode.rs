//! Who watches during a run.

use std::fs;
use std::ops::Sub;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::super::process::{Process, cpu_ns, free_port, said, wait};
use super::processors::Processors;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    Nothing,
    PacketsOnly,
    EveryPlane,
    Tcpdump,
}

impl Mode {
    pub(super) const ALL: [Self; 4] = [
        Self::Nothing,
        Self::PacketsOnly,
        Self::EveryPlane,
        Self::Tcpdump,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::PacketsOnly => "packets only",
            Self::EveryPlane => "every plane",
            Self::Tcpdump => "`tcpdump -w`",
        }
    }
}

/// What is attached while it lives.
pub(super) enum Watcher {
    Nobody,
    Observer {
        process: Process,
        address: String,
    },
    /// Its file goes after it.
    Tcpdump {
        _process: Process,
        _folder: TempDir,
    },
}

impl Watcher {
    pub(super) fn start(
        mode: Mode,
        program: &Path,
        processors: &Processors,
    ) -> Result<Self, String> {
        let context: &[&str] = match mode {
            Mode::Nothing => return Ok(Self::Nobody),
            Mode::Tcpdump => return tcpdump(processors),
            Mode::PacketsOnly => &["--context", "socket-table"],
            Mode::EveryPlane => &[],
        };
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = processors.watcher(&program.display().to_string());
        command.args(["run", "--listen", &address]).args(context);
        let mut process = Process::start(&mut command, "INT")?;
        wait("observer", || {
            process.ended().is_some() || page(&address, "/healthz").is_some()
        })?;
        match process.ended() {
            Some(status) => Err(format!("observer ended with {status}")),
            None => Ok(Self::Observer { process, address }),
        }
    }

    /// The pid of observer, if it is that.
    pub(super) fn observer(&self) -> Option<u32> {
        match self {
            Self::Observer { process, .. } => Some(process.id()),
            Self::Nobody | Self::Tcpdump { .. } => None,
        }
    }

    /// What observer used and counted until now.
    pub(super) fn account(&self) -> Result<Option<Account>, String> {
        let Self::Observer { process, address } = self else {
            return Ok(None);
        };
        // What is on its way through the agent belongs to the run before.
        std::thread::sleep(Duration::from_millis(500));
        let page = page(address, "/metrics").ok_or("observer gives no metrics")?;
        Ok(Some(Account {
            cpu_ns: cpu_ns(process.id())?,
            exchanges: sum(&page, "observer_exchanges_total"),
            seen: sum(&page, "observer_capture_seen_total"),
            lost: sum(&page, "observer_capture_lost_total"),
        }))
    }
}

/// Of observer, at some time or between two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) cpu_ns: f64,
    /// Each request on loopback is two: one at either end.
    pub(super) exchanges: f64,
    pub(super) seen: f64,
    pub(super) lost: f64,
}

impl Sub for Account {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns - before.cpu_ns,
            exchanges: self.exchanges - before.exchanges,
            seen: self.seen - before.seen,
            lost: self.lost - before.lost,
        }
    }
}

/// Into memory, where there is such a file system: what a disk costs is not tcpdump's.
fn tcpdump(processors: &Processors) -> Result<Watcher, String> {
    let folder = TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .map_err(|error| format!("a folder for tcpdump: {error}"))?;
    let mut command = processors.watcher("tcpdump");
    command
        .args(["-i", "lo", "-n", "-Z", "root"])
        // The file starts anew when it has 1 GB.
        .args(["-C", "1000", "-W", "1", "-w"])
        .arg(folder.path().join("all.pcap"));
    let process = Process::start(&mut command, "INT")?;
    // It opens the file when it has begun to listen.
    wait("tcpdump", || {
        fs::read_dir(folder.path()).is_ok_and(|mut files| files.next().is_some())
    })?;
    Ok(Watcher::Tcpdump {
        _process: process,
        _folder: folder,
    })
}

fn page(address: &str, path: &str) -> Option<String> {
    said(
        Command::new("curl")
            .args(["--silent", "--fail", "--max-time", "5"])
            .arg(format!("http://{address}{path}")),
    )
    .ok()
}

/// The sum of a metric over its labels.
fn sum(page: &str, metric: &str) -> f64 {
    page.lines()
        .filter(|line| {
            line.strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let page = "# HELP a b\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 4\n";
        assert!((sum(page, "a") - 5.0).abs() < f64::EPSILON);
    }
}
