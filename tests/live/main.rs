//! Live tests: the built `observer run` with the kernel's own programs, against real services.
//!
//! They need root and a kernel with eBPF, and fail without; `cargo xtask test` says when a machine
//! cannot run them, and installs what they need. One test at a time has the host: they count.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken assumption ends the test"
)]
#![expect(
    unreachable_pub,
    reason = "nothing of a test is reachable; `pub` says what a module offers"
)]

mod agent;
mod group;
mod lab;
mod namespace;
mod seen;
mod traffic;

mod canary;
mod carriers;
mod clock;
mod container;
mod demo;
mod earlier;
mod identity;
mod keys;
mod killed;
mod lifecycle;
mod load;
mod misbehaviour;
mod namespaces;
mod privileges;
mod replayed;
mod socket_file;
mod tls;
mod validators;
