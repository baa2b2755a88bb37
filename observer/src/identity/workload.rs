//! What the path of a cgroup says: the container and the systemd unit that a process is of.
//!
//! Container runtimes name the cgroup of a container after its id, with one of two drivers: `cgroupfs`
//! makes folders (`/docker/ID`), `systemd` makes scopes (`docker-ID.scope`) inside of slices. Containers
//! may lie in containers; the innermost one counts.

/// What was found in a path.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Workload {
    /// The id of the container and who runs it.
    pub(super) container: Option<(String, Option<&'static str>)>,
    /// The unit, with its suffix.
    pub(super) unit: Option<String>,
}

impl Workload {
    /// From the paths of a process in each hierarchy, that of version 2 first.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut workload = Self::default();
        for path in paths {
            let segments: Vec<&str> = path.split('/').collect();
            if workload.container.is_none() {
                workload.container = container(&segments);
            }
            if workload.unit.is_none() {
                workload.unit = unit(&segments);
            }
        }
        workload
    }
}

/// What stands before the id of a container in the name of its cgroup.
const PREFIXES: [(&str, &str); 7] = [
    ("docker", "docker"),
    ("cri-containerd", "containerd"),
    ("nerdctl", "containerd"),
    ("crio", "cri-o"),
    ("libpod", "podman"),
    ("libpod-payload", "podman"),
    ("crun", "crun"),
];

/// The folders in which a runtime keeps the folders of its containers. Kubernetes has folders too, for
/// any runtime: they do not tell which.
const FOLDERS: [(&str, &str); 4] = [
    ("docker", "docker"),
    ("default", "containerd"),
    ("libpod_parent", "podman"),
    ("lxc", "lxc"),
];

fn container(segments: &[&str]) -> Option<(String, Option<&'static str>)> {
    segments.iter().enumerate().rev().find_map(|(at, segment)| {
        let above = at.checked_sub(1).and_then(|at| segments.get(at)).copied();
        scope(segment).or_else(|| folder(segment, above.unwrap_or_default()))
    })
}

/// `docker-ID.scope`, `SLICE:docker:ID`, `libpod-ID`, `lxc.payload.NAME`.
fn scope(segment: &str) -> Option<(String, Option<&'static str>)> {
    if let Some(name) = segment.strip_prefix("lxc.payload.") {
        return is_name(name).then(|| (name.to_owned(), Some("lxc")));
    }
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    let (before, id) = name.rsplit_once(['-', ':'])?;
    if !is_id(id) {
        return None;
    }
    // The path of a slice may stand before: `kubepods-burstable-podUID.slice:cri-containerd:ID`.
    let prefix = before.rsplit(':').next().unwrap_or(before);
    let (_, runtime) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    Some((id.to_owned(), Some(runtime)))
}

/// `docker/ID`, `kubepods/burstable/podUID/ID`, `ecs/TASK/ID`, `lxc/NAME`.
fn folder(segment: &str, above: &str) -> Option<(String, Option<&'static str>)> {
    let runtime = FOLDERS.iter().find(|(known, _)| *known == above);
    if above == "lxc" {
        return is_name(segment).then(|| (segment.to_owned(), Some("lxc")));
    }
    // The parts of a unit's cgroup may be called as it pleases.
    let of_unit = [".service", ".slice"]
        .iter()
        .any(|suffix| above.ends_with(suffix));
    (is_id(segment) && !of_unit).then(|| (segment.to_owned(), runtime.map(|(_, runtime)| *runtime)))
}

/// 64 hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64
}

/// The innermost service. The manager of a user is no service of the user; the scope of a session or
/// of a program that was started by hand is none either.
fn unit(segments: &[&str]) -> Option<String> {
    segments
        .iter()
        .rev()
        .find(|segment| {
            segment
                .strip_suffix(".service")
                .is_some_and(|name| !name.is_empty() && !is_manager(name))
        })
        .map(|segment| unescaped(segment))
}

fn is_manager(name: &str) -> bool {
    name.strip_prefix("user@")
        .is_some_and(|user| user.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The name of a unit whose folder would be read as something else has `_` before it.
fn unescaped(segment: &str) -> String {
    segment.strip_prefix('_').unwrap_or(segment).to_owned()
}

/// What a service is called after its unit. `None`: the unit is of one run alone (`run-u12.service`,
/// of systemd-run), and the next has another name.
pub(super) fn service_of(unit: &str) -> Option<&str> {
    let name = unit.strip_suffix(".service")?;
    let transient = name.strip_prefix("run-").is_some_and(|rest| {
        let number = rest.strip_prefix(['u', 'r', 'p']).unwrap_or(rest);
        number.starts_with(|first: char| first.is_ascii_hexdigit())
            && number
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-' || byte == b'i')
    });
    if transient {
        return None;
    }
    match name.split_once('@') {
        // An instance for each connection: `sshd@3-10.0.0.1:22-10.0.0.9:4711`.
        Some((template, instance)) if of_connection(instance) => Some(template),
        _ => Some(name),
    }
}

fn of_connection(instance: &str) -> bool {
    let mut parts = instance.split('-');
    let number = parts
        .next()
        .is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    number && parts.filter(|part| part.contains(':')).count() == 2
}

#[cfg(test)]
mod tests;
