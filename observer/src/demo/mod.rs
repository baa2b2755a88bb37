//! A small real system on loopback that refuses tokens in every way: what `observer demo` watches.
//!
//! Three services and a client, each a process of its own, as they would be on a host: an [`issuer`]
//! that signs tokens and serves its key set, an [`edge`] that forwards, and a [`legacy`] service that
//! validates. [`system`] starts and ends them, [`story`] is what the client sends. Nothing here knows
//! that it is observed.

pub mod client;
pub mod edge;
pub mod folder;
pub mod issuer;
pub mod keys;
pub mod legacy;
pub mod recorded;
pub mod seen;
pub mod service;
pub mod story;
pub mod system;

/// The `iss` of every good token of the demo.
pub const ISSUER: &str = "https://issuer.demo.test";
/// The `aud` of every good token of the demo.
pub const AUDIENCE: &str = "legacy";

/// What can go wrong while the demo's system runs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A process could not be started.
    #[error("cannot start the demo's {role}: {source}")]
    Spawn {
        /// Which part of the system.
        role: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A process started and did not say where it listens.
    #[error("the demo's {role} ended before it was ready; run `observer demo {role}` to see why")]
    NotReady {
        /// Which part of the system.
        role: &'static str,
    },
    /// A service could not listen on loopback.
    #[error("cannot listen on a free port of 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The service loop ended.
    #[error("the service stopped: {0}")]
    Serve(#[source] std::io::Error),
    /// A request to another part of the system failed.
    #[error("no answer from {url}: {reason}")]
    Call {
        /// Who was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// A key could not be made or read.
    #[error("cannot make the demo's keys: {0}")]
    Keys(String),
    /// A file that the demo needs could not be written.
    #[error("cannot write {}: {source}; set TMPDIR to a folder with space", path.display())]
    Write {
        /// Which.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The client ended with a failure.
    #[error("the demo's client failed ({0}); the services may have been stopped")]
    Client(std::process::ExitStatus),
}
