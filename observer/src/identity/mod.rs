//! Who is behind a number: from thread to process, from socket to process.

mod groups;
mod listeners;
mod names;
mod proc;
mod process;
mod processes;
mod sockets;
mod workload;

pub use listeners::{Listener, Listeners};
pub use process::{Container, MAX_PATH, Process};
pub use processes::{Processes, Thread};
pub use sockets::{Owner, SocketTable};
