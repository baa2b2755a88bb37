//! The wire between observer's kernel programs and its agent, and the rule that both follow.
//!
//! - [`window`]: what of a TCP connection is worth copying. One pure function, run by the kernel
//!   programs, by `observer replay --as-live`, and by the tests.
//! - [`unix`]: where the kernel keeps what is said over unix sockets.
//! - [`record`]: what goes through the ring buffer.
//! - [`connection`]: what the kernel keeps of a connection, in its socket's storage.
//! - [`filter`]: which connections the operator wants.
//! - [`counter`]: what the kernel programs count, loss above all.
#![cfg_attr(not(test), no_std)]

pub mod connection;
pub mod counter;
pub mod filter;
pub mod record;
pub mod unix;
pub mod window;
