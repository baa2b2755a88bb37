//! Who is behind a number: from thread to process, from socket to process.

mod listeners;
mod processes;
mod sockets;

pub use listeners::Listeners;
pub use processes::Processes;
pub use sockets::{Owner, SocketTable};
