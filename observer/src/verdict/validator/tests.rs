use super::sign::SIGNS;
use super::table::VALIDATORS;
use super::*;

#[test]
fn every_row_has_its_source_and_is_in_use() {
    let table = include_str!("../rules.tsv");
    let sayers: Vec<&str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next())
        .flat_map(|name| name.split(';').map(str::trim))
        .collect();
    for validator in VALIDATORS {
        let name = validator.name;
        assert!(!validator.source.is_empty(), "{name}");
        for start in validator.said_as {
            let is_said = sayers.iter().any(|sayer| sayer.starts_with(start));
            assert!(is_said, "nobody says what {start} does");
        }
    }
    for sign in SIGNS {
        assert!(!sign.source.is_empty(), "{sign:?}");
    }
}

#[test]
fn nothing_is_checked_twice() {
    for validator in VALIDATORS {
        let all: Vec<Cause> = validator.order.iter().copied().flatten().copied().collect();
        for (at, cause) in all.iter().enumerate() {
            let before = all.get(..at).unwrap();
            assert!(!before.contains(cause), "{}: {cause}", validator.name);
        }
    }
}

#[test]
fn the_page_has_every_leeway() {
    let page = include_str!("../../../../docs/causes.md");
    for validator in VALIDATORS.iter().filter(|validator| validator.tells) {
        let Some(leeway) = validator.leeway else {
            continue;
        };
        let row = format!("| {} | {} s |", validator.name, leeway.expires);
        assert!(page.contains(&row), "{row} is not in docs/causes.md");
    }
}
