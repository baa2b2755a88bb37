//! The manifests, as kustomize builds them.

use std::collections::BTreeSet;
use std::process::Command;

use observer_tests::manifests::{built, container, object, yaml};
use serde_json::Value;

use crate::documents::{capabilities, path, read};

#[test]
fn the_capabilities_are_those_that_are_documented_and_no_more() {
    let (given_up, stay) = capabilities();
    let all: BTreeSet<_> = given_up.union(&stay).cloned().collect();
    for (folder, wanted) in [("base", all), ("locked-down", given_up)] {
        let agent = agent(folder);
        let security = &container(&agent)["securityContext"];
        assert_eq!(texts(&security["capabilities"]["add"]), wanted, "{folder}");
        assert_eq!(texts(&security["capabilities"]["drop"]), set(&["ALL"]));
        assert_eq!(security["allowPrivilegeEscalation"], false, "{folder}");
        assert_eq!(security["privileged"], false, "{folder}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{folder}");
        assert_eq!(security["runAsUser"], 0, "{folder}");
    }
    let agent = agent("locked-down");
    let locked = &container(&agent)["securityContext"];
    assert_eq!(locked["appArmorProfile"]["type"], "RuntimeDefault");
    assert_eq!(locked["seccompProfile"]["type"], "RuntimeDefault");
}

#[test]
fn the_mounts_are_those_that_are_documented_and_cannot_be_written_to() {
    let documented = read("docs/containers.md");
    for folder in ["base", "locked-down"] {
        let agent = agent(folder);
        let pod = &agent["spec"]["template"]["spec"];
        assert_eq!(pod["hostPID"], true, "{folder}");
        assert!(pod.get("hostNetwork").is_none(), "{folder}");
        let mounts = container(&agent)["volumeMounts"]
            .as_array()
            .unwrap()
            .clone();
        let mut pairs = BTreeSet::new();
        for volume in pod["volumes"].as_array().unwrap() {
            let host = volume["hostPath"]["path"].as_str().unwrap();
            let mount = mounts
                .iter()
                .find(|it| it["name"] == volume["name"])
                .unwrap();
            assert_eq!(mount["readOnly"], true, "{host}");
            for place in [host, mount["mountPath"].as_str().unwrap()] {
                assert!(documented.contains(place), "{place}");
            }
            pairs.insert(format!("{host} {}", mount["mountPath"].as_str().unwrap()));
        }
        assert_eq!(pairs.len(), mounts.len(), "{folder}");
        assert!(pairs.contains("/sys/fs/cgroup /host/cgroup"), "{pairs:?}");
    }
}

#[test]
fn probes_scrapes_and_policies_are_about_the_port_that_is_listened_on() {
    let agent = agent("base");
    let container = container(&agent);
    let ports = container["ports"].as_array().unwrap();
    assert_eq!(ports.len(), 1, "{ports:?}");
    let port = &ports[0];
    let (name, number) = (&port["name"], port["containerPort"].as_u64().unwrap());
    let listen = format!("--listen=0.0.0.0:{number}");
    assert!(texts(&container["args"]).contains(&listen), "{listen}");
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let asked = &container[probe]["httpGet"];
        assert_eq!(asked["path"], "/healthz", "{probe}");
        assert_eq!(&asked["port"], name, "{probe}");
    }
    let template = &agent["spec"]["template"]["metadata"];
    let annotations = &template["annotations"];
    assert_eq!(annotations["prometheus.io/port"], number.to_string());
    assert_eq!(annotations["prometheus.io/path"], "/metrics");

    let monitor = object("podmonitor", "PodMonitor");
    assert_eq!(&monitor["spec"]["podMetricsEndpoints"][0]["port"], name);
    let policy = object("base", "NetworkPolicy");
    assert_eq!(&policy["spec"]["ingress"][0]["ports"][0]["port"], name);
    for selector in [
        &monitor["spec"]["selector"]["matchLabels"],
        &policy["spec"]["podSelector"]["matchLabels"],
        &agent["spec"]["selector"]["matchLabels"],
    ] {
        assert_eq!(selector, &template["labels"]);
    }
}

#[test]
fn observer_may_ask_nothing_of_the_cluster() {
    let agent = agent("base");
    let pod = &agent["spec"]["template"]["spec"];
    let account = object("base", "ServiceAccount");
    assert_eq!(account["automountServiceAccountToken"], false);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["serviceAccountName"], account["metadata"]["name"]);
    let class = object("base", "PriorityClass");
    assert_eq!(pod["priorityClassName"], class["metadata"]["name"]);
    let kinds: BTreeSet<_> = built("base")
        .iter()
        .map(|it| it["kind"].as_str().unwrap().to_owned())
        .collect();
    let wanted = [
        "DaemonSet",
        "Namespace",
        "NetworkPolicy",
        "PriorityClass",
        "ServiceAccount",
    ];
    assert_eq!(kinds, set(&wanted));
    let policy = object("base", "NetworkPolicy");
    assert_eq!(
        texts(&policy["spec"]["policyTypes"]),
        set(&["Egress", "Ingress"])
    );
    // Absent and empty are the same: nobody may be called.
    assert_eq!(policy["spec"]["egress"].as_array().map_or(0, Vec::len), 0);
}

#[test]
fn the_manifests_are_what_the_api_takes() {
    for folder in ["base", "locked-down"] {
        let manifest = yaml(folder);
        // The first that has the field for AppArmor, and the newest that is known.
        for version in ["1.30", "1.37"] {
            let (taken, said) = validate(version, &manifest);
            assert!(taken, "{folder} for {version}: {said}");
            let objects = said.matches(" passed for resource ").count();
            assert_eq!(objects, built(folder).len(), "{said}");
        }
        let wrong = manifest.replace("readOnlyRootFilesystem", "readOnlyRoot");
        let (taken, said) = validate("1.37", &wrong);
        assert!(
            !taken && said.contains("'readOnlyRoot' was unexpected"),
            "{said}"
        );
    }
}

/// Whether a version of the API takes a manifest, and what is said about it.
fn validate(version: &str, manifest: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("manifest.yaml");
    std::fs::write(&file, manifest).unwrap();
    let done = Command::new("python3")
        .env("PYTHONPATH", path("target/lab/kubernetes"))
        .args([
            "-m",
            "kubernetes_validate",
            "--strict",
            "--kubernetes-version",
        ])
        .args([version.as_ref(), file.as_os_str()])
        .output()
        .expect("python3; `cargo xtask test` installs what it needs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

fn agent(folder: &str) -> Value {
    object(folder, "DaemonSet")
}

fn texts(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect()
}

fn set(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&it| it.to_owned()).collect()
}
