//! The files of a guest: those of this machine at the same places, so that whatever names a path finds
//! it, and a few of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use super::archive::{Archive, Meta};

/// What a guest's first root will have.
#[derive(Default)]
pub(super) struct Tree {
    /// In the order of paths: a folder comes before what is in it.
    entries: BTreeMap<PathBuf, Entry>,
    /// Those whose libraries are not in yet.
    programs: BTreeSet<PathBuf>,
    /// Folders of this machine with all that is to be had of them.
    whole: BTreeSet<PathBuf>,
}

enum Entry {
    Folder,
    Link(PathBuf),
    /// The bytes of a file of this machine.
    Copy(PathBuf),
    /// Bytes of our own, to be run or not.
    Own(Vec<u8>, u32),
    Device(u32, u32),
}

impl Tree {
    /// Adds a file or folder of this machine, with the links that lead to it. Of folders, what `leave`
    /// says is left out.
    pub(super) fn mirror(
        &mut self,
        path: &Path,
        leave: &dyn Fn(&Path) -> bool,
    ) -> Result<(), String> {
        let real = self
            .follow(path)
            .map_err(|error| cannot_read(path, &error))?;
        self.mirror_real(&real, leave)
            .map_err(|error| cannot_read(path, &error))
    }

    /// Adds a file of this machine at another place.
    pub(super) fn copy(&mut self, from: &Path, to: &Path) {
        self.folders_above(to);
        if is_program(from) {
            self.programs.insert(from.to_owned());
        }
        self.entries
            .insert(to.to_owned(), Entry::Copy(from.to_owned()));
    }

    /// Adds a file of our own.
    pub(super) fn write(&mut self, path: impl AsRef<Path>, text: impl Into<Vec<u8>>, mode: u32) {
        self.folders_above(path.as_ref());
        self.entries
            .insert(path.as_ref().to_owned(), Entry::Own(text.into(), mode));
    }

    /// Adds a symbolic link.
    pub(super) fn link(&mut self, path: impl AsRef<Path>, target: impl AsRef<Path>) {
        self.folders_above(path.as_ref());
        let link = Entry::Link(target.as_ref().to_owned());
        self.entries.insert(path.as_ref().to_owned(), link);
    }

    /// Adds an empty folder, unless there is something.
    pub(super) fn folder(&mut self, path: impl AsRef<Path>) {
        self.folders_above(path.as_ref());
        self.entries
            .entry(path.as_ref().to_owned())
            .or_insert(Entry::Folder);
    }

    /// Adds a device for characters.
    pub(super) fn device(&mut self, path: impl AsRef<Path>, major: u32, minor: u32) {
        self.folders_above(path.as_ref());
        self.entries
            .insert(path.as_ref().to_owned(), Entry::Device(major, minor));
    }

    /// Adds the shared libraries of all programs and libraries that were added.
    pub(super) fn libraries(&mut self) -> Result<(), String> {
        let programs = std::mem::take(&mut self.programs);
        if programs.is_empty() {
            return Ok(());
        }
        // It ends with 1 when one of many is not dynamic, which is no fault.
        let output = Command::new("ldd")
            .args(&programs)
            .output()
            .map_err(|error| format!("cannot start ldd: {error}"))?;
        for library in libraries_of(&String::from_utf8_lossy(&output.stdout)) {
            self.mirror(&library, &|_| false)?;
        }
        // What a library needs is among what its program needs.
        self.programs.clear();
        Ok(())
    }

    /// Writes the archive.
    pub(super) fn pack(&self, file: &Path) -> Result<(), String> {
        for path in self.entries.keys() {
            let mut above = path.ancestors().skip(1);
            if let Some(link) =
                above.find(|above| matches!(self.entries.get(*above), Some(Entry::Link(_))))
            {
                // The kernel would follow it to where nothing is yet.
                return Err(format!(
                    "{} is in {}, a link",
                    path.display(),
                    link.display()
                ));
            }
        }
        let pack = || {
            let mut archive = Archive::new(BufWriter::with_capacity(1 << 20, File::create(file)?));
            for (path, entry) in &self.entries {
                if let Ok(name) = path.strip_prefix("/") {
                    let name = name.to_str().ok_or_else(|| io::Error::other("not UTF-8"))?;
                    add(&mut archive, name, entry).map_err(|error| {
                        io::Error::other(format!("{}: {error}", path.display()))
                    })?;
                }
            }
            archive.close()
        };
        pack().map_err(|error| format!("cannot write {}: {error}", file.display()))
    }

    /// Follows the links on the way to a file, adds them, and says where the file truly is.
    pub(super) fn follow(&mut self, path: &Path) -> io::Result<PathBuf> {
        let mut left: Vec<_> = components(path);
        let mut real = PathBuf::from("/");
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                real.pop();
                continue;
            }
            let here = real.join(&part);
            if !fs::symlink_metadata(&here)?.is_symlink() {
                real = here;
                continue;
            }
            links += 1;
            if links > 40 {
                return Err(io::Error::other("too many links"));
            }
            let target = fs::read_link(&here)?;
            self.link(&here, &target);
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            left.extend(components(&target));
        }
        Ok(real)
    }

    /// Adds a file or folder to which no link leads.
    fn mirror_real(&mut self, path: &Path, leave: &dyn Fn(&Path) -> bool) -> io::Result<()> {
        let meta = fs::symlink_metadata(path)?;
        if meta.is_symlink() {
            // Of a folder that is copied whole. Many a link there leads to nothing.
            return match self.follow(path) {
                Ok(real) if !leave(&real) => self.mirror_real(&real, leave),
                Ok(_) => Ok(()),
                Err(_) => {
                    self.entries.remove(path);
                    Ok(())
                }
            };
        }
        if meta.is_dir() {
            // A link may lead back to a folder that is above it.
            if !self.whole.insert(path.to_owned()) {
                return Ok(());
            }
            self.folder(path);
            for entry in fs::read_dir(path)? {
                let inside = entry?.path();
                if !leave(&inside) {
                    self.mirror_real(&inside, leave)?;
                }
            }
        } else if meta.is_file() && !self.entries.contains_key(path) {
            self.copy(path, path);
        }
        Ok(())
    }

    fn folders_above(&mut self, path: &Path) {
        for folder in path.ancestors().skip(1) {
            if folder == Path::new("/") {
                break;
            }
            self.entries
                .entry(folder.to_owned())
                .or_insert(Entry::Folder);
        }
    }
}

fn add(archive: &mut Archive<impl io::Write>, name: &str, entry: &Entry) -> io::Result<()> {
    let meta = |mode, modified, device| Meta {
        mode,
        modified,
        device,
    };
    match entry {
        Entry::Folder => archive.add(name, meta(0o040_755, 0, (0, 0)), 0, io::empty()),
        Entry::Link(target) => {
            let bytes = target.as_os_str().as_bytes();
            archive.add(
                name,
                meta(0o120_777, 0, (0, 0)),
                size(bytes.len() as u64)?,
                bytes,
            )
        }
        Entry::Own(bytes, mode) => {
            let meta = meta(0o100_000 | mode, 0, (0, 0));
            archive.add(name, meta, size(bytes.len() as u64)?, bytes.as_slice())
        }
        Entry::Device(major, minor) => {
            archive.add(name, meta(0o020_600, 0, (*major, *minor)), 0, io::empty())
        }
        Entry::Copy(from) => {
            let file = File::open(from)?;
            let has = file.metadata()?;
            let modified = u32::try_from(has.mtime()).unwrap_or(0);
            let meta = meta(0o100_000 | (has.mode() & 0o777), modified, (0, 0));
            archive.add(name, meta, size(has.len())?, file)
        }
    }
}

fn size(len: u64) -> io::Result<u32> {
    u32::try_from(len).map_err(|_| io::Error::other("more than 4 GiB"))
}

/// The parts of a path, the last one first.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .rev()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

fn is_program(file: &Path) -> bool {
    let mut start = [0; 4];
    File::open(file)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start == *b"\x7fELF")
}

/// The paths in what ldd prints: `name => /path (0x…)` and `/path (0x…)`.
fn libraries_of(said: &str) -> BTreeSet<PathBuf> {
    said.lines()
        .filter(|line| line.starts_with(char::is_whitespace))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect()
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot take {} into the guest: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_on_the_way_are_taken_along() {
        let folder = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(top.join("real/deep")).unwrap();
        fs::write(top.join("real/deep/file"), "text").unwrap();
        std::os::unix::fs::symlink("real", top.join("short")).unwrap();
        std::os::unix::fs::symlink("../deep/file", top.join("real/deep/again")).unwrap();
        let mut tree = Tree::default();
        tree.mirror(&top.join("short/deep/again"), &|_| false)
            .unwrap();
        let has = |name: &str| tree.entries.get(&top.join(name));
        assert!(matches!(has("short"), Some(Entry::Link(to)) if to == Path::new("real")));
        assert!(matches!(has("real/deep/again"), Some(Entry::Link(_))));
        assert!(matches!(has("real/deep/file"), Some(Entry::Copy(_))));
        assert!(has("short/deep").is_none());
    }

    #[test]
    fn what_is_to_be_left_out_of_a_folder_is() {
        let folder = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(folder.path()).unwrap();
        for name in ["a", "b"] {
            fs::write(top.join(name), name).unwrap();
        }
        let mut tree = Tree::default();
        tree.mirror(&top, &|path| path.ends_with("b")).unwrap();
        assert!(tree.entries.contains_key(&top.join("a")));
        assert!(!tree.entries.contains_key(&top.join("b")));
    }

    #[test]
    fn libraries_are_found_in_what_ldd_says() {
        let said = "/bin/a:\n\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x3)\n/bin/b:\n\tnot a dynamic executable\n";
        let found: Vec<_> = libraries_of(said).into_iter().collect();
        assert_eq!(
            found,
            [
                PathBuf::from("/lib/libc.so.6"),
                PathBuf::from("/lib64/ld-linux-x86-64.so.2")
            ]
        );
    }
}
