//! What the engine makes of conversations, by behaviour.

mod http;
mod sockets;
mod wire;
