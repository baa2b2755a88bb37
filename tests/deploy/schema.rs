//! The published schema of configurations, by a validator that others wrote.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::documents::{path, read};

#[test]
fn the_schema_takes_the_documented_configuration() {
    let (taken, said) = validate(&read("docs/configuration.toml"));
    assert!(taken, "{said}");
    let (taken, said) = validate("");
    assert!(taken, "{said}");
}

#[test]
fn the_schema_knows_no_key_that_the_example_does_not_show() {
    let schema: Value = serde_json::from_str(&read("docs/configuration.schema.json")).unwrap();
    let example = read("docs/configuration.toml");
    let mut keys = 0;
    let definitions = schema["definitions"].as_object().unwrap().values();
    for object in definitions.chain([&schema]) {
        for (key, about) in object["properties"].as_object().unwrap() {
            let shown = [format!("{key} = "), format!("[{key}"), format!(".{key}]")]
                .iter()
                .any(|form| example.contains(form));
            assert!(shown, "{key}");
            let described = about["description"].is_string();
            assert!(described, "{key}");
            keys += 1;
        }
    }
    assert!(keys > 25, "{keys}");
}

#[test]
fn the_schema_refuses_what_observer_refuses() {
    for (wrong, word) in [
        ("prots = [80]\n", "prots"),
        ("[filter.include]\nport = [80]\n", "port"),
        ("[filter.include]\nports = [65536]\n", "65536"),
        ("[filter.include]\nports = \"80\"\n", "array"),
        (
            "[filter.exclude]\ncgroups = [\"a\"]\n",
            "pattern|does not match",
        ),
        ("[filter.exclude]\npaths = [\"\"]\n", "too short|non-empty"),
        ("[[service]]\nname = \"a\"\n", "not valid under any"),
        ("[[service]]\nunit = \"a\"\n", "required"),
        ("[[expect]]\nservice = \"a\"\n", "not valid under any"),
        ("[[jwks]]\nissuer = \"a\"\n", "not valid under any"),
        (
            "[[jwks]]\nissuer = \"a\"\nurl = \"https://b\"\nfile = \"c\"\n",
            "should not be valid",
        ),
        ("[[hmac_secret]]\nissuer = \"a\"\n", "required"),
        (
            "[[jwks]]\nissuer = \"a\"\nfile = \"a=b\"\n",
            "does not match",
        ),
        ("[limits]\nthreads = 0\n", "minimum"),
        ("[limits]\nring_size = \"32MB\"\n", "does not match"),
        ("[limits]\nexchange_timeout = 60\n", "string"),
    ] {
        let (taken, said) = validate(wrong);
        assert!(!taken, "taken: {wrong}");
        let found = word.split('|').any(|word| said.contains(word));
        assert!(found, "no {word:?} about {wrong}: {said}");
    }
}

/// Whether a configuration is taken, and what is said about it.
fn validate(text: &str) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("observer.json");
    let value: Value = toml::from_str(text).unwrap();
    std::fs::write(&file, value.to_string()).unwrap();
    let done = Command::new("jsonschema")
        .arg("--instance")
        .arg(&file)
        .arg(path("docs/configuration.schema.json"))
        .output()
        .expect("jsonschema; `cargo xtask test` installs it");
    (
        done.status.success(),
        String::from_utf8(done.stderr).unwrap(),
    )
}
