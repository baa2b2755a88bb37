//! Who listens on a port of this host.
//!
//! An exchange says which process took it up. A TLS connection, whose exchanges nobody can read, does
//! not: the process that listens on its port is the next best.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use procfs::ProcResult;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, all_processes};

use super::process::Process;
use super::processes::Processes;

/// The processes that listen, by port, in the network namespace of the agent.
pub struct Listeners {
    ports: HashMap<u16, Listener>,
    processes: Processes,
    looked: Option<Instant>,
}

/// A process that listens.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its number, in the agent's pid namespace.
    pub pid: u32,
    /// What it is called.
    pub name: String,
    /// What else is known of it.
    pub known: Option<Arc<Process>>,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            ports: HashMap::new(),
            processes: Processes::new(None),
            looked: None,
        }
    }
}

impl Listeners {
    /// The process that listens on a port. `None`: nobody does here, or it was not there yet when
    /// /proc was last read, which is done at most every ten seconds.
    pub fn on(&mut self, port: u16) -> Option<Listener> {
        let age = self.looked.map(|looked| looked.elapsed());
        let pause = if self.ports.contains_key(&port) {
            HOLDS
        } else {
            PAUSE
        };
        if age.is_none_or(|age| age >= pause) {
            self.looked = Some(Instant::now());
            self.look();
        }
        self.ports.get(&port).cloned()
    }

    fn look(&mut self) {
        self.ports = pids()
            .into_iter()
            .filter_map(|(port, pid)| {
                let (name, known) = self.processes.now(pid)?;
                let known = Some(known);
                Some((port, Listener { pid, name, known }))
            })
            .collect();
    }
}

/// How often /proc is read for a port that nobody is known to listen on.
const PAUSE: Duration = Duration::from_secs(10);
/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(60);

fn pids() -> HashMap<u16, u32> {
    let mut ports = HashMap::new();
    for table in [tcp(), tcp6()] {
        add(&mut ports, table);
    }
    let mut pids = HashMap::new();
    // A process that ends meanwhile, or that we may not look at, is not named.
    let mut processes: Vec<_> = all_processes().into_iter().flatten().flatten().collect();
    // With socket activation process 1 listens too, and says nothing of the service.
    processes.sort_by_key(|process| (process.pid() == 1, process.pid()));
    for process in processes {
        let sockets = process.fd().into_iter().flatten().flatten();
        for open in sockets {
            let FDTarget::Socket(inode) = open.target else {
                continue;
            };
            let (Some(port), Ok(pid)) = (ports.get(&inode), u32::try_from(process.pid())) else {
                continue;
            };
            pids.entry(*port).or_insert(pid);
        }
    }
    pids
}

fn add(ports: &mut HashMap<u64, u16>, table: ProcResult<Vec<TcpNetEntry>>) {
    match table {
        Ok(entries) => ports.extend(
            entries
                .into_iter()
                .filter(|entry| entry.state == TcpState::Listen)
                .map(|entry| (entry.inode, entry.local_address.port())),
        ),
        Err(error) => tracing::debug!("the table of TCP sockets could not be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_process_that_listens_is_named() {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = std::fs::read_to_string("/proc/self/comm").unwrap();
        let found = Listeners::default().on(port).unwrap();
        assert_eq!(found.name, own.trim_end());
        assert_eq!(found.pid, std::process::id());
        let executable = found.known.unwrap().executable.clone();
        let own = std::env::current_exe().unwrap();
        assert_eq!(executable.as_deref(), own.to_str());
    }

    #[test]
    fn nobody_listens_on_port_0() {
        assert!(Listeners::default().on(0).is_none());
    }
}
