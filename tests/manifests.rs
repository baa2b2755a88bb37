//! The manifests of deploy/kubernetes, as kustomize builds them.

use std::fs;
use std::process::Command;

use serde_json::{Deserializer, Value};

use crate::programs::root;

/// What a folder of deploy/kubernetes gives, as YAML.
pub fn yaml(folder: &str) -> String {
    kubectl(
        Command::new("kubectl")
            .arg("kustomize")
            .arg(root().join("deploy/kubernetes").join(folder)),
    )
}

/// The same as objects. kustomize writes YAML; a local change of an annotation
/// is how kubectl gives it as JSON without a cluster.
pub fn built(folder: &str) -> Vec<Value> {
    let place = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
    let file = place.path().join("built.yaml");
    fs::write(&file, yaml(folder)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let json = kubectl(
        Command::new("kubectl")
            .args([
                "annotate",
                "--local",
                "--output=json",
                "read=yes",
                "--filename",
            ])
            .arg(&file),
    );
    Deserializer::from_str(&json)
        .into_iter()
        .map(|object| object.unwrap_or_else(|error| panic!("{folder}: {error}")))
        .collect()
}

/// The one object of a kind.
pub fn object(folder: &str, kind: &str) -> Value {
    let mut found = built(folder);
    found.retain(|it| it["kind"] == kind);
    assert_eq!(found.len(), 1, "{kind} of {folder}");
    found.remove(0)
}

/// The one container of a DaemonSet.
pub fn container(agent: &Value) -> &Value {
    match agent["spec"]["template"]["spec"]["containers"].as_array() {
        Some(containers) if containers.len() == 1 => &containers[0],
        _ => panic!("not one container: {agent}"),
    }
}

fn kubectl(command: &mut Command) -> String {
    let done = match command.output() {
        Ok(done) => done,
        Err(error) => panic!("kubectl: {error}; `cargo xtask test` installs it"),
    };
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {complained}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}
