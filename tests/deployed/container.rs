//! The container of the manifests, run by crun: the binary alone in a read-only root, with exactly the
//! capabilities, mounts and arguments that kustomize builds, beside a service in another container.

use observer_tests::manifests::{container, object};
use serde_json::{Value, json};

use crate::bundle::{Container, Shape};
use crate::files::{nginx, observer};
use crate::namespace::{Namespace, joined};
use crate::process::wait_for;
use crate::traffic::Tokens;

/// Where nginx listens, in its network namespace.
const SERVER: (&str, u16) = ("10.79.0.1", 8080);

#[test]
fn the_container_of_the_manifests_watches_a_service_in_another() {
    let (inside, outside) = (Namespace::new(), Namespace::new());
    joined((&inside, SERVER.0), (&outside, "10.79.0.2"));
    let shape = Shape {
        network: Some(&inside),
        ..Shape::service()
    };
    let _service = Container::start(&nginx(SERVER), &shape);
    let asked = |path: &str, more: &[&str]| {
        let done = outside
            .command("curl")
            .args(["--silent", "--max-time", "5", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code}"])
            .args(more)
            .arg(format!("http://{}:{}{path}", SERVER.0, SERVER.1))
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    wait_for("nginx in its container", || asked("/ok/", &[]) == "200");

    // With both capabilities that stay to the end, the executable is known; without, it is not.
    for (folder, executable) in [
        ("base", json!("/usr/sbin/nginx")),
        ("locked-down", Value::Null),
    ] {
        let pod = Namespace::new();
        let agent = object(folder, "DaemonSet");
        let container = container(&agent);
        let arguments = texts(&container["args"]);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let agent = Container::start(&observer(&arguments), &as_built(&agent, &pod));
        let page = |path: &str| {
            let port = container["ports"][0]["containerPort"].as_u64().unwrap();
            let done = pod
                .command("curl")
                .args(["--silent", "--fail", "--max-time", "5"])
                .arg(format!("http://127.0.0.1:{port}{path}"))
                .output()
                .unwrap();
            let page = String::from_utf8(done.stdout).unwrap();
            done.status.success().then_some(page)
        };
        let probe = container["readinessProbe"]["httpGet"]["path"].as_str();
        wait_for(&format!("agent that is ready: {}", agent.said()), || {
            page(probe.unwrap()).is_some()
        });
        let expired = Tokens::new().token(-3600, -7200);
        let authorization = format!("Authorization: Bearer {expired}");
        assert_eq!(asked("/deny", &["--header", &authorization]), "401");
        wait_for("rejection in the metrics", || {
            let metrics = page("/metrics").unwrap();
            metrics.lines().any(|line| {
                line.starts_with("observer_rejections_total{")
                    && line.contains(r#"cause="token_expired""#)
                    && line.contains(r#"side="server""#)
            })
        });
        let (code, events, said) = agent.stop();
        assert_eq!(code, Some(0), "{folder}: {said}");
        let rejected: Vec<Value> = events
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|event: &Value| {
                event["side"] == "server" && event["connection"]["server"] == "10.79.0.1:8080"
            })
            .collect();
        assert_eq!(rejected.len(), 1, "{folder}: {events}{said}");
        assert_eq!(rejected[0]["verdict"]["cause"], "token_expired", "{said}");
        assert_eq!(rejected[0]["process"]["name"], "nginx", "{said}");
        assert_eq!(
            rejected[0]["process"]["executable"], executable,
            "{folder}: {said}"
        );
    }
}

/// What a runtime makes of the manifest.
fn as_built<'a>(agent: &Value, network: &'a Namespace) -> Shape<'a> {
    let pod = &agent["spec"]["template"]["spec"];
    assert_eq!(pod["hostPID"], true);
    let container = container(agent);
    let security = &container["securityContext"];
    // As every container here is run.
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["runAsUser"], 0);
    let mounts = container["volumeMounts"].as_array().unwrap().iter();
    let given = mounts.map(|mount| {
        assert_eq!(mount["readOnly"], true);
        let volumes = pod["volumes"].as_array().unwrap();
        let volume = volumes
            .iter()
            .find(|it| it["name"] == mount["name"])
            .unwrap();
        let host = &volume["hostPath"];
        let from = host["path"].as_str().unwrap();
        if host["type"] == "DirectoryOrCreate" {
            std::fs::create_dir_all(from).unwrap();
        }
        (
            from.to_owned(),
            mount["mountPath"].as_str().unwrap().to_owned(),
        )
    });
    let added = texts(&security["capabilities"]["add"]);
    Shape {
        network: Some(network),
        capabilities: added.iter().map(|name| format!("CAP_{name}")).collect(),
        given: given.collect(),
        ..Shape::default()
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|it| it.as_str().unwrap().to_owned()).collect()
}
