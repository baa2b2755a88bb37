//! Debian's Prometheus, with the rules of deploy/ and with the same rules in a hurry.

use std::fs;
use std::path::Path;
use std::process::Command;

use observer_tests::programs::root;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, free_port, get};

/// The files with rules, in deploy/prometheus.
const RULES: [&str; 3] = ["recording.yml", "alerts-traffic.yml", "alerts-observer.yml"];
/// How the names of alerts in a hurry begin, and what their records have before `observer_`.
const QUICK: &str = "Quick";

/// A server that scrapes one agent twice a second. It ends when this is dropped.
pub struct Prometheus {
    process: Process,
    address: String,
}

impl Prometheus {
    /// Scrapes the agent at a port of loopback.
    pub fn scraping(port: u16) -> Self {
        let folder = TempDir::new().unwrap();
        let mut files = Vec::new();
        for name in RULES {
            let file = root().join("deploy/prometheus").join(name);
            let quick = folder.path().join(name);
            fs::write(&quick, in_a_hurry(&fs::read_to_string(&file).unwrap())).unwrap();
            files.extend([file, quick]);
        }
        // Prometheus reads YAML, and JSON is some.
        let configuration = json!({
            "global": {"scrape_interval": "500ms", "evaluation_interval": "500ms"},
            "rule_files": files,
            "scrape_configs": [{
                "job_name": "observer",
                "static_configs": [{"targets": [format!("127.0.0.1:{port}")]}],
            }],
        });
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration.to_string()).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = Command::new("prometheus");
        command
            .arg(option("config.file", &file))
            .arg(option("storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address={address}"));
        let process = Process::start(&mut command, folder);
        let ready = format!("http://{address}/-/ready");
        let process = process.until("Prometheus", || get(&ready, &[]).is_some());
        Self { process, address }
    }

    /// What a query gives now: the labels and the value of each series.
    pub fn query(&self, query: &str) -> Vec<(Value, f64)> {
        let answer = self.ask("query", &[("query", query)]);
        let found = answer["result"].as_array().unwrap();
        found
            .iter()
            .map(|one| {
                let value = one["value"][1].as_str().unwrap();
                (one["metric"].clone(), value.parse().unwrap())
            })
            .collect()
    }

    /// The alerts in a hurry that have fired so far, by their names in deploy/, sorted.
    pub fn fired(&self) -> Vec<String> {
        let query = r#"count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[30m]))"#;
        let mut names: Vec<String> = self
            .query(query)
            .iter()
            .filter_map(|(labels, _)| labels["alertname"].as_str()?.strip_prefix(QUICK))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    /// Each rule with what went wrong when it was evaluated, if anything did.
    pub fn rules(&self) -> Vec<(String, Option<String>)> {
        let answer = self.ask("rules", &[]);
        let groups = answer["groups"].as_array().unwrap();
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().unwrap());
        rules
            .map(|rule| {
                let name = rule["name"].as_str().unwrap().to_owned();
                let wrong = (rule["health"] != "ok").then(|| rule.to_string());
                (name, wrong)
            })
            .collect()
    }

    fn ask(&self, what: &str, query: &[(&str, &str)]) -> Value {
        let url = format!("http://{}/api/v1/{what}", self.address);
        let page = get(&url, query)
            .unwrap_or_else(|| panic!("no answer to {query:?}: {}", self.process.said()));
        let mut answer: Value = serde_json::from_str(&page).unwrap();
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        answer["data"].take()
    }
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// The same rules with seconds for minutes, minutes for hours, and a day as 24 minutes, under other
/// names.
fn in_a_hurry(rules: &str) -> String {
    let mut quick = String::new();
    for line in rules.lines() {
        let mut rest = line;
        while let Some((before, time, after)) = time(rest) {
            quick += before;
            quick += &time;
            rest = after;
        }
        quick += rest;
        quick.push('\n');
    }
    quick
        .replace(":observer_", ":quick_observer_")
        .replace("- alert: ", &format!("- alert: {QUICK}"))
        .replace("- name: ", "- name: quick-")
}

/// The first duration of a line, in a hurry, and what is around it.
fn time(line: &str) -> Option<(&str, String, &str)> {
    let at = ["[", "offset ", "for: "]
        .iter()
        .flat_map(|mark| line.match_indices(mark).map(|(at, mark)| at + mark.len()))
        .filter(|at| line[*at..].starts_with(|first: char| first.is_ascii_digit()))
        .min()?;
    let (before, rest) = line.split_at(at);
    let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, rest) = rest.split_at(end);
    let unit = rest.chars().next()?;
    let time = match unit {
        'm' => format!("{number}s"),
        'h' => format!("{number}m"),
        'd' => format!("{}m", 24 * number.parse::<u32>().ok()?),
        _ => panic!("a duration that is not known: {line}"),
    };
    Some((before, time, &rest[unit.len_utf8()..]))
}

#[test]
fn durations_are_hurried_and_nothing_else_is() {
    let rules = "  - name: a\n  - alert: B\n    expr: rate(service:observer_x:rate5m[5m]) > 3 * \
                 avg_over_time(x[1h] offset 10m) or y[7d]\n    for: 2m\n";
    assert_eq!(
        in_a_hurry(rules),
        "  - name: quick-a\n  - alert: QuickB\n    expr: rate(service:quick_observer_x:rate5m[5s]) > \
         3 * avg_over_time(x[1m] offset 10s) or y[168m]\n    for: 2s\n"
    );
}
