//! What comes before HTTP on a connection: the PROXY header of load balancers, and the talk by which a
//! SOCKS proxy is told where to connect to.

use super::super::Messages;
use super::super::start_line::{Kind, Line, recognise};
use super::{Flow, Signal, State};

/// So many segments of a preamble are passed over at most. SOCKS 5 with a password has four in each
/// direction.
const MAX_SEGMENTS: u8 = 8;

/// Version 2 of the PROXY header, behind the two line ends that it starts with.
const PROXY_2: &[u8] = b"\0\r\nQUIT\n";

impl Flow {
    /// Whether the first bytes of the direction are a preamble, which is passed over then.
    pub(super) fn begins_with_preamble(&mut self, bytes: &[u8]) -> bool {
        if !self.fresh || matches!(self.state, State::Preamble(_)) || !is_preamble(bytes) {
            return false;
        }
        self.head.forget();
        self.state = State::Preamble(MAX_SEGMENTS);
        true
    }

    /// Passes over a preamble up to where HTTP begins: behind a PROXY header, else at the start of a
    /// segment.
    pub(super) fn preamble(
        &mut self,
        left: u8,
        bytes: &[u8],
        kind: Option<Kind>,
        messages: &mut impl Messages,
    ) -> (usize, Option<Signal>) {
        if let Some(len) = proxy_header(bytes) {
            self.state = State::Between;
            return (len, None);
        }
        match recognise(bytes) {
            Line::Start(_) | Line::Undecided | Line::Preface => {
                self.state = State::Between;
                (0, None)
            }
            Line::Nothing if left > 0 => {
                self.state = State::Preamble(left - 1);
                (bytes.len(), None)
            }
            Line::Nothing => (0, Some(self.lose_place(Signal::NotHttp, kind, messages))),
        }
    }
}

/// Whether bytes start as a preamble does.
fn is_preamble(bytes: &[u8]) -> bool {
    if proxy_header(bytes).is_some() {
        return true;
    }
    match *bytes {
        // SOCKS 5 (RFC 1928): how a client may prove itself, and what the proxy takes of that.
        [5, count, ref methods @ ..] if count > 0 && methods.len() == usize::from(count) => true,
        [5, 0 | 2 | 0xff] => true,
        // SOCKS 4: connect to a port of an address, in the name of a user; and the answer.
        [4, 1, _, _, _, _, _, _, ref user @ ..] => user.last() == Some(&0),
        [0, 0x5a..=0x5d, _, _, _, _, _, _] => true,
        _ => false,
    }
}

/// How long the PROXY header is that bytes start with.
fn proxy_header(bytes: &[u8]) -> Option<usize> {
    /// The longest one of version 1.
    const LONGEST: usize = 107;
    if bytes.starts_with(b"PROXY ") {
        let line = bytes.get(..LONGEST).unwrap_or(bytes);
        return memchr::memchr(b'\n', line).map(|end| end + 1);
    }
    let rest = bytes.strip_prefix(PROXY_2)?;
    let [_, _, high, low] = *rest.first_chunk()?;
    let len = PROXY_2.len() + 4 + usize::from(u16::from_be_bytes([high, low]));
    (len <= bytes.len()).then_some(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preambles_are_known_by_their_first_bytes() {
        for (bytes, is) in [
            (&b"PROXY TCP4 10.0.0.1 10.0.0.2 40000 80\r\nGET /"[..], true),
            (b"PROXY of something else", false),
            (b"\0\r\nQUIT\n\x21\x11\0\x01xGET /", true),
            (b"\0\r\nQUIT\n\x21\x11\xff\xffx", false),
            (b"\x05\x02\0\x02", true),
            (b"\x05\x02\0", false),
            (b"\x05\0", true),
            (b"\x04\x01\0\x50\x0a\0\0\x01me\0", true),
            (b"\0\x5a\0\0\0\0\0\0", true),
            (b"\0", false),
            (b"", false),
        ] {
            assert_eq!(is_preamble(bytes), is, "{bytes:?}");
        }
        let header = b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n";
        assert_eq!(proxy_header(header), Some(15));
    }
}
