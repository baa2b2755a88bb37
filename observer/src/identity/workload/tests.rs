use super::*;

const ID: &str = "4f1e0d6ea2a5ecc8d3a39a4a4f4f2a1c8d0b8c1b5a1e6c7d9f0a2b3c4d5e6f70";
const OUTER: &str = "00aa11bb22cc33dd44ee55ff66007788990011223344556677889900aabbccdd";

/// The id of a container, and its runtime (`-`: not said).
type Contained = Option<(&'static str, &'static str)>;

/// A path, the container, the unit. `{}` is an id.
const PATHS: &[(&str, Contained, Option<&str>)] = &[
    // Docker.
    ("/docker/{}", Some(("{}", "docker")), None),
    ("/docker/{}/init", Some(("{}", "docker")), None),
    (
        "/system.slice/docker-{}.scope",
        Some(("{}", "docker")),
        None,
    ),
    (
        "/system.slice/docker-{}.scope/app",
        Some(("{}", "docker")),
        None,
    ),
    ("/system.slice:docker:{}", Some(("{}", "docker")), None),
    ("/actions_job/{}", Some(("{}", "-")), None),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{}.scope",
        Some(("{}", "docker")),
        None,
    ),
    // Kubernetes: containerd, CRI-O, Docker; burstable, best effort, guaranteed.
    (
        "/kubepods/burstable/pod31dd0274-bb43-4975-bdbc-7e10047a23f8/{}",
        Some(("{}", "-")),
        None,
    ),
    (
        "/kubepods/pod31dd0274-bb43-4975-bdbc-7e10047a23f8/{}",
        Some(("{}", "-")),
        None,
    ),
    (
        "/kubepods/besteffort/podad1189b1-1e9a-4f8c-bd3c-2d5f2e4a2f3b/crio-{}",
        Some(("{}", "cri-o")),
        None,
    ),
    (
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod31dd0274_bb43_4975.slice/cri-containerd-{}.scope",
        Some(("{}", "containerd")),
        None,
    ),
    (
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podad1189b1.slice/crio-{}.scope",
        Some(("{}", "cri-o")),
        None,
    ),
    (
        "/kubepods.slice/kubepods-podad1189b1.slice/docker-{}.scope",
        Some(("{}", "docker")),
        None,
    ),
    (
        "/system.slice/containerd.service/kubepods-burstable-pod31dd0274_bb43.slice:cri-containerd:{}",
        Some(("{}", "containerd")),
        Some("containerd.service"),
    ),
    (
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod3f5a.slice/cri-containerd-{}.scope",
        Some(("{}", "containerd")),
        None,
    ),
    // The monitor of a container is not in it.
    ("/machine.slice/libpod-conmon-{}.scope", None, None),
    ("/system.slice/crio-conmon-{}.scope", None, None),
    // containerd without Kubernetes.
    ("/default/{}", Some(("{}", "containerd")), None),
    (
        "/system.slice/nerdctl-{}.scope",
        Some(("{}", "containerd")),
        None,
    ),
    // Podman: with and without root, in a pod, as a unit.
    (
        "/machine.slice/libpod-{}.scope",
        Some(("{}", "podman")),
        None,
    ),
    (
        "/machine.slice/libpod-{}.scope/container",
        Some(("{}", "podman")),
        None,
    ),
    ("/libpod_parent/libpod-{}", Some(("{}", "podman")), None),
    (
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope/container",
        Some(("{}", "podman")),
        None,
    ),
    (
        "/machine.slice/machine-libpod_pod_{}.slice/libpod-{}.scope",
        Some(("{}", "podman")),
        None,
    ),
    (
        "/system.slice/web.service/libpod-payload-{}",
        Some(("{}", "podman")),
        Some("web.service"),
    ),
    // crun by itself.
    ("/user.slice/crun-{}.scope", Some(("{}", "crun")), None),
    // Amazon ECS.
    (
        "/ecs/0b5d7c1a2e3f4a5b8c9d0e1f2a3b4c5d/{}",
        Some(("{}", "-")),
        None,
    ),
    // LXC.
    ("/lxc/mail", Some(("mail", "lxc")), None),
    ("/lxc.payload.mail", Some(("mail", "lxc")), None),
    (
        "/lxc.payload.mail/system.slice/dovecot.service",
        Some(("mail", "lxc")),
        Some("dovecot.service"),
    ),
    // A container in a container: the inner one.
    (
        "/docker/{outer}/kubelet.slice/kubelet-kubepods.slice/cri-containerd-{}.scope",
        Some(("{}", "containerd")),
        None,
    ),
    ("/docker/{outer}/docker/{}", Some(("{}", "docker")), None),
    // Seen from a cgroup namespace of one's own.
    (
        "/../../system.slice/docker-{}.scope",
        Some(("{}", "docker")),
        None,
    ),
    ("/../{}", Some(("{}", "-")), None),
    // Units of systemd.
    ("/system.slice/nginx.service", None, Some("nginx.service")),
    (
        "/system.slice/gitlab.service/workers",
        None,
        Some("gitlab.service"),
    ),
    (
        "/system.slice/system-postgresql.slice/postgresql@15-main.service",
        None,
        Some("postgresql@15-main.service"),
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/orders.service",
        None,
        Some("orders.service"),
    ),
    (
        "/system.slice/_x.mount.service",
        None,
        Some("x.mount.service"),
    ),
    // What says nothing of a service.
    ("/", None, None),
    ("", None, None),
    ("/init.scope", None, None),
    ("/user.slice/user-0.slice/session-3.scope", None, None),
    (
        "/user.slice/user-1000.slice/user@1000.service/init.scope",
        None,
        None,
    ),
    (
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-term-4711.scope",
        None,
        None,
    ),
    ("/system.slice/.service", None, None),
    // Hexadecimal, and no id of a container.
    ("/process_api/dd47063c9de7b3163cf58b2e126a0072", None, None),
    (
        "/system.slice/cache.service/{}",
        None,
        Some("cache.service"),
    ),
    ("/foo-{}.scope", None, None),
];

#[test]
fn paths_of_all_runtimes_and_both_drivers() {
    for (path, container, unit) in PATHS {
        let path = path.replace("{outer}", OUTER).replace("{}", ID);
        let container = container.map(|(id, runtime)| {
            let runtime = (runtime != "-").then_some(runtime);
            (id.replace("{}", ID), runtime)
        });
        let wanted = Workload {
            container,
            unit: unit.map(str::to_owned),
        };
        assert_eq!(Workload::of([path.as_str()]), wanted, "{path}");
    }
}

#[test]
fn the_first_hierarchy_that_knows_counts() {
    let docker = format!("/docker/{ID}");
    let outer = format!("/docker/{OUTER}");
    let workload = Workload::of(["/", &docker, &outer, "/system.slice/a.service"]);
    assert_eq!(workload.container, Some((ID.to_owned(), Some("docker"))));
    assert_eq!(workload.unit.as_deref(), Some("a.service"));
}

#[test]
fn services_are_called_after_units_that_last() {
    for (unit, name) in [
        ("nginx.service", Some("nginx")),
        ("postgresql@15-main.service", Some("postgresql@15-main")),
        ("sshd@3-10.0.0.1:22-10.0.0.9:4711.service", Some("sshd")),
        (
            "sshd@3-1190-10.0.0.1:22-10.0.0.9:4711.service",
            Some("sshd"),
        ),
        ("run-u12.service", None),
        ("run-r3f5a9c0d1e2f4a5b8c9d0e1f2a3b4c5d.service", None),
        ("run-p4711-i9082.service", None),
        ("run-parts.service", Some("run-parts")),
        ("runner.service", Some("runner")),
    ] {
        assert_eq!(service_of(unit), name, "{unit}");
    }
}
