//! What is known of a process.

use crate::time::Timestamp;

/// What is known of a process beside its number and name. What is not known is absent.
///
/// Whoever starts a process or container chooses these texts: they are capped and escaped by
/// [`crate::redact`] when they are read, once for all exchanges.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Process {
    /// The path of its executable, in its own view of files, at most [`MAX_PATH`] bytes.
    pub executable: Option<String>,
    /// When it started, to the hundredth of a second.
    pub started: Option<Timestamp>,
    /// The path of its cgroup, at most [`MAX_PATH`] bytes: on version 2, below the root.
    pub cgroup: Option<String>,
    /// The container it is in.
    pub container: Option<Container>,
    /// The systemd unit it is of: a service, with its suffix.
    pub unit: Option<String>,
    /// What a service of this process is called after: its container (by name, else by its short id),
    /// else its unit, where that is not also observer's own or that of process 1. Those say where
    /// observer was put, and nothing of the service.
    pub workload: Option<String>,
}

impl Process {
    /// Whether a service of the one is called as one of the other: a pool of processes is one service.
    pub fn is_like(&self, other: &Self) -> bool {
        self.executable == other.executable
            && self.workload == other.workload
            && self.unit == other.unit
            && self.container == other.container
    }
}

/// A container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Container {
    /// Its id, whole: 64 hexadecimal digits, or a name where the runtime gives no other id.
    pub id: String,
    /// Who runs it: `docker`, `containerd`, `cri-o`, `podman`, ... Absent where the path does not say.
    pub runtime: Option<&'static str>,
    /// What people call it.
    pub name: Option<String>,
}

impl Container {
    /// The id as runtimes print it: its first twelve digits.
    pub fn short_id(&self) -> &str {
        let hex = self.id.len() == 64 && self.id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.id.get(..12).filter(|_| hex).unwrap_or(&self.id)
    }
}

/// The longest path of an executable or cgroup that is kept, in bytes. A longer one is absent.
pub const MAX_PATH: usize = 1024;
