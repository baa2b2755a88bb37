//! What /proc says of a process.
//!
//! Everything of one process is read through one open folder of /proc: it stays that of the process
//! and gives errors once that has ended, also when another process has its number by then.

use std::path::PathBuf;

use procfs::process::Process as Folder;
use rustix::time::{ClockId, clock_gettime};

use super::groups::Groups;
use super::names::Names;
use super::process::{Container, MAX_PATH, Process};
use super::workload::{self, Workload};
use crate::redact;
use crate::time::Timestamp;

/// Where processes are looked up: /proc, or a test's own.
pub(super) trait Look {
    /// CLOCK_MONOTONIC, in nanoseconds.
    fn now(&self) -> u64;

    /// A time of CLOCK_MONOTONIC in CLOCK_BOOTTIME, which goes on while the host sleeps.
    fn since_boot(&self, monotonic: u64) -> i64;

    /// When the process that has this number now was started, in nanoseconds of CLOCK_BOOTTIME,
    /// rounded down to ticks. `None`: none has.
    fn start(&mut self, pid: u32) -> Option<i64>;

    /// The process that has this number now. `group`: the id of its cgroup, or 0.
    fn read(&mut self, pid: u32, group: u64) -> Option<Found>;

    /// What the id of a cgroup alone tells of a process in it.
    fn in_group(&mut self, group: u64) -> Option<Process>;
}

/// A process that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// As [`Look::start`] gives it.
    pub(super) start: i64,
    /// Its name: that of its first thread.
    pub(super) name: String,
    /// What else.
    pub(super) process: Process,
}

/// /proc of this host.
pub(super) struct Proc {
    groups: Groups,
    names: Names,
    /// What observer itself and process 1 are in: nobody else is called after that.
    ours: [Workload; 2],
    /// How far the time of day is ahead of CLOCK_BOOTTIME. Measured once: the time at which a process
    /// started does not change.
    ahead: i64,
    /// Nanoseconds of a tick.
    tick: i64,
}

impl Proc {
    /// `root`: where the whole hierarchy of cgroup v2 is mounted.
    pub(super) fn new(root: Option<PathBuf>) -> Self {
        let ours = [Folder::myself(), Folder::new(1)].map(|folder| {
            let paths = folder.map(|folder| paths(&folder)).unwrap_or_default();
            Workload::of(paths.iter().map(String::as_str))
        });
        let ticks = i64::try_from(procfs::ticks_per_second()).unwrap_or(100);
        Self {
            groups: Groups::below(root),
            names: Names::of(PathBuf::from("/")),
            ours,
            ahead: nanos(ClockId::Realtime).saturating_sub(nanos(ClockId::Boottime)),
            tick: 1_000_000_000 / ticks.max(1),
        }
    }

    /// From ticks since the host was started.
    fn of_ticks(&self, ticks: u64) -> i64 {
        i64::try_from(ticks)
            .unwrap_or(i64::MAX)
            .saturating_mul(self.tick)
    }

    fn in_path(&mut self, path: Option<&str>, workload: Workload) -> Process {
        let foreign = |of_ours: &dyn Fn(&Workload) -> bool| !self.ours.iter().any(of_ours);
        let container_counts = foreign(&|ours| ours.container == workload.container);
        let unit_counts = foreign(&|ours| ours == &workload);
        let container = workload.container.map(|(id, runtime)| Container {
            name: self.names.name(&id).map(|name| safe(&name)),
            id: safe(&id),
            runtime,
        });
        let called = container
            .as_ref()
            .filter(|_| container_counts)
            .map(|container| {
                let name = container.name.as_deref();
                name.unwrap_or(container.short_id()).to_owned()
            });
        let of_unit = || {
            let unit = workload.unit.as_deref().filter(|_| unit_counts)?;
            workload::service_of(unit).map(str::to_owned)
        };
        Process {
            workload: called.or_else(of_unit),
            container,
            unit: workload.unit.as_deref().map(safe),
            cgroup: path.map(safe),
            ..Process::default()
        }
    }
}

impl Look for Proc {
    fn now(&self) -> u64 {
        u64::try_from(nanos(ClockId::Monotonic)).unwrap_or(0)
    }

    fn since_boot(&self, monotonic: u64) -> i64 {
        let slept = nanos(ClockId::Boottime).saturating_sub(nanos(ClockId::Monotonic));
        i64::try_from(monotonic)
            .unwrap_or(i64::MAX)
            .saturating_add(slept)
    }

    fn start(&mut self, pid: u32) -> Option<i64> {
        let stat = open(pid)?.stat().ok()?;
        Some(self.of_ticks(stat.starttime))
    }

    fn read(&mut self, pid: u32, group: u64) -> Option<Found> {
        let folder = open(pid)?;
        let stat = folder.stat().ok()?;
        let paths = paths(&folder);
        let start = self.of_ticks(stat.starttime);
        let path = self.groups.path(group, paths.first().map(String::as_str));
        let workload = Workload::of(
            path.as_deref()
                .into_iter()
                .chain(paths.iter().map(String::as_str)),
        );
        let process = self.in_path(path.as_deref(), workload);
        Some(Found {
            start,
            name: stat.comm,
            process: Process {
                executable: executable(&folder),
                started: Some(Timestamp::from_nanos(start.saturating_add(self.ahead))),
                ..process
            },
        })
    }

    fn in_group(&mut self, group: u64) -> Option<Process> {
        let path = self.groups.path(group, None)?;
        let workload = Workload::of([&*path]);
        Some(self.in_path(Some(&*path), workload))
    }
}

fn open(pid: u32) -> Option<Folder> {
    Folder::new(i32::try_from(pid).ok()?).ok()
}

/// The paths of the cgroups of a process, that of version 2 first if there is one.
fn paths(folder: &Folder) -> Vec<String> {
    let mut groups: Vec<_> = folder
        .cgroups()
        .map(|groups| groups.0)
        .unwrap_or_default()
        .into_iter()
        .map(|group| (group.hierarchy != 0, group.pathname))
        .collect();
    groups.sort_by_key(|(old, _)| *old);
    groups.into_iter().map(|(_, path)| path).collect()
}

fn executable(folder: &Folder) -> Option<String> {
    let path = folder.exe().ok()?.into_os_string();
    let path = path.to_string_lossy();
    // The file was replaced since, as an update does.
    let path = path.strip_suffix(" (deleted)").unwrap_or(&path);
    (path.len() <= MAX_PATH).then(|| safe(path))
}

fn safe(text: &str) -> String {
    redact::label(text, MAX_PATH)
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec
        .saturating_mul(1_000_000_000)
        .saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read() {
        let mut proc = Proc::new(None);
        let pid = std::process::id();
        let found = proc.read(pid, 0).unwrap();
        let own = std::env::current_exe().unwrap();
        assert_eq!(found.process.executable.as_deref(), own.to_str());
        let now = proc.since_boot(proc.now());
        let age = now - found.start;
        assert!((0..3_600_000_000_000).contains(&age), "{age} ns old");
        assert_eq!(proc.start(pid), Some(found.start));
        let started = found.process.started.unwrap();
        let day = Timestamp::from_nanos(nanos(ClockId::Realtime));
        assert!((day.since(started).as_nanos() as i64 - age).abs() < 1_000_000_000);
        // We are in the same place as ourselves.
        assert_eq!(found.process.workload, None);
        assert!(found.process.cgroup.is_some());
    }

    #[test]
    fn a_process_that_has_ended_is_not_found() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let mut proc = Proc::new(None);
        assert!(proc.read(child.id(), 0).is_none());
        assert!(proc.start(child.id()).is_none());
    }

    #[test]
    fn a_workload_names_unless_it_is_ours() {
        let id = |digit: &str| digit.repeat(64);
        let mut proc = Proc::new(None);
        let of = |path: &str| Workload::of([path]);
        proc.ours = [
            of(&format!("/docker/{}/init.scope", id("a"))),
            of("/system.slice/observer.service"),
        ];
        let mut called = |path: String| proc.in_path(None, of(&path)).workload;
        assert_eq!(called(format!("/docker/{}", id("a"))), None);
        assert_eq!(called(format!("/docker/{}", id("b"))), Some("b".repeat(12)));
        assert_eq!(called("/system.slice/observer.service".into()), None);
        assert_eq!(called("/system.slice/a.service".into()), Some("a".into()));
        // A unit inside of the container that we are in.
        let inner = format!("/docker/{}/system.slice/kubelet.service", id("a"));
        assert_eq!(called(inner), Some("kubelet".into()));
        assert_eq!(
            called("/user.slice/user-0.slice/session-3.scope".into()),
            None
        );
        assert_eq!(called("/system.slice/run-u7.service".into()), None);
    }
}
