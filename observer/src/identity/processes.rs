//! Who has a number: processes, remembered for a while, because asking /proc for each exchange would
//! cost more than the exchange.
//!
//! Numbers of processes are used again. What is told of a process is told of the one that had the
//! number at the time of the exchange: its start lies before, and it was there when it was last looked
//! at, which is at most [`RECHECK`] ago. What cannot be known so is absent.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use lru::LruCache;

use super::proc::{Found, Look, Proc};
use super::process::Process;

/// Processes by their numbers.
pub struct Processes(Cache<Proc>);

impl Processes {
    /// Knows nobody yet. `root`: where the whole hierarchy of cgroup v2 is mounted.
    pub fn new(root: Option<PathBuf>) -> Self {
        Self(Cache::over(Proc::new(root)))
    }

    /// Notes that a process started a program, at a time of CLOCK_MONOTONIC. That is how the name of
    /// a process is known that ends before anyone can ask.
    pub fn executed(&mut self, pid: u32, name: &str, at: u64) {
        self.0.executed(pid, name, at);
    }

    /// The name of a process (empty: it is not known) and what else is known of it, of which a thread
    /// did something at a time of CLOCK_MONOTONIC in nanoseconds. `group` is the id of its cgroup, or
    /// 0.
    pub fn who(
        &mut self,
        thread: Thread<'_>,
        group: u64,
        at: u64,
    ) -> (String, Option<Arc<Process>>) {
        self.0.who(thread, group, at)
    }

    /// The process that has a number now.
    pub fn now(&mut self, pid: u32) -> Option<(String, Arc<Process>)> {
        let found = self.0.look.read(pid, 0)?;
        Some((found.name, Arc::new(found.process)))
    }
}

/// A thread, as the kernel's records have it.
#[derive(Clone, Copy, Debug)]
pub struct Thread<'a> {
    /// The number of its process.
    pub pid: u32,
    /// Its own number.
    pub tid: u32,
    /// Its name: of a thread that is not the first often its own (`http-nio-8080-e`), which says
    /// little of the service.
    pub name: &'a str,
}

/// How many processes are remembered: about 500 bytes each, 2 KiB at most.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// A process may end, and its number be given to another, once all others were given: in so short a
/// time they are not.
const RECHECK: u64 = 1_000_000_000;
/// A process may rename itself, or be moved to another cgroup.
const REREAD: u64 = 10_000_000_000;

struct Cache<L> {
    look: L,
    /// By process and cgroup: the threads of a process may be in several.
    known: LruCache<(u32, u64), Known>,
    /// The names under which processes started programs, and when.
    executed: LruCache<u32, (String, u64)>,
}

struct Known {
    /// In CLOCK_BOOTTIME.
    start: i64,
    /// The same in CLOCK_MONOTONIC.
    since: i64,
    name: String,
    process: Arc<Process>,
    /// When all of this was read.
    read: u64,
    /// When it was last seen to be the same process.
    checked: u64,
}

impl<L: Look> Cache<L> {
    fn over(look: L) -> Self {
        Self {
            look,
            known: LruCache::new(REMEMBERED),
            executed: LruCache::new(REMEMBERED),
        }
    }

    fn executed(&mut self, pid: u32, name: &str, at: u64) {
        self.executed.put(pid, (name.to_owned(), at));
    }

    fn who(&mut self, thread: Thread<'_>, group: u64, at: u64) -> (String, Option<Arc<Process>>) {
        let found = self.find(thread.pid, group, at);
        // The first thread's name is that of the process, and the record has the one of its time.
        let first = thread.pid == thread.tid;
        match found {
            Some(known) if first => (thread.name.to_owned(), Some(Arc::clone(&known.process))),
            Some(known) => (known.name.clone(), Some(Arc::clone(&known.process))),
            None => {
                let name = if first {
                    thread.name.to_owned()
                } else {
                    self.name_of_program(thread.pid, at)
                };
                (name, self.look.in_group(group).map(Arc::new))
            }
        }
    }

    /// The process that had this number at that time.
    fn find(&mut self, pid: u32, group: u64, at: u64) -> Option<&Known> {
        let now = self.look.now();
        let within = |since: u64, limit: u64| now.saturating_sub(since) < limit;
        let program = self.executed.peek(&pid).map_or(0, |(_, since)| *since);
        let known = self
            .known
            .get_mut(&(pid, group))
            .filter(|known| within(known.read, REREAD) && program <= known.read);
        let is_same = match known {
            Some(known) if within(known.checked, RECHECK) => true,
            Some(known) if self.look.start(pid) == Some(known.start) => {
                known.checked = now;
                true
            }
            _ => false,
        };
        if !is_same {
            self.read(pid, group, at, now);
        }
        self.known.peek(&(pid, group)).filter(|known| {
            known.since <= i64::try_from(at).unwrap_or(i64::MAX)
                && at <= known.checked.saturating_add(RECHECK)
                && (program <= known.read || at < program)
        })
    }

    /// Reads anew, unless the process has ended, and another may have its number by now.
    fn read(&mut self, pid: u32, group: u64, at: u64, now: u64) {
        let since_boot = self.look.since_boot(at);
        let found = self.look.read(pid, group);
        if let Some(found) = found.filter(|found| found.start <= since_boot) {
            let Found {
                start,
                name,
                process,
            } = found;
            let slept = since_boot.saturating_sub(i64::try_from(at).unwrap_or(i64::MAX));
            let known = Known {
                start,
                since: start.saturating_sub(slept),
                name,
                process: Arc::new(process),
                read: now,
                checked: now,
            };
            self.known.put((pid, group), known);
        }
    }

    fn name_of_program(&mut self, pid: u32, at: u64) -> String {
        self.executed
            .get(&pid)
            .filter(|(_, since)| *since <= at)
            .map(|(name, _)| name.clone())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A host of a test: who has which number now, and what time it is.
    #[derive(Default)]
    struct Host {
        now: u64,
        running: HashMap<u32, Found>,
        reads: usize,
    }

    impl Look for Host {
        fn now(&self) -> u64 {
            self.now
        }

        fn since_boot(&self, monotonic: u64) -> i64 {
            i64::try_from(monotonic).unwrap()
        }

        fn start(&mut self, pid: u32) -> Option<i64> {
            self.running.get(&pid).map(|found| found.start)
        }

        fn read(&mut self, pid: u32, _: u64) -> Option<Found> {
            self.reads += 1;
            self.running.get(&pid).cloned()
        }

        fn in_group(&mut self, group: u64) -> Option<Process> {
            (group != 0).then(|| Process {
                cgroup: Some(format!("/{group}")),
                ..Process::default()
            })
        }
    }

    impl Cache<Host> {
        fn starts(&mut self, pid: u32, executable: &str) {
            let found = Found {
                start: i64::try_from(self.look.now).unwrap(),
                name: executable.to_owned(),
                process: Process {
                    executable: Some(executable.to_owned()),
                    ..Process::default()
                },
            };
            self.look.running.insert(pid, found);
        }

        /// The executable of whoever did something at a time, and the name.
        fn runs(&mut self, pid: u32, group: u64, at: u64) -> (Option<String>, String) {
            let thread = Thread {
                pid,
                tid: pid + 1,
                name: "a-thread",
            };
            let (name, process) = self.who(thread, group, at);
            let executable = process.and_then(|process| process.executable.clone());
            (executable, name)
        }
    }

    fn host(now: u64) -> Cache<Host> {
        Cache::over(Host {
            now,
            ..Host::default()
        })
    }

    fn known(executable: &str) -> (Option<String>, String) {
        (Some(executable.to_owned()), executable.to_owned())
    }

    #[test]
    fn one_that_goes_on_is_read_seldom() {
        let mut host = host(SECOND);
        host.starts(7, "orders");
        for _ in 0..100 {
            host.look.now += SECOND / 10;
            let at = host.look.now;
            assert_eq!(host.runs(7, 1, at), known("orders"));
        }
        assert!(host.look.reads <= 2, "{} times", host.look.reads);
    }

    #[test]
    fn a_number_that_was_used_again_lends_nothing() {
        let mut host = host(SECOND);
        host.starts(7, "orders");
        assert_eq!(host.runs(7, 1, SECOND), known("orders"));
        host.look.now = 5 * SECOND;
        host.starts(7, "intruder");
        // The exchange of the first, of which the record comes late.
        assert_eq!(host.runs(7, 1, SECOND + 5), known("orders"));
        assert_eq!(host.runs(7, 1, 4 * SECOND), (None, String::new()));
        assert_eq!(host.runs(7, 1, 5 * SECOND), known("intruder"));
        // And now that of the first is told no more.
        assert_eq!(host.runs(7, 1, 4 * SECOND), (None, String::new()));
    }

    #[test]
    fn one_that_started_after_the_exchange_is_another() {
        let mut host = host(9 * SECOND);
        host.starts(7, "intruder");
        assert_eq!(host.runs(7, 0, 8 * SECOND), (None, String::new()));
        assert_eq!(host.runs(7, 0, 9 * SECOND), known("intruder"));
    }

    #[test]
    fn one_that_has_just_ended_is_known_and_one_of_long_ago_is_not() {
        let mut host = host(SECOND);
        host.starts(7, "orders");
        assert_eq!(host.runs(7, 1, SECOND), known("orders"));
        host.look.running.clear();
        host.look.now = 30 * SECOND;
        assert_eq!(host.runs(7, 1, SECOND + SECOND / 2), known("orders"));
        assert_eq!(host.runs(7, 1, 29 * SECOND), (None, String::new()));
        // It was of another cgroup.
        assert_eq!(host.runs(7, 2, SECOND).0, None);
    }

    #[test]
    fn one_that_ended_at_once_has_the_name_of_its_program_and_its_cgroup() {
        let mut host = host(SECOND);
        host.executed(7, "curl", SECOND);
        assert_eq!(host.runs(7, 0, 2 * SECOND), (None, "curl".to_owned()));
        assert_eq!(host.runs(7, 0, SECOND - 1), (None, String::new()));
        let thread = Thread {
            pid: 7,
            tid: 7,
            name: "curl",
        };
        let (name, process) = host.who(thread, 12, 2 * SECOND);
        assert_eq!(name, "curl");
        assert_eq!(process.unwrap().cgroup.as_deref(), Some("/12"));
    }

    #[test]
    fn a_process_that_starts_another_program_is_read_again() {
        let mut host = host(SECOND);
        host.starts(7, "sh");
        assert_eq!(host.runs(7, 1, SECOND), known("sh"));
        // The same process, so the same start.
        let found = host.look.running.get_mut(&7).unwrap();
        found.process.executable = Some("orders".to_owned());
        found.name = "orders".to_owned();
        host.executed(7, "orders", SECOND + 1);
        host.look.now += 2;
        assert_eq!(host.runs(7, 1, SECOND + 2), known("orders"));
        // And if it ends at once, that of before is not taken for it.
        host.executed(7, "other", SECOND + 3);
        host.look.running.clear();
        host.look.now += 2;
        assert_eq!(host.runs(7, 1, SECOND + 4), (None, "other".to_owned()));
        assert_eq!(host.runs(7, 1, SECOND + 2), known("orders"));
    }

    #[test]
    fn threads_in_cgroups_of_their_own_are_read_as_seldom() {
        let mut host = host(SECOND);
        host.starts(7, "orders");
        for _ in 0..50 {
            for group in [1, 2] {
                assert_eq!(host.runs(7, group, SECOND), known("orders"));
            }
        }
        assert_eq!(host.look.reads, 2);
    }

    #[test]
    fn the_first_thread_has_the_name_of_the_moment() {
        let mut host = host(SECOND);
        host.starts(7, "orders");
        let thread = Thread {
            pid: 7,
            tid: 7,
            name: "renamed",
        };
        assert_eq!(host.who(thread, 1, SECOND).0, "renamed");
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let mut host = host(SECOND);
        for pid in 1..10_000 {
            host.starts(pid, "orders");
            host.executed(pid, "orders", SECOND);
            host.runs(pid, 1, SECOND);
        }
        assert_eq!(host.known.len(), REMEMBERED.get());
        assert_eq!(host.executed.len(), REMEMBERED.get());
    }
}
