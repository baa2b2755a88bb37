//! A cpio archive in the "newc" form, which the kernel unpacks as its first root
//! (Documentation/driver-api/early-userspace/buffer-format.rst).

use std::io::{self, Read, Write};

/// An archive that is being written.
pub(super) struct Archive<W> {
    out: W,
    inode: u32,
    at: u64,
}

/// What the kernel knows of an entry besides its name and its bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Meta {
    /// Kind and permissions, as in `stat`.
    pub(super) mode: u32,
    /// Seconds since 1970. Python takes its compiled files for stale by it.
    pub(super) modified: u32,
    /// Of a device.
    pub(super) device: (u32, u32),
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            inode: 0,
            at: 0,
        }
    }

    /// Adds an entry of exactly `size` bytes. The name has no slash at its start.
    pub(super) fn add(
        &mut self,
        name: &str,
        meta: Meta,
        size: u32,
        bytes: impl Read,
    ) -> io::Result<()> {
        self.inode += 1;
        let fields = [
            self.inode,
            meta.mode,
            0, // user
            0, // group
            1, // links
            meta.modified,
            size,
            0, // device that it is on
            0,
            meta.device.0,
            meta.device.1,
            u32::try_from(name.len() + 1).map_err(io::Error::other)?,
            0, // no checksum in this form
        ];
        let mut head = String::from("070701");
        for field in fields {
            head.push_str(&format!("{field:08x}"));
        }
        self.write(head.as_bytes())?;
        self.write(name.as_bytes())?;
        self.write(&[0])?;
        self.pad()?;
        let copied = io::copy(&mut bytes.take(size.into()), &mut self.out)?;
        if copied != u64::from(size) {
            return Err(io::Error::other(format!("{name} became shorter meanwhile")));
        }
        self.at += copied;
        self.pad()
    }

    /// Writes what ends an archive.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.add("TRAILER!!!", Meta::default(), 0, io::empty())?;
        self.out.flush()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Heads and contents start at multiples of four bytes.
    fn pad(&mut self) -> io::Result<()> {
        let missing = self.at.next_multiple_of(4) - self.at;
        let zeros = [0; 3];
        self.write(zeros.get(..missing as usize).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_head_its_name_and_its_bytes_each_padded() {
        let mut out = Vec::new();
        let mut archive = Archive::new(&mut out);
        let meta = Meta {
            mode: 0o100_644,
            modified: 7,
            device: (0, 0),
        };
        archive.add("ab", meta, 5, &b"hello"[..]).unwrap();
        archive.close().unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("07070100000001000081a4"), "{text}");
        assert_eq!(text.get(46..62), Some("0000000700000005"), "{text}");
        // 110 bytes of head and three of name are padded to 116.
        assert_eq!(text.get(110..124), Some("ab\0\0\0\0hello\0\0\0"));
        assert_eq!(text.get(124..130), Some("070701"));
        assert!(text.trim_end_matches('\0').ends_with("TRAILER!!!"));
        assert_eq!(text.len() % 4, 0);
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let mut archive = Archive::new(Vec::new());
        let done = archive.add("a", Meta::default(), 9, &b"short"[..]);
        assert!(done.unwrap_err().to_string().contains("shorter"));
    }
}
