//! What is fed comes out as series.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::credential::KeySet;
use crate::event::sample;
use crate::gap::After;
use crate::history::Ending;
use crate::totals::{HostClock, Said, UnixTalk, UnixUnseen};
use crate::verdict::Lint;

fn history_sample(ended: bool) -> Change {
    Change {
        ended: ended.then(|| (Ending::AgedOut, String::new())),
        ..crate::history::sample()
    }
}

fn fed() -> Prometheus {
    let mut sink = Prometheus::new(Vec::new()).unwrap();
    sink.take(&Arc::new(sample::event()));
    sink.tls("nginx:443", Side::Server, None);
    let linted = Linted {
        lint: Lint::AlgNone,
        fact: String::new(),
    };
    sink.lint("orders:8080", &[linted]);
    for change in [
        history_sample(false),
        history_sample(true),
        history_sample(false),
    ] {
        sink.condition(&change);
    }
    let offset = Offset {
        low: -500,
        high: 1250,
        readings: [3, 0, 0],
    };
    sink.clock("orders:8080", offset);
    for number in 0..=SERVICES {
        sink.tls(&format!("service-{number}"), Side::Server, None);
    }
    let totals = Totals {
        seen: 12,
        read: Counts::new(),
        position: 0,
        lost: Counts::from([("ring_full", 3)]),
        unread: Counts::from([("fragments", 4)]),
        connections: Counts::from([("tls", 5)]),
        given_up: Counts::from([("head_too_long", 6)]),
        bypassed_bytes: 7,
        missing_bytes: 10,
        open_connections: 11,
        held_bytes: 13,
        context_seen: 9,
        context_lost: 8,
        host_clock: Some(HostClock {
            synchronised: true,
            max_error_us: 4_500,
            estimated_error_us: 20,
        }),
        unix_unseen: Some(UnixUnseen {
            talks: vec![UnixTalk {
                from: "nginx".into(),
                to: "gunicorn".into(),
                path: "/run/app.sock".into(),
                said: Said {
                    bytes: 14,
                    calls: 2,
                },
            }],
            other: Said {
                bytes: 15,
                calls: 3,
            },
        }),
    };
    let fetched = Arc::new(Fetched::default());
    fetched.count("https://issuer.example", "fetched");
    fetched.count("https://issuer.example", "timed_out");
    let set = KeySet::secret(b"x").unwrap();
    fetched.put("https://issuer.example", set);
    sink.page().show_keys(fetched, Arc::default());
    let gap = Duration::from_millis(12_500);
    sink.gap(&Gap::new(Timestamp::default(), gap, After::End));
    sink.pass(Timestamp::default(), &totals);
    sink.finish(&totals);
    sink
}

#[test]
fn events_and_totals_become_series() {
    let text = fed().page().text().unwrap();
    for line in [
        r#"observer_exchanges_total{outcome="rejected",service="orders:8080",side="server"} 1"#,
        r#"observer_rejections_total{cause="token_expired",certainty="proven",service="orders:8080",side="server"} 1"#,
        r#"observer_token_time_to_expiry_seconds_bucket{service="orders:8080",le="-300"} 1"#,
        r#"observer_token_time_to_expiry_seconds_bucket{service="orders:8080",le="-3600"} 0"#,
        r#"observer_condition_active{condition="token_truncated",service="orders:8080"} 1"#,
        r#"observer_conditions_total{condition="token_truncated",service="orders:8080"} 2"#,
        r#"observer_server_clock_offset_seconds{bound="low",service="orders:8080"} -0.5"#,
        r#"observer_server_clock_offset_seconds{bound="high",service="orders:8080"} 1.25"#,
        r#"observer_connections_total{protocol="tls"} 5"#,
        r#"observer_tls_connections_total{service="nginx:443",side="server"} 1"#,
        r#"observer_tls_connections_total{service="other",side="server"} 3"#,
        r#"observer_labels_capped_total{label="service"} 3"#,
        "observer_capture_seen_total 12",
        "observer_host_clock_synchronised 1",
        "observer_host_clock_max_error_seconds 0.0045",
        "observer_capture_gap_seconds 12.5",
        r#"observer_capture_lost_total{reason="ring_full"} 3"#,
        "observer_capture_bypassed_bytes_total 7",
        "observer_context_lost_total 8",
        r#"observer_unix_unseen_bytes_total{from="nginx",path="/run/app.sock",to="gunicorn"} 14"#,
        r#"observer_unix_unseen_bytes_total{from="other",path="other",to="other"} 15"#,
        "observer_stream_missing_bytes_total 10",
        "observer_engine_connections 11",
        "observer_engine_held_bytes 13",
        r#"observer_events_dropped_total{reason="queue_full"} 0"#,
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn expiry_is_counted_at_one_end_only() {
    let mut sink = Prometheus::new(Vec::new()).unwrap();
    let mut event = sample::event();
    event.side = Side::Client;
    sink.take(&Arc::new(event));
    let text = sink.page().text().unwrap();
    assert!(!text.contains("observer_token_time_to_expiry_seconds_count"));
    assert!(text.contains(r#"side="client""#));
}

/// `name{label,label}`, sorted.
fn exported() -> BTreeSet<String> {
    let page = fed().page();
    // Some families are filled when the page is asked for.
    page.text().unwrap();
    page.0
        .registry
        .gather()
        .iter()
        .map(|family| {
            let metric = family.get_metric().first().unwrap();
            let labels: Vec<_> = metric
                .get_label()
                .iter()
                .map(|label| label.name().to_owned())
                .collect();
            format!("{}{{{}}}", family.name(), labels.join(","))
        })
        .collect()
}

#[test]
fn the_page_of_the_docs_has_every_family_and_no_other() {
    let page = include_str!("../../../../docs/metrics.md");
    let documented: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter(|line| line.starts_with("observer_") || line.starts_with("process_"))
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let name = cells.next().unwrap().trim_end_matches('`').to_owned();
            let _kind = cells.next().unwrap();
            let mut labels: Vec<_> = cells
                .next()
                .unwrap()
                .split(',')
                .map(|label| label.trim().trim_matches('`'))
                .filter(|label| !label.is_empty())
                .collect();
            labels.sort_unstable();
            format!("{name}{{{}}}", labels.join(","))
        })
        .collect();
    assert_eq!(documented, exported());
}
