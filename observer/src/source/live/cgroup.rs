//! The root of cgroup v2: one attachment there sees every process of the host.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use procfs::process::Process;

use super::container::Mount;

/// The root's directory, and where it is mounted.
pub(super) struct Root {
    pub(super) directory: File,
    pub(super) path: PathBuf,
}

/// Finds and opens the root of cgroup v2.
///
/// It is the directory with inode 1. In a container the file system of the right type may show the
/// container's own group as if it were the root: observer would see itself and nobody else.
pub(super) fn root() -> Result<Root, CgroupError> {
    choose(mounts()?, |path| fs::metadata(path).map(|it| it.ino())).and_then(
        |path| match File::open(&path) {
            Ok(directory) => Ok(Root { directory, path }),
            Err(source) => Err(CgroupError::Open { path, source }),
        },
    )
}

/// Where cgroup v2 is mounted.
fn mounts() -> Result<Vec<PathBuf>, CgroupError> {
    let mounts = Process::myself()
        .and_then(|process| process.mountinfo())
        .map_err(|error| CgroupError::Mounts(error.to_string()))?;
    Ok(mounts
        .into_iter()
        .filter(|mount| mount.fs_type == "cgroup2")
        .map(|mount| mount.mount_point)
        .collect())
}

fn choose(
    mounts: Vec<PathBuf>,
    inode: impl Fn(&Path) -> io::Result<u64>,
) -> Result<PathBuf, CgroupError> {
    let Some(first) = mounts.first().cloned() else {
        return Err(CgroupError::NotMounted);
    };
    mounts
        .into_iter()
        .find(|path| inode(path).is_ok_and(|inode| inode == ROOT_INODE))
        .ok_or(CgroupError::NotTheHosts(first))
}

const ROOT_INODE: u64 = 1;

/// Why the root of cgroup v2 cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// /proc cannot be read.
    #[error(
        "reading /proc/self/mountinfo to find cgroup v2 failed: {0}; mount /proc: mount -t proc proc \
         /proc (containers have it unless their configuration leaves it out)"
    )]
    Mounts(String),
    /// Nowhere.
    #[error(
        "cgroup v2 is mounted nowhere, and observer attaches its programs to its root; \
         in a container, give it the host's: {}; on a host, mount it: mkdir -p /run/observer/cgroup \
         && mount -t cgroup2 none /run/observer/cgroup",
        Mount::CGROUP
    )]
    NotMounted,
    /// Only a part of the hierarchy is visible.
    #[error(
        "{} is not the root of the host's cgroup v2 but the group of this container, where observer \
         would see itself alone; give it the host's: {}",
        .0.display(),
        Mount::CGROUP
    )]
    NotTheHosts(PathBuf),
    /// It is there and does not open.
    #[error(
        "opening {path}, the root of cgroup v2, failed: {source}; it is open to all unless a security \
         module or the permissions of a folder above it forbid that"
    )]
    Open {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(mounts: &[(&str, u64)]) -> Result<PathBuf, CgroupError> {
        let paths = mounts.iter().map(|(path, _)| PathBuf::from(path)).collect();
        choose(paths, |path| {
            mounts
                .iter()
                .find(|(known, _)| Path::new(known) == path)
                .map(|(_, inode)| *inode)
                .ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    #[test]
    fn the_root_is_the_one_with_inode_1() {
        let mounts = [("/sys/fs/cgroup", 4711), ("/host/sys/fs/cgroup", 1)];
        assert_eq!(pick(&mounts).unwrap(), Path::new("/host/sys/fs/cgroup"));
    }

    #[test]
    fn a_container_of_its_own_is_named() {
        let error = pick(&[("/sys/fs/cgroup", 4711)]).unwrap_err().to_string();
        assert!(
            error.starts_with("/sys/fs/cgroup is not the root"),
            "{error}"
        );
        assert!(
            error.contains("-v /sys/fs/cgroup:/host/cgroup:ro"),
            "{error}"
        );
    }

    #[test]
    fn without_cgroup_v2_the_mount_is_told() {
        let error = pick(&[]).unwrap_err();
        for way in ["mount -t cgroup2", "-v /sys/fs/cgroup:/host/cgroup:ro"] {
            assert!(error.to_string().contains(way), "no {way} in {error}");
        }
    }
}
