//! Rules, alerts and the dashboard ask for what is documented.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::documents::{files, path, read};

#[test]
fn rules_name_metrics_that_are_documented_and_records_that_are_made() {
    let records = records();
    let known = documented();
    for file in rules() {
        for name in names(&read(&file)) {
            let found = if name.contains(':') {
                records.contains(&name)
            } else {
                known.contains(&name)
            };
            assert!(found, "{file}: nothing is called {name}");
        }
    }
}

#[test]
fn every_record_is_used_or_is_for_people() {
    let used: String = rules().iter().map(|file| read(file)).collect();
    for record in records() {
        // Once where it is made.
        let more = used.matches(&record).count() > 1;
        assert!(
            more || record == "service:observer_rejections:ratio_rate5m",
            "{record}"
        );
    }
}

#[test]
fn every_alert_has_a_test_in_which_it_fires() {
    let tests: String = files("deploy/prometheus/tests", ".yml")
        .iter()
        .map(|file| read(file))
        .collect();
    let alerts: Vec<_> = rules()
        .iter()
        .flat_map(|file| values(&read(file), "- alert: "))
        .collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        assert!(tests.contains(&format!("alertname=\"{alert}\"")), "{alert}");
    }
}

#[test]
fn alerts_send_people_to_pages_that_are_there() {
    for file in rules() {
        for word in read(&file).split(|it: char| it.is_whitespace() || ",:;()".contains(it)) {
            if word.starts_with("docs/") {
                let page = word.trim_end_matches('.');
                assert!(path(page).is_file(), "{file}: {page}");
            }
        }
    }
}

#[test]
fn causes_of_the_rules_are_documented() {
    let causes = read("docs/causes.md");
    for file in rules() {
        for list in read(&file).split("cause=").skip(1) {
            let quoted = list.split('"').nth(1).unwrap();
            for cause in quoted.split('|') {
                assert!(
                    causes.contains(&format!("\n## {cause}\n")),
                    "{file}: {cause}"
                );
            }
        }
    }
}

#[test]
fn pages_for_people_ask_for_metrics_that_are_there() {
    let (known, records) = (documented(), records());
    for page in ["docs/deploy.md", "docs/oncall.md"] {
        for name in names(&read(page)) {
            let found = known.contains(&name) || records.contains(&name);
            assert!(found, "{page}: nothing is called {name}");
        }
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_are_documented() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/observer.json")).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(target["expr"].as_str().unwrap());
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        queries.extend(variable["query"]["query"].as_str());
    }
    assert!(queries.len() > 30, "{}", queries.len());
    let known = documented();
    for query in queries {
        let names = names(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            assert!(known.contains(&name), "nothing is called {name}: {query}");
        }
    }
}

/// The files with rules.
pub fn rules() -> Vec<String> {
    let mut files = files("deploy/prometheus", ".yml");
    files.retain(|file| !file.ends_with("/prometheus.yml"));
    files
}

fn records() -> BTreeSet<String> {
    rules()
        .iter()
        .flat_map(|file| values(&read(file), "- record: "))
        .collect()
}

/// What follows `key` on its lines.
fn values(text: &str, key: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(key))
        .map(str::to_owned)
        .collect()
}

/// The names of series that docs/metrics.md promises.
fn documented() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in read("docs/metrics.md").lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (Some(name), Some(kind)) = (cells.next(), cells.next()) else {
            continue;
        };
        let Some(name) = name.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
            continue;
        };
        match kind {
            "counter" | "gauge" => {
                names.insert(name.to_owned());
            }
            "histogram" => {
                names.extend(["bucket", "sum", "count"].map(|end| format!("{name}_{end}")));
            }
            _ => {}
        }
    }
    assert!(names.len() > 20, "{names:?}");
    names
}

/// The names of observer's series, and of those about its process, in a text.
fn names(text: &str) -> BTreeSet<String> {
    let commented = |line: &&str| !line.trim_start().starts_with('#');
    text.lines()
        .filter(commented)
        .flat_map(|line| line.split(|it: char| !it.is_ascii_alphanumeric() && !"_:".contains(it)))
        .filter(|word| {
            let inner = word.split(':').nth(1).unwrap_or(word);
            let named = inner.starts_with("observer_") || inner.starts_with("process_");
            // Files have a version.
            named && !inner.contains("VERSION")
        })
        .map(str::to_owned)
        .collect()
}
