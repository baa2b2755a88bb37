//! Who listens on a port of this host.
//!
//! An exchange says which process took it up. A TLS connection, whose exchanges nobody can read, does
//! not: the process that listens on its port is the next best.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use procfs::ProcResult;
use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, all_processes};

use super::processes::read_name;

/// The names of the processes that listen, by port, in the network namespace of the agent.
#[derive(Default)]
pub struct Listeners {
    names: HashMap<u16, String>,
    looked: Option<Instant>,
}

impl Listeners {
    /// The name of the process that listens on a port. `None`: nobody does here, or it was not there
    /// yet when /proc was last read, which is done at most every ten seconds.
    pub fn name(&mut self, port: u16) -> Option<&str> {
        let age = self.looked.map(|looked| looked.elapsed());
        let pause = if self.names.contains_key(&port) {
            HOLDS
        } else {
            PAUSE
        };
        if age.is_none_or(|age| age >= pause) {
            self.looked = Some(Instant::now());
            self.names = look();
        }
        self.names.get(&port).map(String::as_str)
    }
}

/// How often /proc is read for a port that nobody is known to listen on.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a name holds.
const HOLDS: Duration = Duration::from_secs(60);

fn look() -> HashMap<u16, String> {
    let mut ports = HashMap::new();
    for table in [tcp(), tcp6()] {
        add(&mut ports, table);
    }
    let mut names = HashMap::new();
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
            if let Some(name) = read_name(pid) {
                names.entry(*port).or_insert(name);
            }
        }
    }
    names
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
        assert_eq!(Listeners::default().name(port), Some(own.trim_end()));
    }

    #[test]
    fn nobody_listens_on_port_0() {
        assert_eq!(Listeners::default().name(0), None);
    }
}
