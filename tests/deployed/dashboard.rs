//! The queries of the dashboard as Grafana would send them.

use std::fs;

use observer_tests::programs::root;
use serde_json::Value;

/// A query and the panel that it is of.
pub struct Query {
    pub panel: String,
    pub text: String,
}

/// Every query, with its variables as they are when somebody opens the dashboard.
pub fn queries() -> Vec<Query> {
    let file = root().join("deploy/grafana/observer.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| {
            let targets = panel["targets"].as_array().into_iter().flatten();
            targets.map(|target| Query {
                panel: panel["title"].as_str().unwrap().to_owned(),
                text: filled(target["expr"].as_str().unwrap()),
            })
        })
        .collect()
}

/// The metric and label of each variable that Grafana asks Prometheus for.
pub fn variables() -> Vec<(String, String)> {
    let file = root().join("deploy/grafana/observer.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let list = dashboard["templating"]["list"].as_array().unwrap();
    list.iter()
        .filter_map(|variable| variable["query"]["query"].as_str())
        .map(|query| {
            let inner = query.strip_prefix("label_values(").unwrap();
            let (metric, label) = inner.strip_suffix(')').unwrap().split_once(", ").unwrap();
            (metric.to_owned(), label.to_owned())
        })
        .collect()
}

fn filled(query: &str) -> String {
    let filled = query
        .replace("$side", "server")
        .replace("$service", ".*")
        .replace("$cause", ".*")
        .replace("$instance", ".*")
        .replace("$__rate_interval", "10s")
        .replace("$__range", "5m");
    assert!(!filled.contains('$'), "a variable is not known: {filled}");
    filled
}
