//! The unit of systemd and the image.

use std::collections::BTreeSet;

use crate::documents::{capabilities, read};

#[test]
fn the_unit_has_the_capabilities_that_are_documented_and_no_more() {
    let (given_up, stay) = capabilities();
    let wanted: BTreeSet<_> = given_up
        .union(&stay)
        .map(|name| format!("CAP_{name}"))
        .collect();
    let unit = read("deploy/systemd/observer.service");
    for key in ["AmbientCapabilities", "CapabilityBoundingSet"] {
        let set: BTreeSet<_> = setting(&unit, key)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(set, wanted, "{key}");
    }
    assert_eq!(setting(&unit, "NoNewPrivileges"), "yes");
    assert_eq!(setting(&unit, "DynamicUser"), "yes");
}

#[test]
fn the_unit_takes_away_nothing_that_observer_looks_at() {
    let unit = read("deploy/systemd/observer.service");
    for key in [
        "ProtectProc",
        "ProcSubset",
        "PrivateUsers",
        "PrivateNetwork",
        "PrivatePIDs",
    ] {
        assert!(!unit.contains(&format!("\n{key}=")), "{key}");
    }
}

#[test]
fn the_image_is_the_binary_alone_and_is_built_with_the_compiler_that_the_project_is_for() {
    let image = read("deploy/Dockerfile");
    let version = setting(&read("Cargo.toml"), "rust-version ")
        .trim()
        .trim_matches('"')
        .to_owned();
    assert!(
        image.contains(&format!("FROM rust:{version}-")),
        "{version}"
    );
    assert!(image.contains("cargo xtask dist"));
    let (_, last) = image.rsplit_once("\nFROM ").unwrap();
    let lines: Vec<_> = last
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(
        lines,
        [
            "scratch",
            "COPY --from=build /observer.static /observer",
            "ENTRYPOINT [\"/observer\"]",
        ]
    );
}

/// What stands behind `key=` at the start of a line: exactly one such line.
fn setting(text: &str, key: &str) -> String {
    let found: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .collect();
    assert_eq!(found.len(), 1, "{key}: {found:?}");
    found.concat()
}
