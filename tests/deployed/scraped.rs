//! An agent that watches real traffic, and what Prometheus makes of it.

use std::process::Command;

use observer_tests::programs;
use tempfile::TempDir;

use crate::dashboard::{queries, variables};
use crate::process::{Process, free_port, get, wait_for};
use crate::prometheus::Prometheus;
use crate::traffic::{Service, Traffic, crowd, hello};

/// What the traffic must set off, and nothing else.
const ALERTS: [&str; 6] = [
    "ObserverClockSkew",
    "ObserverCondition",
    "ObserverLabelsCapped",
    "ObserverRejectionsSpike",
    "ObserverTokensAboutToExpire",
    "ObserverTokensNotRefreshed",
];
/// About what others on this host do meanwhile.
const OF_THE_HOST: [&str; 3] = [
    "ObserverBypassed",
    "ObserverMostlyUnreadable",
    "ObserverUnixUnseen",
];
/// And its end.
const ENDED: [&str; 2] = ["ObserverAbsent", "ObserverDown"];

const UNSEEN: &str = "observer_unix_unseen_bytes_total";

/// More services than this are counted as `other`.
const SERVICES: usize = 200;

#[test]
fn prometheus_has_an_answer_to_every_query_and_alerts_for_what_is_wrong() {
    let (orders, billing) = (Service::new(), Service::new());
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let mut command = Command::new(programs::observer());
    command
        .arg("run")
        .arg(format!("--listen=127.0.0.1:{port}"))
        .args(["--events=events", "--threads=2"])
        .args([orders.called("orders"), billing.called("billing")]);
    let agent = Process::start(&mut command, folder);
    let healthy = format!("http://127.0.0.1:{port}/healthz");
    let agent = agent.until("agent", || get(&healthy, &[]).is_some());
    let prometheus = Prometheus::scraping(port);
    let traffic = Traffic::start(orders, billing);

    crowd(SERVICES);
    let capped = "sum(observer_labels_capped_total) > 0";
    wait_for("use of `other`", || {
        crowd(10);
        !prometheus.query(capped).is_empty()
    });
    let missing = |wanted: &[&str]| {
        let fired = prometheus.fired();
        !wanted.iter().all(|name| fired.iter().any(|it| it == name))
    };
    wait_for("alerts for what is wrong", || {
        // What is counted at one time alone has no rate.
        crowd(1);
        hello();
        !missing(&ALERTS)
    });
    let mut fired = prometheus.fired();
    fired.retain(|name| !OF_THE_HOST.contains(&name.as_str()));
    assert_eq!(fired, ALERTS);

    let page = get(&format!("http://127.0.0.1:{port}/metrics"), &[]).unwrap();
    let mut empty = Vec::new();
    for query in queries() {
        let found = prometheus.query(&query.text);
        // Where the kernel lets unix sockets be seen, nothing unseen is counted.
        let seen = query.text.contains(UNSEEN) && !page.contains(UNSEEN);
        if !seen && found.iter().all(|(_, value)| value.is_nan()) {
            empty.push(format!("{}: {}", query.panel, query.text));
        }
    }
    assert!(empty.is_empty(), "nothing for\n{}", empty.join("\n"));
    for (metric, label) in variables() {
        let values = prometheus.query(&format!("count by ({label}) ({metric})"));
        assert!(!values.is_empty(), "{metric} {label}");
    }
    let causes =
        r#"sum by (cause) (observer_rejections_total{service="orders", side="server"}) > 0"#;
    let mut causes: Vec<_> = prometheus
        .query(causes)
        .iter()
        .map(|(labels, _)| labels["cause"].as_str().unwrap().to_owned())
        .collect();
    causes.sort();
    assert_eq!(causes, ["token_expired", "token_not_yet_valid"]);
    let other = prometheus.query(r#"sum(observer_exchanges_total{service="other"})"#);
    assert!(!other.is_empty(), "no exchange of `other`");
    let services = prometheus
        .query(r#"count(count by (service) (observer_exchanges_total{service!="other"}))"#);
    assert!(
        services.iter().all(|(_, count)| *count <= SERVICES as f64),
        "{services:?}"
    );

    let rules = prometheus.rules();
    assert!(rules.len() > 40, "{rules:?}");
    for (name, wrong) in &rules {
        assert_eq!(*wrong, None, "{name}");
        if name.contains(":observer_") {
            assert!(
                !prometheus.query(name).is_empty(),
                "nothing is recorded as {name}"
            );
        }
    }

    drop(traffic);
    drop(agent);
    wait_for("alerts for an agent that is gone", || !missing(&ENDED));
}
