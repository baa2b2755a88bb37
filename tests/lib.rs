//! Tests of observer as a whole.

#![expect(clippy::panic, reason = "a broken assumption ends the test")]

pub mod capture;
pub mod kernel;
pub mod limits;
pub mod manifests;
pub mod mint;
pub mod programs;
