//! The wire between observer's kernel programs and its agent.
#![cfg_attr(not(test), no_std)]
