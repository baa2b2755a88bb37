//! A cgroup (version 2) of a test's own, called as a runtime or systemd would call it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A cgroup below the root. It goes when this is dropped.
pub struct Group {
    /// The folders that were made for it, outermost first.
    made: Vec<PathBuf>,
    folder: PathBuf,
    pub path: String,
}

impl Group {
    /// `path` starts with a slash.
    pub fn new(path: &str) -> Self {
        let mut folder = root();
        let mut made = Vec::new();
        for part in Path::new(path.trim_start_matches('/')) {
            folder.push(part);
            if !folder.exists() {
                fs::create_dir(&folder).unwrap();
                made.push(folder.clone());
            }
        }
        Self {
            made,
            folder,
            path: path.to_owned(),
        }
    }

    /// A command that will run in it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"echo $$ > "$0" && exec "$@""#])
            .arg(self.folder.join("cgroup.procs"))
            .arg(program);
        command
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        for folder in self.made.iter().rev() {
            // Whoever was in it may need a moment to be gone.
            while fs::remove_dir(folder).is_err() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Where cgroup v2 is mounted.
fn root() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mount = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .find(|fields| fields.get(2) == Some(&"cgroup2"))
        .expect("cgroup v2 is mounted");
    PathBuf::from(mount[1])
}
