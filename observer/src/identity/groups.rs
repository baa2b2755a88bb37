//! From the id of a cgroup to its path.
//!
//! On version 2 the id is the number of the cgroup's folder, and is not used again. That is how the
//! container of a process is known that has ended meanwhile.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lru::LruCache;

use super::process::MAX_PATH;

/// Paths of cgroups by their ids.
pub(super) struct Groups {
    /// Where version 2 is mounted with the whole hierarchy. `None`: nowhere that is known.
    root: Option<PathBuf>,
    paths: LruCache<u64, Arc<str>>,
    walked: Option<Instant>,
}

/// How many paths are remembered, of 1 KiB at most and mostly of 100 bytes.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// How many folders are looked at in one walk: about 10 µs each.
const FOLDERS: usize = 4096;
/// How often the hierarchy is walked for an id that is not known.
const PAUSE: Duration = Duration::from_secs(10);

impl Groups {
    pub(super) fn below(root: Option<PathBuf>) -> Self {
        Self {
            root,
            paths: LruCache::new(REMEMBERED),
            walked: None,
        }
    }

    /// The path of a cgroup below the root. `id` is 0 when it is not known; `told` is what /proc says
    /// of a process that is in it now, perhaps from another point of view.
    pub(super) fn path(&mut self, id: u64, told: Option<&str>) -> Option<Arc<str>> {
        if id != 0 && self.root.is_some() {
            if let Some(path) = self.paths.get(&id) {
                return Some(Arc::clone(path));
            }
            if let Some(told) = told
                && self.is_at(id, told)
            {
                let path = Arc::<str>::from(told);
                self.paths.put(id, Arc::clone(&path));
                return Some(path);
            }
            if self.walked.is_none_or(|walked| walked.elapsed() >= PAUSE) {
                self.walk();
            }
            if let Some(path) = self.paths.get(&id) {
                return Some(Arc::clone(path));
            }
        }
        told.filter(|told| told.len() <= MAX_PATH)
            .map(seen_from_here)
    }

    fn is_at(&self, id: u64, path: &str) -> bool {
        let Some(root) = &self.root else {
            return false;
        };
        path.len() <= MAX_PATH
            && !path.contains("..")
            && fs::metadata(root.join(path.trim_start_matches('/')))
                .is_ok_and(|folder| folder.ino() == id)
    }

    /// Looks at every folder, the upper ones first.
    fn walk(&mut self) {
        self.walked = Some(Instant::now());
        let Some(root) = self.root.clone() else {
            return;
        };
        if let Ok(folder) = fs::metadata(&root) {
            self.paths.put(folder.ino(), Arc::from("/"));
        }
        let mut level = vec![root.clone()];
        let mut left = FOLDERS;
        while !level.is_empty() && left > 0 {
            let mut next = Vec::new();
            for folder in level {
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    if left == 0 || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                        continue;
                    }
                    left -= 1;
                    let path = entry.path();
                    if let Some(below) = below(&root, &path) {
                        self.paths.put(entry.ino(), below);
                    }
                    next.push(path);
                }
            }
            level = next;
        }
    }
}

fn below(root: &Path, path: &Path) -> Option<Arc<str>> {
    let below = path.strip_prefix(root).ok()?.to_str()?;
    (below.len() < MAX_PATH).then(|| Arc::from(format!("/{below}")))
}

/// A path as /proc gives it in a cgroup namespace of our own, where it leads up first.
fn seen_from_here(mut path: &str) -> Arc<str> {
    while let Some(up) = path.strip_prefix("/..")
        && (up.is_empty() || up.starts_with('/'))
    {
        path = up;
    }
    Arc::from(if path.is_empty() { "/" } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, u64) {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("system.slice/a.service");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("cgroup.procs"), "").unwrap();
        let id = fs::metadata(&folder).unwrap().ino();
        (root, id)
    }

    #[test]
    fn an_id_is_found_by_walking() {
        let (root, id) = tree();
        let mut groups = Groups::below(Some(root.path().to_owned()));
        let path = groups.path(id, None);
        assert_eq!(path.as_deref(), Some("/system.slice/a.service"));
        // What is gone is remembered, and the number does not come back.
        fs::remove_dir_all(root.path().join("system.slice")).unwrap();
        let path = groups.path(id, None);
        assert_eq!(path.as_deref(), Some("/system.slice/a.service"));
        assert_eq!(groups.path(id + 99_999, None), None);
    }

    #[test]
    fn what_is_told_counts_when_it_is_true_and_when_nothing_better_is_known() {
        let (root, id) = tree();
        let mut groups = Groups::below(Some(root.path().to_owned()));
        let told = Some("/system.slice/a.service");
        assert_eq!(groups.path(id, told).as_deref(), told);
        assert!(groups.walked.is_none(), "it was not needed");
        // It has moved, or is seen from elsewhere: the id knows better.
        let mut groups = Groups::below(Some(root.path().to_owned()));
        let path = groups.path(id, Some("/../b.service"));
        assert_eq!(path.as_deref(), Some("/system.slice/a.service"));
        let path = groups.path(id + 99_999, Some("/../../b.service"));
        assert_eq!(path.as_deref(), Some("/b.service"));
    }

    #[test]
    fn without_a_mount_what_is_told_counts() {
        let mut groups = Groups::below(None);
        assert_eq!(groups.path(7, Some("/a")).as_deref(), Some("/a"));
        assert_eq!(groups.path(7, Some("/..")).as_deref(), Some("/"));
        assert_eq!(groups.path(7, Some("/..a")).as_deref(), Some("/..a"));
        assert_eq!(groups.path(7, None), None);
    }
}
