//! What a connection speaks, found out by its first bytes, on any port.

pub mod http1;
pub mod tls;

/// What a connection speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// Not enough was seen.
    Undecided,
    /// HTTP/1.0 or HTTP/1.1 in clear text.
    Http1,
    /// HTTP/2 in clear text: counted, not read.
    Http2,
    /// TLS: counted, not read.
    Tls,
    /// Nothing that observer reads.
    Other,
}
