//! The wire between observer's kernel programs and its agent, and the rule that both follow.
//!
//! - [`window`]: what of a TCP connection is worth copying. One pure function, run by the kernel
//!   programs, by `observer replay --as-live`, and by the tests.
#![cfg_attr(not(test), no_std)]

pub mod window;
