//! A folder of the demo's own for the files that it hands to the other stages.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::Error;

/// A folder that nobody else can read. It goes when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one below the system's folder for temporary files.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("observer-demo-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| cannot_write(&path, source))?;
        Ok(Self(path))
    }

    /// Writes a file in it and gives its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.0.join(name);
        fs::write(&path, bytes).map_err(|source| cannot_write(&path, source))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "cannot remove the demo's folder");
        }
    }
}

fn cannot_write(path: &Path, source: io::Error) -> Error {
    Error::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_its_files() {
        let folder = Folder::new().unwrap();
        let file = folder.file("a", b"b").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"b");
        drop(folder);
        assert!(!file.exists());
    }
}
