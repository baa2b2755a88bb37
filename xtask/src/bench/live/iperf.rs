//! iperf3: as many bytes as the machine moves.

use super::super::process::{Process, free_port, said, wait};
use super::load::Run;
use super::processors::Processors;

pub(super) struct Iperf {
    _process: Process,
    port: String,
}

impl Iperf {
    pub(super) fn start(processors: &Processors) -> Result<Self, String> {
        let port = free_port()?.to_string();
        let mut command = processors.server("iperf3");
        command.args(["--server", "--bind", "127.0.0.1", "--port", &port]);
        let process = Process::start(&mut command, "TERM")?;
        let iperf = Self {
            _process: process,
            port,
        };
        wait("iperf3", || iperf.run(processors, 1).is_ok())?;
        Ok(iperf)
    }

    pub(super) fn run(&self, processors: &Processors, seconds: u32) -> Result<Run, String> {
        let said = said(
            processors
                .client("iperf3")
                .args(["--client", "127.0.0.1", "--port", &self.port, "--json"])
                .args(["--time", &seconds.to_string()]),
        )?;
        let report: serde_json::Value =
            serde_json::from_str(&said).map_err(|error| format!("reading iperf3: {error}"))?;
        let bits = report
            .pointer("/end/sum_received/bits_per_second")
            .and_then(serde_json::Value::as_f64)
            .ok_or("iperf3 gave no throughput")?;
        Ok(Run {
            per_second: bits / 8e6,
            p50_us: None,
            p99_us: None,
            server_ns: None,
        })
    }
}
