//! What servers are made to do.

use super::iperf::Iperf;
use super::nginx::Nginx;
use super::paced;
use super::processors::Processors;
use super::redis::Redis;

#[derive(Clone, Copy, Debug)]
pub(super) enum Load {
    Denied,
    Paced { per_second: f64 },
    Bodies,
    Connections,
    Redis,
    Iperf3,
}

/// What came of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Requests, or with iperf3 megabytes.
    pub(super) per_second: f64,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// CPU of the server's process per request.
    pub(super) server_ns: Option<f64>,
}

/// All of them, each idle unless its load runs.
pub(super) struct Servers {
    processors: Processors,
    nginx: Nginx,
    redis: Redis,
    iperf: Iperf,
}

impl Servers {
    pub(super) fn start(processors: Processors) -> Result<Self, String> {
        Ok(Self {
            nginx: Nginx::start(&processors)?,
            redis: Redis::start(&processors)?,
            iperf: Iperf::start(&processors)?,
            processors,
        })
    }

    pub(super) fn processors(&self) -> &Processors {
        &self.processors
    }

    pub(super) fn nginx(&self) -> &Nginx {
        &self.nginx
    }
}

impl Load {
    pub(super) fn name(self) -> String {
        match self {
            Self::Denied => "nginx answers 401, 16 keep-alive connections, token of 1 KiB, \
                             as fast as it goes"
                .to_owned(),
            Self::Paced { per_second } => {
                format!("the same at {per_second:.0} requests/s, half of what it can")
            }
            Self::Bodies => "nginx sends bodies of 1 MiB, 4 connections".to_owned(),
            Self::Connections => {
                "nginx answers 401, a new connection for each request, 16 at a time".to_owned()
            }
            Self::Redis => "redis-benchmark, GET, 16 connections".to_owned(),
            Self::Iperf3 => "iperf3, one stream, in MB/s".to_owned(),
        }
    }

    pub(super) fn run(self, servers: &Servers, seconds: u32) -> Result<Run, String> {
        let Servers {
            processors,
            nginx,
            redis,
            iperf,
        } = servers;
        match self {
            Self::Denied => nginx.wrk(processors, 16, "/denied", &[], seconds),
            Self::Paced { per_second } => paced::run(nginx, processors, per_second, seconds),
            Self::Bodies => nginx.wrk(processors, 4, "/large", &[], seconds),
            Self::Connections => {
                let close = ["--header=Connection: close"];
                nginx.wrk(processors, 16, "/denied", &close, seconds)
            }
            Self::Redis => redis.run(processors, seconds),
            Self::Iperf3 => iperf.run(processors, seconds),
        }
    }
}
