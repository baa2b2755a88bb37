//! Takes records apart. What the ring holds was written by our programs, and is checked all the same.

use super::{Executed, Handled, Header, Kind, Segment, Unix};

/// A record, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Record<'a> {
    /// A segment and its copied bytes.
    Segment(Segment, &'a [u8]),
    /// A thread handled a head.
    Handled(Handled),
    /// A socket is closed.
    Closed(Header),
    /// A process started a program.
    Executed(Executed),
    /// The ends of a unix socket.
    Unix(Unix),
}

/// Takes a record apart. `None`: its kind is not known, or it is shorter than it says.
pub fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let header: Header = plain(bytes)?;
    match header.kind {
        kind if kind == Kind::Segment as u8 => {
            let segment = plain::<Segment>(bytes)?;
            let payload = bytes
                .get(size_of::<Segment>()..)?
                .get(..usize::try_from(header.payload).ok()?)?;
            Some(Record::Segment(segment, payload))
        }
        kind if kind == Kind::Handled as u8 => plain(bytes).map(Record::Handled),
        kind if kind == Kind::Closed as u8 => Some(Record::Closed(header)),
        kind if kind == Kind::Executed as u8 => plain(bytes).map(Record::Executed),
        kind if kind == Kind::Unix as u8 => plain(bytes).map(Record::Unix),
        _ => None,
    }
}

/// Types of which every bit pattern is a value, without padding.
trait Plain: Copy {}
impl Plain for Header {}
impl Plain for Segment {}
impl Plain for Handled {}
impl Plain for Executed {}
impl Plain for Unix {}

fn plain<T: Plain>(bytes: &[u8]) -> Option<T> {
    let bytes = bytes.get(..size_of::<T>())?;
    // SAFETY: `bytes` is as long as `T`, every bit pattern is a `T`, and alignment is not assumed.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_of<T: Plain>(record: &T) -> Vec<u8> {
        let start = std::ptr::from_ref(record).cast::<u8>();
        // SAFETY: `T` is plain: initialised in every byte.
        unsafe { std::slice::from_raw_parts(start, size_of::<T>()) }.to_vec()
    }

    fn segment(payload: u32) -> Segment {
        Segment {
            header: Header {
                cookie: 7,
                payload,
                kind: Kind::Segment as u8,
                ..Header::default()
            },
            seq: 9,
            ..Segment::default()
        }
    }

    #[test]
    fn a_segment_comes_back_with_its_bytes() {
        let segment = segment(3);
        let mut bytes = bytes_of(&segment);
        // A record of a size class is longer than what it holds.
        bytes.extend_from_slice(b"abcdefgh");
        assert_eq!(decode(&bytes), Some(Record::Segment(segment, b"abc")));
    }

    #[test]
    fn a_record_that_is_shorter_than_it_says_is_refused() {
        let mut bytes = bytes_of(&segment(9));
        bytes.extend_from_slice(b"abcdefgh");
        assert_eq!(decode(&bytes), None);
        assert_eq!(decode(&bytes[..119]), None);
        assert_eq!(decode(&bytes[..23]), None);
    }

    #[test]
    fn a_kind_that_is_not_known_is_refused() {
        let mut segment = segment(0);
        segment.header.kind = 99;
        assert_eq!(decode(&bytes_of(&segment)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(Record::Segment(segment, payload)) = decode(&bytes) {
                prop_assert_eq!(payload.len(), segment.header.payload as usize);
            }
        }
    }
}
