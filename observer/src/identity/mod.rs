//! Who is behind a number: from thread to process, from socket to process.

mod diag;
mod groups;
mod listeners;
mod names;
mod proc;
mod process;
mod processes;
mod sockets;
mod unix;
mod workload;

pub use listeners::{Listener, Listeners};
pub use process::{Container, MAX_PATH, Process};
pub use processes::{Processes, Thread};
pub use sockets::{Owner, SocketTable};
pub use unix::{UnixPair, unix_pairs};
