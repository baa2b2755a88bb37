//! What deploy/ has says the same as docs/ and works with the programs that it is for.

#![expect(clippy::unwrap_used, reason = "a broken assumption ends the test")]
#![expect(
    unreachable_pub,
    reason = "nothing of a test is reachable; `pub` says what a module offers"
)]

mod commands;
mod documents;
mod host;
mod kubernetes;
mod metrics;
mod programs;
mod schema;
