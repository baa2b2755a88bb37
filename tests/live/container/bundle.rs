//! A container as an OCI runtime starts it (crun), from a root file system and a config.json.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use observer_tests::programs;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cgroup::Group;
use super::files::Image;
use crate::lab::{signal, wait_for};
use crate::namespace::Namespace;

/// How a container is separated from its host, and what it is given.
#[derive(Default)]
pub struct Shape<'a> {
    /// Its network. `None`: the host's.
    pub network: Option<&'a Namespace>,
    /// Whether its processes have numbers of their own.
    pub own_pids: bool,
    /// What observer wants and does not get.
    pub without: Option<Kind>,
    /// A capability of the table that it lacks.
    pub lacks: Option<&'static str>,
    /// What its first process may do.
    pub capabilities: Vec<String>,
    /// What it is given of its host, to read: from where, and to where.
    pub given: Vec<(String, String)>,
    /// Whether it has a folder to write to, /tmp; observer has none.
    pub scratch: bool,
}

/// A mount that observer wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The host's root of cgroup v2; the container's own group is there.
    HostCgroup,
    /// That and the container's own group.
    AllCgroups,
    /// /sys.
    Sys,
    /// /sys/kernel, where the kernel describes its types.
    Types,
}

impl Shape<'_> {
    /// As any service.
    pub fn service() -> Self {
        Self {
            own_pids: true,
            capabilities: ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"]
                .map(str::to_owned)
                .to_vec(),
            scratch: true,
            ..Self::default()
        }
    }

    fn configuration(&self, image: &Image) -> Value {
        let capabilities: Vec<_> = self
            .capabilities
            .iter()
            .filter(|name| Some(name.as_str()) != self.lacks)
            .collect();
        let mut namespaces = vec![
            json!({"type": "mount"}),
            json!({"type": "cgroup"}),
            json!({"type": "ipc"}),
            json!({"type": "uts"}),
        ];
        if self.own_pids {
            namespaces.push(json!({"type": "pid"}));
        }
        if let Some(network) = self.network {
            namespaces.push(json!({"type": "network", "path": network.path()}));
        }
        json!({
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": image.command,
                "env": ["PATH=/"],
                "cwd": "/",
                "capabilities": {
                    "bounding": capabilities,
                    "effective": capabilities,
                    "permitted": capabilities,
                },
                "noNewPrivileges": true,
            },
            "root": {"path": "root", "readonly": true},
            "hostname": "contained",
            "mounts": self.mounts(),
            "linux": {
                "namespaces": namespaces,
                // As docker and podman have it.
                "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
            },
        })
    }

    fn mounts(&self) -> Vec<Value> {
        let fresh = |place, kind, options: &[&str]| json!({"destination": place, "type": kind, "source": kind, "options": options});
        let of_host = |place: &str, host: &str| json!({"destination": place, "type": "none", "source": host, "options": ["rbind", "ro"]});
        let read = ["nosuid", "noexec", "nodev", "ro"];
        let mut mounts = vec![
            fresh("/proc", "proc", &read[..3]),
            fresh("/dev", "tmpfs", &["nosuid", "mode=755"]),
        ];
        match self.without {
            Some(Kind::Sys) => {}
            Some(Kind::Types) => mounts.push(of_host("/sys/devices", "/sys/devices")),
            Some(Kind::AllCgroups) => mounts.push(fresh("/sys", "sysfs", &read)),
            Some(Kind::HostCgroup) | None => {
                mounts.push(fresh("/sys", "sysfs", &read));
                mounts.push(fresh("/sys/fs/cgroup", "cgroup2", &read));
            }
        }
        if self.scratch {
            mounts.push(fresh("/tmp", "tmpfs", &["nosuid", "nodev"]));
        }
        if !matches!(self.without, Some(Kind::HostCgroup | Kind::AllCgroups)) {
            mounts.extend(self.given.iter().map(|(host, place)| of_host(place, host)));
        }
        mounts
    }
}

/// A running container. It ends when this is dropped.
pub struct Container {
    child: Child,
    name: String,
    folder: TempDir,
    group: Group,
}

impl Container {
    /// Starts it, in a control group of its own.
    pub fn start(image: &Image, shape: &Shape<'_>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("observer-test-{}-{number}", std::process::id());
        let folder = TempDir::new().unwrap();
        lay_out(image, &folder.path().join("root"));
        let configuration = shape.configuration(image).to_string();
        fs::write(folder.path().join("config.json"), configuration).unwrap();
        let group = Group::new(&name);
        let mut crun = group.command("crun");
        let child = crun
            // Control groups are as they are: some hosts let nobody make those of version 1.
            .arg("--cgroup-manager=disabled")
            .arg("--root")
            .arg(folder.path().join("state"))
            .args(["run", "--bundle"])
            .arg(folder.path())
            .arg("--pid-file")
            .args([folder.path().join("pid").as_path(), Path::new(&name)])
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("stdout")).unwrap())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .expect("starting crun; `cargo xtask test` installs it");
        Self {
            child,
            name,
            folder,
            group,
        }
    }

    /// What it wrote to standard error so far.
    pub fn said(&self) -> String {
        self.read("stderr")
    }

    /// Its control group, as its host calls it.
    pub fn group(&self) -> String {
        format!("/{}", self.name)
    }

    /// Whether a process is one of its own.
    pub fn has(&self, pid: u64) -> bool {
        fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|groups| {
            groups
                .lines()
                .any(|line| line == format!("0::{}", self.group()))
        })
    }

    /// Asks it to end as Ctrl-C does. Gives its exit code and what it wrote.
    pub fn stop(self) -> (Option<i32>, String, String) {
        signal("INT", self.read("pid").parse().unwrap());
        self.ended()
    }

    /// Waits for its end. Gives its exit code and what it wrote.
    pub fn ended(mut self) -> (Option<i32>, String, String) {
        let mut status = None;
        wait_for("end of a container", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let code = status.unwrap().code();
        (code, self.read("stdout"), self.read("stderr"))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.group.kill();
        let _ = self.child.wait();
    }
}

fn lay_out(image: &Image, root: &Path) {
    let inside = |path: &Path| root.join(path.strip_prefix("/").unwrap());
    for place in ["proc", "sys/devices", "dev", "tmp", "host/cgroup"] {
        fs::create_dir_all(root.join(place)).unwrap();
    }
    for (from, to) in &image.files {
        let to = inside(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        programs::copy(from, &to);
    }
    for (path, text) in &image.texts {
        let path = inside(Path::new(path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
