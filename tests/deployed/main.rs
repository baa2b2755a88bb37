//! What deploy/ has, at work: Debian's Prometheus with the rules over a running agent, and the container
//! of the manifests beside services in others.
//!
//! They need root and a kernel with eBPF, and fail without; `cargo xtask test` says when a machine
//! cannot run them, and installs what they need. One test at a time has the host.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken assumption ends the test"
)]
#![expect(
    unreachable_pub,
    reason = "nothing of a test is reachable; `pub` says what a module offers"
)]

mod container;
mod dashboard;
mod package;
mod process;
mod prometheus;
mod scraped;
mod traffic;

// As the live tests run containers.
#[expect(dead_code, reason = "the live tests run more kinds of containers")]
#[path = "../live/container/bundle.rs"]
mod bundle;
#[path = "../live/container/cgroup.rs"]
mod cgroup;
#[path = "../live/container/files.rs"]
mod files;
#[path = "../live/namespace.rs"]
mod namespace;

/// What those modules take from the live tests.
mod lab {
    pub use observer_tests::programs::root;

    pub use crate::process::{signal, wait_for};
}
