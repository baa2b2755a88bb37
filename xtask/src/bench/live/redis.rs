//! Redis, of which observer has nothing to say.

use super::super::process::{Process, cpu_ns, free_port, said, wait};
use super::load::Run;
use super::processors::Processors;

pub(super) struct Redis {
    process: Process,
    port: String,
}

impl Redis {
    pub(super) fn start(processors: &Processors) -> Result<Self, String> {
        let port = free_port()?.to_string();
        let mut command = processors.server("redis-server");
        command
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"]);
        let process = Process::start(&mut command, "TERM")?;
        wait("redis-server", || {
            said(processors.client("redis-cli").args(["-p", &port, "ping"])).is_ok()
        })?;
        Ok(Self { process, port })
    }

    pub(super) fn run(&self, processors: &Processors, seconds: u32) -> Result<Run, String> {
        // It takes a number and no time: about as many as a small machine does.
        let number = 60_000 * seconds;
        let before = cpu_ns(self.process.id())?;
        let said = said(
            processors
                .client("redis-benchmark")
                .args(["-p", &self.port, "-t", "get", "-c", "16", "--csv", "-n"])
                .arg(number.to_string()),
        )?;
        let used = cpu_ns(self.process.id())? - before;
        let read = || {
            let line = said.lines().find(|line| line.starts_with("\"GET\""))?;
            let values: Vec<f64> = line
                .split(',')
                .filter_map(|value| value.trim_matches('"').parse().ok())
                .collect();
            // rps, then milliseconds: mean, least, p50, p95, p99, most.
            let [per_second, _, _, p50, _, p99, ..] = values.as_slice() else {
                return None;
            };
            Some(Run {
                per_second: *per_second,
                p50_us: Some(p50 * 1e3),
                p99_us: Some(p99 * 1e3),
                server_ns: Some(used / f64::from(number)),
            })
        };
        read().ok_or_else(|| format!("redis-benchmark said something else than it does: {said}"))
    }
}
