//! Which processor has what, so that one run is like the other.

use std::process::Command;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The server has one of its own.
pub(super) struct Processors {
    server: usize,
    client: usize,
    /// The client's, where there are only two.
    watcher: usize,
}

impl Processors {
    pub(super) fn of_this_process() -> Result<Self, String> {
        let allowed = sched_getaffinity(None)
            .map_err(|error| format!("asking which processors may be used: {error}"))?;
        let all: Vec<_> = (0..CpuSet::MAX_CPU)
            .filter(|processor| allowed.is_set(*processor))
            .collect();
        match all.as_slice() {
            [server, client, watcher, ..] => Ok(Self {
                server: *server,
                client: *client,
                watcher: *watcher,
            }),
            [server, client] => Ok(Self {
                server: *server,
                client: *client,
                watcher: *client,
            }),
            _ => Err("a server and a client take a processor each; there is one".to_owned()),
        }
    }

    pub(super) fn say(&self) {
        println!(
            "processors: {} for the server, {} for the client, {} for observer or tcpdump",
            self.server, self.client, self.watcher
        );
    }

    pub(super) fn server(&self, program: &str) -> Command {
        on(self.server, program)
    }

    pub(super) fn client(&self, program: &str) -> Command {
        on(self.client, program)
    }

    pub(super) fn watcher(&self, program: &str) -> Command {
        on(self.watcher, program)
    }

    /// Puts the calling thread where the client is.
    pub(super) fn be_client(&self) -> Result<(), String> {
        let mut only = CpuSet::new();
        only.set(self.client);
        sched_setaffinity(None, &only)
            .map_err(|error| format!("staying on processor {}: {error}", self.client))
    }
}

fn on(processor: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &processor.to_string(), program]);
    command
}
