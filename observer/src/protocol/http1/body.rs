//! Where a body ends (RFC 9112 section 6), without keeping it.

/// A body that is being passed over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// So many bytes are left.
    Length(u64),
    /// The chunked coding, RFC 9112 section 7.1.
    Chunked(Chunked),
    /// It ends with the direction.
    UntilClose,
}

/// Where in the chunked coding we are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Chunked {
    /// In the size of a chunk: its value and number of digits so far.
    Size(u64, u8),
    /// Behind the size, up to the end of the line.
    Extension(u64),
    /// So many bytes of the chunk are left.
    Data(u64),
    /// At the line end after a chunk.
    DataEnd,
    /// In the trailer section, in a line with so many bytes (0, 1, more).
    Trailer(u8),
}

/// What became of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// The body goes on.
    More,
    /// That was its end.
    Done,
    /// The coding is broken: nobody knows where the body ends.
    Broken,
}

impl Body {
    pub(super) const CHUNKED: Self = Self::Chunked(Chunked::Size(0, 0));

    /// Takes bytes from the start of `bytes`: how many, whether they are content, and what now.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, bool, Step) {
        match self {
            Self::Length(left) => {
                let used = clamp(*left, bytes.len());
                *left -= used as u64;
                (used, true, if *left == 0 { Step::Done } else { Step::More })
            }
            Self::Chunked(chunked) => chunked.advance(bytes),
            Self::UntilClose => (bytes.len(), true, Step::More),
        }
    }

    /// How many of the next bytes are content for certain.
    pub(super) fn certain(&self) -> u64 {
        match self {
            Self::Length(left) | Self::Chunked(Chunked::Data(left)) => *left,
            Self::Chunked(_) => 0,
            Self::UntilClose => u64::MAX,
        }
    }

    /// Passes over `len` bytes that are missing. `Broken` when the end may have been among them.
    pub(super) fn pass(&mut self, len: u64) -> Step {
        match self {
            Self::Length(left) if len <= *left => {
                *left -= len;
                if *left == 0 { Step::Done } else { Step::More }
            }
            Self::Chunked(Chunked::Data(left)) if len < *left => {
                *left -= len;
                Step::More
            }
            Self::Chunked(chunked @ Chunked::Data(_)) if len == chunked.left() => {
                *chunked = Chunked::DataEnd;
                Step::More
            }
            _ => Step::Broken,
        }
    }
}

impl Chunked {
    fn left(self) -> u64 {
        match self {
            Self::Data(left) => left,
            _ => 0,
        }
    }

    fn advance(&mut self, bytes: &[u8]) -> (usize, bool, Step) {
        if let Self::Data(left) = self {
            let used = clamp(*left, bytes.len());
            *left -= used as u64;
            if *left == 0 {
                *self = Self::DataEnd;
            }
            return (used, true, Step::More);
        }
        let Some(byte) = bytes.first() else {
            return (0, false, Step::More);
        };
        (1, false, self.framing(*byte))
    }

    fn framing(&mut self, byte: u8) -> Step {
        match (*self, byte) {
            (Self::Size(size, digits), byte) if byte.is_ascii_hexdigit() => {
                // 15 digits are a million terabytes; more would run over.
                if digits >= 15 {
                    return Step::Broken;
                }
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                *self = Self::Size(size << 4 | digit, digits + 1);
            }
            (Self::Size(_, 0), _) => return Step::Broken,
            (Self::Size(size, _) | Self::Extension(size), b'\n') => {
                *self = if size == 0 {
                    Self::Trailer(0)
                } else {
                    Self::Data(size)
                };
            }
            (Self::Size(size, _), b'\r' | b';' | b' ' | b'\t') => *self = Self::Extension(size),
            (Self::Size(..), _) => return Step::Broken,
            (Self::Extension(_), _) | (Self::DataEnd, b'\r') => {}
            (Self::DataEnd, b'\n') => *self = Self::Size(0, 0),
            (Self::DataEnd, _) => return Step::Broken,
            // An empty line ends the trailer section; a lone CR before LF does not count.
            (Self::Trailer(0), b'\n') => return Step::Done,
            (Self::Trailer(1), b'\n') => return Step::Done,
            (Self::Trailer(_), b'\n') => *self = Self::Trailer(0),
            (Self::Trailer(0), b'\r') => *self = Self::Trailer(1),
            (Self::Trailer(_), _) => *self = Self::Trailer(2),
            (Self::Data(_), _) => {}
        }
        Step::More
    }
}

/// The smaller of both.
fn clamp(left: u64, have: usize) -> usize {
    usize::try_from(left).map_or(have, |left| left.min(have))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: Body, bytes: &[u8]) -> (Vec<u8>, usize, Step) {
        let (mut body, mut content, mut at) = (body, Vec::new(), 0);
        loop {
            let (used, is_content, step) = body.advance(&bytes[at..]);
            if is_content {
                content.extend_from_slice(&bytes[at..at + used]);
            }
            at += used;
            if step != Step::More || at == bytes.len() {
                return (content, at, step);
            }
        }
    }

    #[test]
    fn chunking_is_undone_up_to_the_last_byte() {
        let wire = b"4;a=b\r\nWiki\r\n5\r\npedia\r\n0\r\nX-Sum: 1\r\n\r\nGET";
        let (content, used, step) = decode(Body::CHUNKED, wire);
        assert_eq!(content, b"Wikipedia");
        assert_eq!((used, step), (wire.len() - 3, Step::Done));
    }

    #[test]
    fn a_size_that_is_none_breaks_the_coding() {
        for wire in [
            &b"x\r\n"[..],
            b"\r\n",
            b"fffffffffffffffff\r\n",
            b"3\r\nabcd",
        ] {
            assert_eq!(decode(Body::CHUNKED, wire).2, Step::Broken, "{wire:?}");
        }
    }

    #[test]
    fn a_hole_inside_known_content_keeps_the_place() {
        let mut body = Body::Length(10);
        assert_eq!(body.pass(9), Step::More);
        assert_eq!(body.pass(1), Step::Done);
        assert_eq!(Body::Length(10).pass(11), Step::Broken);
        let mut body = Body::Chunked(Chunked::Data(4));
        assert_eq!(body.pass(4), Step::More);
        assert_eq!(decode(body, b"\r\n0\r\n\r\n").2, Step::Done);
        let mut body = Body::CHUNKED;
        assert_eq!(body.pass(1), Step::Broken);
    }
}
