//! What keeps other people's traffic inside this process.

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::set_no_new_privs;

/// Makes this process unreadable for debuggers of other users, and for core files: its memory holds
/// raw tokens for moments. Its children can gain no privileges.
///
/// Errors name what the kernel refused.
pub fn harden() -> Result<(), Error> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|errno| Error {
        what: "making the process undumpable (PR_SET_DUMPABLE)",
        errno,
    })?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|errno| Error {
        what: "forbidding core files (RLIMIT_CORE)",
        errno,
    })?;
    set_no_new_privs(true).map_err(|errno| Error {
        what: "renouncing new privileges (PR_SET_NO_NEW_PRIVS)",
        errno,
    })
}

/// The kernel refused a protection.
#[derive(Debug, thiserror::Error)]
#[error(
    "{what} failed: {errno}. observer holds tokens in memory and does not go on unprotected; \
     look for a seccomp filter that forbids prctl or setrlimit"
)]
pub struct Error {
    what: &'static str,
    errno: Errno,
}

#[cfg(test)]
mod tests {
    use rustix::process::{dumpable_behavior, getrlimit};
    use rustix::thread::no_new_privs;

    use super::*;

    #[test]
    fn a_hardened_process_writes_no_core_and_gains_nothing() {
        harden().unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert!(no_new_privs().unwrap());
    }
}
