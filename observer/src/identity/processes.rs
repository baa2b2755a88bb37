//! What processes are called.

use std::fs;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;

/// Names of processes, remembered for a while: asking /proc for each exchange would cost more than
/// the exchange.
pub struct Processes {
    names: LruCache<u32, Known>,
}

struct Known {
    name: String,
    since: Instant,
}

/// How many names are remembered, at about 100 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// How long a name holds: a process may rename itself, and a number comes back.
const HOLDS: Duration = Duration::from_secs(10);

impl Processes {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self {
            names: LruCache::new(REMEMBERED),
        }
    }

    /// Notes that a process started a program. That is how a process is known that ends before anyone
    /// can ask.
    pub fn executed(&mut self, pid: u32, name: &str) {
        self.remember(pid, name.to_owned());
    }

    /// The name of a process of which a thread and its name are known. A thread that is not the first
    /// often has a name of its own (`http-nio-8080-e`), which says little of the service.
    pub fn name(&mut self, pid: u32, tid: u32, thread: &str) -> String {
        if pid == tid {
            return thread.to_owned();
        }
        if let Some(known) = self.names.get(&pid)
            && known.since.elapsed() < HOLDS
        {
            return known.name.clone();
        }
        let name = read_name(pid).unwrap_or_else(|| thread.to_owned());
        self.remember(pid, name.clone());
        name
    }

    fn remember(&mut self, pid: u32, name: String) {
        let since = Instant::now();
        self.names.put(pid, Known { name, since });
    }
}

impl Default for Processes {
    fn default() -> Self {
        Self::new()
    }
}

/// The name of a process's first thread. `None`: it is gone.
pub(super) fn read_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    let name = name.strip_suffix(b"\n").unwrap_or(&name);
    Some(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_thread_names_its_process() {
        assert_eq!(Processes::new().name(7, 7, "nginx"), "nginx");
    }

    #[test]
    fn another_thread_is_called_as_its_process() {
        let pid = std::process::id();
        let own = fs::read_to_string("/proc/self/comm").unwrap();
        let name = Processes::new().name(pid, pid + 1, "worker");
        assert_eq!(name, own.trim_end());
    }

    #[test]
    fn a_process_that_is_gone_is_known_by_its_start() {
        let mut processes = Processes::new();
        // Larger than any process number of Linux.
        let gone = 1 << 30;
        assert_eq!(processes.name(gone, gone + 1, "worker"), "worker");
        processes.executed(gone, "curl");
        assert_eq!(processes.name(gone, gone + 1, "worker"), "curl");
    }
}
