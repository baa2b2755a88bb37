//! What a container shows of its host: a part that is not there is named with the line that adds it.

use std::fmt;
use std::path::Path;

use super::pid_namespace;

/// A folder of the host that a container must be given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mount {
    /// What a manifest may call it.
    name: &'static str,
    /// Where it is on the host.
    host: &'static str,
    /// Where observer finds it.
    inside: &'static str,
}

impl Mount {
    /// The root of cgroup v2. Not in its usual place, where the container has its own group.
    pub(super) const CGROUP: Self = Self {
        name: "cgroup",
        host: "/sys/fs/cgroup",
        inside: "/host/cgroup",
    };
    /// What the kernel tells of the machine.
    pub(super) const SYS: Self = Self {
        name: "sys",
        host: "/sys",
        inside: "/sys",
    };
    /// The kernel's description of its types.
    const TYPES: Self = Self {
        name: "btf",
        host: "/sys/kernel/btf",
        inside: "/sys/kernel/btf",
    };
}

/// The lines to add.
impl fmt::Display for Mount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, host, inside } = self;
        write!(
            formatter,
            "docker run -v {host}:{inside}:ro, or in a Kubernetes manifest \
             `volumes: [{{name: {name}, hostPath: {{path: {host}}}}}]` for the pod and \
             `volumeMounts: [{{name: {name}, mountPath: {inside}, readOnly: true}}]` for the container"
        )
    }
}

/// Whether it is told how many processors there are, without which nobody can read counters that each
/// of them has.
pub(super) fn knows_processors() -> bool {
    Path::new("/sys/devices/system/cpu/possible").exists()
}

/// Why the kernel's types are not known.
pub(super) fn no_types(error: &impl fmt::Display) -> String {
    types_missing(Path::new("/sys/kernel").exists(), error)
}

fn types_missing(has_sysfs: bool, error: &impl fmt::Display) -> String {
    if has_sysfs {
        format!("this kernel does not describe its types in /sys/kernel/btf/vmlinux: {error}")
    } else {
        format!(
            "/sys/kernel/btf, where the kernel describes its types, is not mounted here; add it: {}",
            Mount::TYPES
        )
    }
}

/// Why processes outside of this container have no number, when that is so.
pub fn no_processes() -> Option<&'static str> {
    pid_namespace().map(|_| {
        "this container has a pid namespace of its own, so exchanges of processes outside have no \
         process; give it the host's: docker run --pid=host, or `hostPID: true` in a Kubernetes pod"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_written_as_people_add_it() {
        let text = Mount::CGROUP.to_string();
        for line in [
            "-v /sys/fs/cgroup:/host/cgroup:ro",
            "volumes: [{name: cgroup, hostPath: {path: /sys/fs/cgroup}}]",
            "volumeMounts: [{name: cgroup, mountPath: /host/cgroup, readOnly: true}]",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }

    #[test]
    fn types_are_missing_in_the_kernel_or_in_the_container() {
        let kernel = types_missing(true, &"not found");
        assert!(
            kernel.contains("this kernel") && !kernel.contains("-v "),
            "{kernel}"
        );
        let container = types_missing(false, &"not found");
        assert!(
            container.contains("-v /sys/kernel/btf:/sys/kernel/btf:ro"),
            "{container}"
        );
    }
}
