//! The bytes of a capture: a file or standard input, plain or compressed, through a bounded window.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use zeroize::Zeroize;

use super::error::{EndReason, Stop};

/// How much is read at once, and how much the window holds as long as no block is larger.
const READ: usize = 256 * 1024;

/// Opens a file, or standard input for `-`. What is read of a file is added to `position`.
pub(super) fn open(path: &Path, position: &Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
    if super::is_standard_input(path) {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(Counted {
        file: File::open(path)?,
        position: Arc::clone(position),
    }))
}

/// A file that tells how far it was read.
struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(space)?;
        self.position.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A part of the input, in one piece. Bytes stay where they are until [`Window::fill`] is called.
///
/// It holds raw bytes of other people's traffic: it has no `Debug`, and is wiped when dropped.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How many bytes of the input lie before `start`.
    offset: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl Window {
    /// Looks at the first bytes of `raw` and undoes the compression that they announce: gzip or zstd.
    pub(super) fn over(mut raw: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut first = Vec::with_capacity(4);
        raw.by_ref().take(4).read_to_end(&mut first)?;
        let kind = <[u8; 4]>::try_from(first.as_slice()).unwrap_or_default();
        let whole = Cursor::new(first).chain(raw);
        let input: Box<dyn Read + Send> = match kind {
            [0x1f, 0x8b, 8, _] => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(whole)?),
            _ => Box::new(whole),
        };
        Ok(Self {
            input,
            bytes: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            failure: None,
        })
    }

    /// Tries to have `len` bytes in the window, and gives how many there are: fewer only when the
    /// input has no more. The caller bounds `len`.
    #[inline]
    pub(super) fn fill(&mut self, len: usize) -> usize {
        if self.end - self.start < len && !self.ended {
            self.refill(len);
        }
        self.end - self.start
    }

    /// What is in the window.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the window starts, as an index for [`Window::at`].
    #[inline]
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Bytes by their index, which is good until [`Window::fill`] is called.
    #[inline]
    pub(super) fn at(&self, range: std::ops::Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Whether the input has no more than what is in the window.
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Moves the start over bytes that are in the window; they can still be had with [`Window::at`].
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    /// Moves the start over `len` bytes without keeping them. `false` when the input ends before.
    pub(super) fn skip(&mut self, mut len: u64) -> bool {
        loop {
            let here = self.end - self.start;
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(here);
            self.consume(step);
            len -= step as u64;
            if len == 0 {
                return true;
            }
            if self.fill(1) == 0 {
                return false;
            }
        }
    }

    /// How many bytes of the input, after decompression, lie before the window.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why there are fewer bytes than wanted: `None` at the end of the input.
    pub(super) fn failure(&mut self) -> Option<Stop> {
        let error = self.failure.take()?;
        Some(match (error.raw_os_error(), error.kind()) {
            (Some(_), _) => Stop::Io(error),
            (None, io::ErrorKind::UnexpectedEof) => Stop::Ended(EndReason::Truncated),
            (None, _) => Stop::Ended(EndReason::Damaged(format!(
                "the compressed data cannot be undone ({error})"
            ))),
        })
    }

    fn refill(&mut self, len: usize) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.bytes.len() < len.max(READ) {
            // Grown by hand: a vector that grows by itself leaves the old bytes behind, unwiped.
            let mut larger = vec![0; len.max(READ).next_power_of_two()];
            if let (Some(to), Some(from)) = (larger.get_mut(..self.end), self.bytes.get(..self.end))
            {
                to.copy_from_slice(from);
            }
            self.bytes.zeroize();
            self.bytes = larger;
        }
        while self.end < len && !self.ended {
            let Some(space) = self.bytes.get_mut(self.end..) else {
                return;
            };
            match self.input.read(space) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count.min(space.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(error);
                }
            }
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Gives one byte at a time: the worst that a pipe may do.
    struct Drip(Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let one = space.len().min(1);
            self.0.read(&mut space[..one])
        }
    }

    fn window(bytes: Vec<u8>) -> Window {
        Window::over(Box::new(Drip(Cursor::new(bytes)))).unwrap()
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn gives_the_same_bytes_plain_and_compressed() {
        let plain = pattern(READ + 1000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&plain).unwrap();
        let zstd = zstd::encode_all(plain.as_slice(), 1).unwrap();
        for packed in [plain.clone(), gzip.finish().unwrap(), zstd] {
            let mut window = window(packed);
            assert_eq!(window.fill(100), 100.max(window.bytes().len()));
            assert!(window.skip(90));
            assert!(window.fill(plain.len()) == plain.len() - 90);
            assert_eq!(window.bytes(), &plain[90..]);
            assert_eq!(window.offset(), 90);
            assert!(!window.skip(plain.len() as u64));
            assert!(window.failure().is_none());
        }
    }

    #[test]
    fn a_cut_archive_gives_what_it_has_and_is_truncated() {
        for pack in [
            |bytes: &[u8]| {
                let mut gzip =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
                gzip.write_all(bytes).unwrap();
                gzip.finish().unwrap()
            },
            |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap(),
        ] {
            let packed = pack(&pattern(300_000));
            let mut window = window(packed[..packed.len() - 5].to_vec());
            window.fill(300_001);
            assert!(matches!(
                window.failure(),
                Some(Stop::Ended(EndReason::Truncated))
            ));
        }
    }

    #[test]
    fn memory_stays_at_what_was_asked_for() {
        let mut window = window(pattern(3 * READ));
        window.fill(10);
        assert!(window.skip(2 * READ as u64));
        window.fill(READ);
        assert_eq!(window.bytes.len(), READ);
    }
}
