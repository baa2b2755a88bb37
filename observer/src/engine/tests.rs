//! What the engine makes of conversations, by behaviour.

mod forms;
mod holes;
mod http;
mod losses;
mod properties;
mod sockets;
mod wire;
