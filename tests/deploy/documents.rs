//! What the documentation and the files of deploy/ say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join(name)
}

/// What is written there.
pub fn read(name: &str) -> String {
    fs::read_to_string(path(name)).expect(name)
}

/// The files of a folder whose names end so, as paths of the workspace.
pub fn files(folder: &str, end: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(end))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no file in {folder} ends with {end}");
    names
}

/// The capabilities of the table in docs/security.md, without `CAP_`: those that are given up once
/// the programs are attached, and those that stay.
pub fn capabilities() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = read("docs/security.md");
    let rows: Vec<(String, bool)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| CAP_")?.split('|').map(str::trim);
            let name = cells.next()?.to_owned();
            Some((name, cells.nth(1)? == "to the end"))
        })
        .collect();
    let with = |stays| {
        rows.iter()
            .filter(|row| row.1 == stays)
            .map(|row| row.0.clone())
            .collect()
    };
    (with(false), with(true))
}

#[test]
fn both_kinds_of_capabilities_are_found() {
    let (given_up, stay) = capabilities();
    assert!(given_up.contains("BPF"), "{given_up:?}");
    assert!(stay.contains("SYS_PTRACE"), "{stay:?}");
    assert!(given_up.is_disjoint(&stay), "{given_up:?} {stay:?}");
}

#[test]
fn whoever_reads_the_readme_finds_how_to_deploy() {
    let readme = read("README.md");
    for page in ["docs/deploy.md", "docs/oncall.md"] {
        assert!(readme.contains(&format!("({page})")), "{page}");
        assert!(path(page).is_file(), "{page}");
    }
}
