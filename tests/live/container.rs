//! observer in a container: the static binary in an empty root file system that is read-only, with a
//! cgroup namespace of its own and the capabilities of docs/security.md, beside services in other
//! containers and network namespaces.

mod bundle;
mod cgroup;
mod files;

use observer_tests::kernel;
use serde_json::Value;

use crate::agent::{parse, sum};
use crate::lab::{misbehave, turn, wait_for};
use crate::namespace::{Namespace, joined};
use crate::privileges::TABLE;
use crate::seen::text;
use crate::traffic::{Mint, Sent};
use bundle::{Container, Kind, Shape};
use files::{nginx, observer};

/// Where nginx listens, in its network namespace.
const SERVER: (&str, u16) = ("10.77.0.1", 8080);

#[test]
fn services_in_other_containers_are_watched_from_a_container() {
    let _turn = turn();
    let (mint, inside, outside) = (Mint::new(), Namespace::new(), Namespace::new());
    joined((&inside, SERVER.0), (&outside, "10.77.0.2"));
    let service = Container::start(
        &nginx(SERVER),
        &Shape {
            network: Some(&inside),
            ..Shape::service()
        },
    );
    wait_for("nginx in its container", || {
        let asked = outside
            .command("curl")
            .args(["--silent", "--fail", "--max-time", "2"])
            .arg(format!("http://{}:{}/ok/", SERVER.0, SERVER.1))
            .output()
            .unwrap();
        asked.status.success()
    });

    for (name, own) in [("its own", Some(Namespace::new())), ("the host's", None)] {
        let shape = Shape {
            network: own.as_ref(),
            ..as_agent()
        };
        let agent = Container::start(&observer(&["run", "--events", "-", "--raw-paths"]), &shape);
        wait_for("observer in its container", || {
            agent.said().contains("watching this host")
        });
        let sent = Sent::expired(&mint, 6);
        let requests: Vec<_> = sent.iter().map(Sent::request).collect();
        let statuses = misbehave(Some(&outside), "plain", SERVER, &requests);
        assert_eq!(statuses, [Some(401); 6]);
        std::thread::sleep(std::time::Duration::from_millis(400));
        let (code, events, said) = agent.stop();
        assert_eq!(code, Some(0), "with {name} network: {said}");
        assert_eq!(kernel::lacking(&said), "", "with {name} network: {said}");
        let events: Vec<_> = parse(&events)
            .into_iter()
            .filter(|event| text(event, "/connection/server") == "10.77.0.1:8080")
            .collect();
        for side in ["server", "client"] {
            let at_side: Vec<_> = events
                .iter()
                .filter(|it| text(it, "/side") == side)
                .collect();
            let paths: Vec<_> = at_side.iter().map(|it| text(it, "/request/path")).collect();
            let wanted: Vec<_> = sent.iter().map(|sent| sent.path.as_str()).collect();
            assert_eq!(paths, wanted, "at the {side}, with {name} network: {said}");
            for event in at_side {
                assert_eq!(text(event, "/verdict/cause"), "token_expired", "{event:#}");
            }
        }
        for event in events
            .iter()
            .filter(|event| text(event, "/side") == "server")
        {
            assert_eq!(text(event, "/process/name"), "nginx", "{event:#}");
            assert_eq!(
                text(event, "/process/executable"),
                "/usr/sbin/nginx",
                "{event:#}"
            );
            assert_eq!(
                text(event, "/process/cgroup_path"),
                service.group(),
                "{event:#}"
            );
            let pid = event
                .pointer("/process/pid")
                .and_then(Value::as_u64)
                .unwrap();
            assert!(service.has(pid), "{pid} is not of the service's container");
        }
    }
}

#[test]
fn doctor_says_that_all_is_there() {
    let _turn = turn();
    let doctor = Container::start(&observer(&["doctor", "--json"]), &as_agent());
    let (code, report, said) = doctor.ended();
    assert_eq!(code, Some(0), "{said}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let planes = report.get("planes").and_then(Value::as_array).unwrap();
    assert_eq!(text(&planes[0], "/state"), "works", "{report:#}");
    assert!(
        text(&report, "/cgroup_root").starts_with("/host/cgroup"),
        "{report:#}"
    );
    assert_eq!(report.get("no_processes"), None);
}

#[test]
fn a_missing_root_of_the_cgroups_is_named_with_the_lines_to_add() {
    let _turn = turn();
    // With the container's own group in the usual place, and with none.
    for kind in [Kind::HostCgroup, Kind::AllCgroups] {
        let (code, _, said) = ended(
            &["run"],
            Shape {
                without: Some(kind),
                ..as_agent()
            },
        );
        assert_eq!(code, Some(1), "{said}");
        for line in [
            "-v /sys/fs/cgroup:/host/cgroup:ro",
            "volumes: [{name: cgroup, hostPath: {path: /sys/fs/cgroup}}]",
            "volumeMounts: [{name: cgroup, mountPath: /host/cgroup, readOnly: true}]",
        ] {
            assert!(said.contains(line), "no {line} in {said}");
        }
    }
}

#[test]
fn a_missing_sys_is_named_with_the_lines_to_add() {
    let _turn = turn();
    let (code, _, said) = ended(
        &["run"],
        Shape {
            without: Some(Kind::Sys),
            ..as_agent()
        },
    );
    assert_eq!(code, Some(1), "{said}");
    for line in [
        "-v /sys:/sys:ro",
        "volumes: [{name: sys, hostPath: {path: /sys}}]",
    ] {
        assert!(said.contains(line), "no {line} in {said}");
    }
}

#[test]
fn missing_types_of_the_kernel_are_named_and_packets_seen_all_the_same() {
    let _turn = turn();
    let (code, _, said) = ended(
        &["run", "--duration", "1s"],
        Shape {
            without: Some(Kind::Types),
            ..as_agent()
        },
    );
    assert_eq!(code, Some(0), "{said}");
    for line in [
        "goes on without tp_btf/sock_recv_length",
        "-v /sys/kernel/btf:/sys/kernel/btf:ro",
        "volumes: [{name: btf, hostPath: {path: /sys/kernel/btf}}]",
    ] {
        assert!(said.contains(line), "no {line} in {said}");
    }
}

#[test]
fn a_pid_namespace_of_its_own_is_named() {
    let _turn = turn();
    let shape = || Shape {
        own_pids: true,
        ..as_agent()
    };
    for command in [["run", "--duration=1s"].as_slice(), &["doctor"]] {
        let (code, out, said) = ended(command, shape());
        assert_eq!(code, Some(0), "{said}");
        for line in ["docker run --pid=host", "hostPID: true"] {
            assert!(
                format!("{out}{said}").contains(line),
                "no {line} in {out}{said}"
            );
        }
    }
}

#[test]
fn a_missing_capability_is_named_as_containers_add_it() {
    let _turn = turn();
    let (code, _, said) = ended(
        &["run"],
        Shape {
            lacks: Some("CAP_NET_ADMIN"),
            ..as_agent()
        },
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("docker run --cap-add NET_ADMIN"), "{said}");
}

#[test]
fn metrics_are_served_from_a_network_namespace_of_its_own() {
    let _turn = turn();
    let network = Namespace::new();
    let agent = Container::start(
        &observer(&["run", "--listen", "127.0.0.1:9464"]),
        &Shape {
            network: Some(&network),
            ..as_agent()
        },
    );
    let mut page = String::new();
    wait_for("page of metrics", || {
        let got = network
            .command("curl")
            .args([
                "--silent",
                "--max-time",
                "5",
                "http://127.0.0.1:9464/metrics",
            ])
            .output()
            .unwrap();
        page = String::from_utf8(got.stdout).unwrap();
        sum(&page, "process_resident_memory_bytes") > 0.0
    });
    let (code, _, said) = agent.stop();
    assert_eq!(code, Some(0), "{said}");
}

/// As docs/containers.md says that observer is run.
fn as_agent<'a>() -> Shape<'a> {
    Shape {
        capabilities: TABLE.map(str::to_owned).to_vec(),
        given: vec![("/sys/fs/cgroup".to_owned(), "/host/cgroup".to_owned())],
        ..Shape::default()
    }
}

fn ended(command: &[&str], shape: Shape<'_>) -> (Option<i32>, String, String) {
    Container::start(&observer(command), &shape).ended()
}
