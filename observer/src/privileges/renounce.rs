//! Giving up what is not needed any more.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::{NEEDS, Until};

/// Gives up every capability that is not needed to the end, in every set and for good.
///
/// Capabilities belong to threads, and those that a thread starts have its own: call this before the
/// first is started. `reads` tells whether the kernel still lets us read what its programs count.
/// Before Linux 5.19 that takes CAP_BPF where `kernel.unprivileged_bpf_disabled` is set, and then it
/// is kept.
///
/// # Errors
/// The kernel refuses, or a thread runs already that keeps more.
pub fn renounce(reads: impl Fn() -> bool) -> Result<(), Error> {
    let keep = drop_here(reads)?;
    let tasks = fs::read_dir("/proc/self/task").map_err(Error::Tasks)?;
    for task in tasks.flatten() {
        // A thread that has ended meanwhile keeps nothing.
        let Ok(status) = fs::read_to_string(task.path().join("status")) else {
            continue;
        };
        if !permitted(&status).is_some_and(|held| keep.contains(held)) {
            return Err(Error::Thread(name(&status)));
        }
    }
    Ok(())
}

/// For this thread alone. Gives what is left.
fn drop_here(reads: impl Fn() -> bool) -> Result<CapabilitySet, Error> {
    let had = capabilities(None).map_err(refused("reading the capabilities (capget)"))?;
    if had.effective.contains(CapabilitySet::SETPCAP) {
        empty_bounding_set()?;
    }
    match clear_ambient_capability_set() {
        // Linux before 4.3 has no such set.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(errno) => return Err(refused("emptying the ambient set (prctl)")(errno)),
    }
    let to_the_end = NEEDS
        .iter()
        .filter(|need| need.until == Until::End)
        .fold(CapabilitySet::empty(), |all, need| all | need.set);
    let keep = had.permitted & to_the_end;
    // Tried before it is final.
    set(keep, had.permitted)?;
    let keep = if reads() {
        keep
    } else {
        let reading = had.permitted & CapabilitySet::BPF;
        keep | if reading.is_empty() {
            had.permitted & CapabilitySet::SYS_ADMIN
        } else {
            reading
        }
    };
    set(keep, keep)?;
    if reads() { Ok(keep) } else { Err(Error::Blind) }
}

fn set(effective: CapabilitySet, permitted: CapabilitySet) -> Result<(), Error> {
    let sets = CapabilitySets {
        effective,
        permitted,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).map_err(refused("giving up capabilities (capset)"))
}

fn empty_bounding_set() -> Result<(), Error> {
    for bit in 0..u64::BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) => {}
            // The kernel knows no capability of this number, and none above.
            Err(Errno::INVAL) => break,
            Err(errno) => return Err(refused("emptying the bounding set (prctl)")(errno)),
        }
    }
    Ok(())
}

/// What a thread holds, by its status in /proc.
fn permitted(status: &str) -> Option<CapabilitySet> {
    let bits = field(status, "CapPrm:")?;
    let bits = u64::from_str_radix(bits, 16).ok()?;
    Some(CapabilitySet::from_bits_retain(bits))
}

fn name(status: &str) -> String {
    field(status, "Name:").unwrap_or_default().to_owned()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}

fn refused(what: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| Error::Refused { what, errno }
}

/// Why privileges could not be given up. observer does not go on with more than it needs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel said no.
    #[error(
        "{what} failed: {errno}. observer does not go on with more privileges than it needs; look \
         for a seccomp filter that forbids it"
    )]
    Refused {
        /// What was being done.
        what: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// Whether all threads gave up theirs is not known.
    #[error(
        "reading /proc/self/task to make sure that privileges were given up failed: {0}; mount /proc"
    )]
    Tasks(io::Error),
    /// A thread was started too early: a fault of observer's.
    #[error(
        "the thread {0} keeps privileges that observer gives up after attaching; this is a fault \
         of observer, please report it"
    )]
    Thread(String),
    /// What is counted cannot be read, with CAP_BPF or without.
    #[error(
        "the kernel does not let observer read the counters of its own programs after it attached \
         them; look for a security module that forbids bpf(2)"
    )]
    Blind,
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rustix::process::geteuid;

    use super::*;

    /// In a thread of its own, which takes its poverty with it.
    fn left(reads: impl Fn() -> bool + Send + 'static) -> (CapabilitySet, CapabilitySets) {
        thread::spawn(move || (drop_here(reads).unwrap(), capabilities(None).unwrap()))
            .join()
            .unwrap()
    }

    #[test]
    fn nothing_is_kept_beside_what_is_needed_to_the_end() {
        let before = capabilities(None).unwrap().permitted;
        let (kept, sets) = left(|| true);
        let most = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
        assert_eq!(kept, before & most);
        assert_eq!((sets.permitted, sets.effective), (kept, kept));
        assert!(sets.inheritable.is_empty());
    }

    #[test]
    fn where_reading_counters_takes_cap_bpf_it_is_kept() {
        let reads = || {
            let effective = capabilities(None).unwrap().effective;
            !geteuid().is_root() || effective.contains(CapabilitySet::BPF)
        };
        let before = capabilities(None).unwrap().permitted;
        let (kept, _) = left(reads);
        let wanted =
            CapabilitySet::BPF | CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
        assert_eq!(kept, before & wanted);
        assert!(!kept.contains(CapabilitySet::NET_ADMIN));
    }

    #[test]
    fn counters_that_nobody_can_read_are_an_error() {
        let done = thread::spawn(|| drop_here(|| false)).join().unwrap();
        assert!(matches!(done, Err(Error::Blind)));
    }

    #[test]
    fn a_thread_that_keeps_more_is_noticed() {
        if capabilities(None).unwrap().permitted.is_empty() {
            // Nobody has anything to keep.
            thread::spawn(|| renounce(|| true)).join().unwrap().unwrap();
            return;
        }
        // This thread, and the others of this test, keep theirs.
        let done = thread::spawn(|| renounce(|| true)).join().unwrap();
        assert!(matches!(done, Err(Error::Thread(_))), "{done:?}");
    }
}
