//! A control group of version 2: what a container has as its own root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::wait_for;

/// A group under the root. It goes when this is dropped, and its processes are gone before.
pub struct Group {
    path: PathBuf,
}

impl Group {
    pub fn new(name: &str) -> Self {
        let path = root().join(name);
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    /// A command that will run in it, where /sys/fs/cgroup is the root of version 2 and nothing
    /// else: crun takes no host that has version 1 beside it.
    pub fn command(&self, program: &str) -> Command {
        const SCRIPT: &str =
            "echo $$ > \"$0\" && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", SCRIPT])
            .args([self.path.join("cgroup.procs").as_path(), Path::new(program)]);
        command
    }

    /// Ends all of its processes.
    pub fn kill(&self) {
        fs::write(self.path.join("cgroup.kill"), "1").unwrap();
        wait_for("end of a group's processes", || {
            fs::read_to_string(self.path.join("cgroup.procs")).is_ok_and(|left| left.is_empty())
        });
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.path);
    }
}

/// Where the root of version 2 is mounted.
fn root() -> PathBuf {
    fs::read_to_string("/proc/self/mountinfo")
        .unwrap()
        .lines()
        .find(|line| line.contains(" - cgroup2 "))
        .and_then(|line| line.split(' ').nth(4))
        .expect("a mount of cgroup v2")
        .into()
}
