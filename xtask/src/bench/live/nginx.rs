//! nginx with one worker, and wrk.

use std::fs;

use tempfile::TempDir;

use super::super::process::{Process, cpu_ns, free_port, requests, said, wait};
use super::super::token::token;
use super::load::Run;
use super::processors::Processors;

pub(super) struct Nginx {
    worker: u32,
    port: u16,
    _master: Process,
    _folder: TempDir,
}

impl Nginx {
    pub(super) fn start(processors: &Processors) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let prefix = folder.path().display().to_string();
        let port = free_port()?;
        let configuration = include_str!("nginx.conf")
            .replace("{PREFIX}", &prefix)
            .replace("{PORT}", &port.to_string());
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration)
            .and_then(|()| fs::write(folder.path().join("large"), vec![b'x'; 1 << 20]))
            .map_err(|error| format!("filling {prefix}: {error}"))?;
        let mut command = processors.server("nginx");
        command.args(["-p", &prefix, "-c"]).arg(&file);
        let master = Process::start(&mut command, "TERM")?;
        let children = format!("/proc/{0}/task/{0}/children", master.id());
        let mut worker = None;
        wait("nginx", || {
            let text = fs::read_to_string(&children).unwrap_or_default();
            worker = text
                .split_whitespace()
                .next()
                .and_then(|pid| pid.parse().ok());
            worker.is_some()
        })?;
        Ok(Self {
            worker: worker.unwrap_or_default(),
            port,
            _master: master,
            _folder: folder,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// CPU time of the worker, in nanoseconds.
    pub(super) fn cpu_ns(&self) -> Result<f64, String> {
        cpu_ns(self.worker)
    }

    /// One run of wrk with a token in every request.
    pub(super) fn wrk(
        &self,
        processors: &Processors,
        connections: u32,
        path: &str,
        more: &[&str],
        seconds: u32,
    ) -> Result<Run, String> {
        let mut wrk = processors.client("wrk");
        wrk.args(["--threads", "1", "--latency"])
            .arg(format!("--connections={connections}"))
            .arg(format!("--duration={seconds}s"))
            .arg(format!("--header=Authorization: Bearer {}", token()))
            .args(more)
            .arg(format!("http://127.0.0.1:{}{path}", self.port));
        let before = self.cpu_ns()?;
        let said = said(&mut wrk)?;
        let used = self.cpu_ns()? - before;
        let read = || {
            Some(Run {
                per_second: number_after(&said, "Requests/sec:")?,
                p50_us: Some(microseconds_after(&said, "50%")?),
                p99_us: Some(microseconds_after(&said, "99%")?),
                server_ns: Some(used / requests::<f64>(&said)?),
            })
        };
        read().ok_or_else(|| format!("wrk said something else than it does: {said}"))
    }
}

fn number_after(said: &str, label: &str) -> Option<f64> {
    said.split_once(label)?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn microseconds_after(said: &str, label: &str) -> Option<f64> {
    let rest = said
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(label))?;
    let text = rest.split_whitespace().next()?;
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_says() {
        let said = "    Latency     9.59ms    5.77ms  30.21ms   70.50%\n  Latency Distribution\n     50%  188.00us\n     99%    1.50ms\n  \
                    431 requests in 2.00s, 1MB read\nRequests/sec:    215.31\n";
        assert_eq!(number_after(said, "Requests/sec:"), Some(215.31));
        assert_eq!(microseconds_after(said, "99%"), Some(1500.0));
        assert_eq!(microseconds_after(said, "50%"), Some(188.0));
        assert_eq!(requests::<f64>(said), Some(431.0));
    }
}
