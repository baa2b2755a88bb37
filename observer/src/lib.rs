//! observer says why a token was rejected, from packets, without touching a service.
//!
//! Data goes one way: `source` (kernel probes or a capture file) fills a [`packet::Batch`]; `engine`
//! turns batches into [`exchange::Exchange`]s by way of `stream` (ordered bytes) and `protocol`
//! (messages); `credential` takes tokens apart; `verdict` says why; `event` is what leaves; `sink`
//! is where to. ARCHITECTURE.md has the reasons.

#![deny(unsafe_code)]

mod bounded;
pub mod cli;
pub mod config;
pub mod credential;
pub mod demo;
mod digest;
pub mod engine;
pub mod event;
pub mod exchange;
pub mod filter;
pub mod gap;
pub mod hardening;
pub mod history;
pub mod identity;
pub mod keys;
pub mod oauth;
pub mod packet;
pub mod pipeline;
pub mod privileges;
pub mod protocol;
mod recent;
pub mod redact;
pub mod service;
pub mod sink;
pub mod source;
pub mod state;
pub mod stop;
pub mod stream;
pub mod time;
pub mod totals;
mod units;
pub mod verdict;
mod wiped;
