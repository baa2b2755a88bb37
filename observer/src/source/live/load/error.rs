//! Why the kernel programs are not at work.

use std::io;

use aya::EbpfError;
use aya::programs::ProgramError;

use super::super::cgroup::CgroupError;
use crate::privileges::{self, Part};

/// Why the kernel programs could not be loaded or attached.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Where to attach is not there.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// The kernel does not let us.
    #[error("the kernel does not let this user {what}: {source}; {advice}")]
    Forbidden {
        /// What was being done.
        what: String,
        /// What the kernel said.
        source: io::Error,
        /// What to do about it.
        advice: String,
    },
    /// The maps could not be made.
    #[error(
        "preparing the kernel programs failed: {0}; `observer doctor` says what this kernel lacks"
    )]
    Object(String),
    /// A program could not be loaded or attached.
    #[error(
        "the kernel refused the program {program}: {why}; `observer doctor` says what it lacks"
    )]
    Program {
        /// Which one.
        program: &'static str,
        /// What the kernel said, the verifier's log aside.
        why: String,
    },
    /// The object lacks a part: a fault of the build.
    #[error("the kernel object has no {0}; rebuild it with `cargo xtask build-ebpf`")]
    Incomplete(&'static str),
}

impl LoadError {
    pub(super) fn object(error: EbpfError) -> Self {
        match permission(&error) {
            Some(source) => Self::Forbidden {
                what: "create BPF maps".to_owned(),
                source,
                advice: privileges::advice(Part::Packets),
            },
            None => Self::Object(chain(&error)),
        }
    }

    pub(super) fn program(program: &'static str, part: Part, error: ProgramError) -> Self {
        // The verifier refuses with the same number that a lack of permission has, but it has words.
        let judged = matches!(
            &error,
            ProgramError::LoadError { verifier_log, .. } if !verifier_log.to_string().trim().is_empty()
        );
        // What a lack of capabilities leads to is not always called so: without CAP_PERFMON it is the
        // verifier that gives up.
        let lacking = privileges::lacking(part).next().is_some();
        let said = if lacking { io_error } else { permission };
        if let Some(source) = said(&error).filter(|_| lacking || !judged) {
            return Self::Forbidden {
                what: format!("load or attach the program {program}"),
                source,
                advice: privileges::advice(part),
            };
        }
        if let ProgramError::LoadError { verifier_log, .. } = &error {
            tracing::debug!("the verifier on {program}: {verifier_log}");
        }
        let why = match &error {
            ProgramError::LoadError { io_error, .. } => io_error.to_string(),
            error => chain(error),
        };
        Self::Program { program, why }
    }
}

/// The refusal of permission somewhere in the chain of causes.
fn permission(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    io_error(error).filter(|io| io.kind() == io::ErrorKind::PermissionDenied)
}

/// What the kernel said, somewhere in the chain of causes.
fn io_error(error: &(dyn std::error::Error + 'static)) -> Option<io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error);
        if let Some(errno) = said {
            return Some(io::Error::from_raw_os_error(errno));
        }
        next = error.source();
    }
    None
}

/// An error with its causes, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        next = error.source();
    }
    text
}
