//! Numbers for Prometheus: docs/metrics.md describes every family, and a test holds page and
//! exporter together.

mod cap;
mod family;
mod process;
pub mod server;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use lru::DefaultHasher;
use prometheus::{Histogram, IntCounter, Registry, TextEncoder};

use crate::event::Event;
use crate::exchange::Side;
use crate::gap::Gap;
use crate::time::Timestamp;
use crate::totals::{Counts, Totals};
use crate::verdict::{Cause, Certainty, Linted, Outcome};

use super::writer::Losses;
use super::{Glance, Sink};
use cap::Cap;
use family::Families;
use process::Process;

/// The sink: counts events and totals.
pub struct Prometheus {
    families: Families,
    services: Cap,
    series: HashMap<Labels, Series, DefaultHasher>,
    time_to_expiry: HashMap<Arc<str>, Histogram, DefaultHasher>,
    page: Page,
}

/// What tells the series of exchanges apart.
#[derive(Clone, Eq, Hash, PartialEq)]
struct Labels {
    service: Arc<str>,
    outcome: Outcome,
    cause: Option<Cause>,
    certainty: Option<Certainty>,
    side: Side,
}

/// The series of an exchange, found once. There are as many as in the families.
struct Series {
    exchanges: IntCounter,
    rejections: Option<IntCounter>,
}

/// What the sink counted, as a page: shared with whoever serves or writes it.
#[derive(Clone)]
pub struct Page(Arc<Shared>);

struct Shared {
    registry: Registry,
    families: Families,
    process: Mutex<Process>,
    events: Vec<Losses>,
    started: Instant,
    /// When the sink last heard of the capture: milliseconds since `started`.
    heard: AtomicU64,
}

impl Prometheus {
    /// Starts from zero. `events` are the writers whose losses are shown.
    pub fn new(events: Vec<Losses>) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let families = Families::register(&registry)?;
        Ok(Self {
            families: families.clone(),
            services: Cap::new(SERVICES),
            series: HashMap::default(),
            time_to_expiry: HashMap::default(),
            page: Page(Arc::new(Shared {
                registry,
                families,
                process: Mutex::default(),
                events,
                started: Instant::now(),
                heard: AtomicU64::new(0),
            })),
        })
    }

    /// What was counted, to be shown.
    pub fn page(&self) -> Page {
        self.page.clone()
    }

    fn service<'a>(&mut self, service: &'a str) -> &'a str {
        let shown = self.services.label(service);
        if shown != service {
            self.families
                .labels_capped
                .with_label_values(&["service"])
                .inc();
        }
        shown
    }
}

impl Sink for Prometheus {
    fn wants(&self, _: bool) -> bool {
        false
    }

    fn take(&mut self, event: &Arc<Event>) {
        self.glance(&Glance::from(&**event));
    }

    fn glance(&mut self, glance: &Glance<'_>) {
        let shown = self.service(glance.service);
        let service = if *shown == **glance.service {
            Arc::clone(glance.service)
        } else {
            shown.into()
        };
        if let Some(seconds) = glance.seconds_to_expiry
            && glance.side != Side::Client
        {
            let family = &self.families.time_to_expiry;
            self.time_to_expiry
                .entry(Arc::clone(&service))
                .or_insert_with_key(|service| family.with_label_values(&[&**service]))
                .observe(seconds);
        }
        let refused = glance.is_rejection();
        let labels = Labels {
            service,
            outcome: glance.verdict.outcome,
            cause: glance.verdict.cause.filter(|_| refused),
            certainty: glance.verdict.certainty.filter(|_| refused),
            side: glance.side,
        };
        let families = &self.families;
        let series = self
            .series
            .entry(labels)
            .or_insert_with_key(|labels| Series::of(labels, families));
        series.exchanges.inc();
        if let Some(rejections) = &series.rejections {
            rejections.inc();
        }
    }

    fn wants_lints(&self) -> bool {
        true
    }

    fn lint(&mut self, service: &str, lints: &[Linted]) {
        let service = self.service(service);
        for linted in lints {
            self.families
                .token_lint
                .with_label_values(&[service, linted.lint.id()])
                .inc();
        }
    }

    fn tls(&mut self, service: &str, side: Side, _: Option<&str>) {
        let service = self.service(service);
        self.families
            .tls_connections
            .with_label_values(&[service, side.id()])
            .inc();
    }

    fn gap(&mut self, gap: &Gap) {
        self.families.gap.set(gap.duration.as_secs_f64());
    }

    fn pass(&mut self, _: Timestamp, totals: &Totals) {
        self.page.0.heard();
        self.families.follow(totals);
    }

    fn finish(&mut self, totals: &Totals) {
        self.families.follow(totals);
    }
}

impl Series {
    fn of(labels: &Labels, families: &Families) -> Self {
        let service = &*labels.service;
        let side = labels.side.id();
        let cause = labels.cause.map_or("", |cause| cause.id());
        let certainty = labels.certainty.map_or("", |certainty| certainty.id());
        let refused = labels.outcome == Outcome::Rejected;
        Self {
            exchanges: families
                .exchanges
                .with_label_values(&[service, labels.outcome.id(), side]),
            rejections: refused.then(|| {
                families
                    .rejections
                    .with_label_values(&[service, cause, certainty, side])
            }),
        }
    }
}

impl Page {
    /// The text exposition format, version 0.0.4.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let shared = &*self.0;
        let families = &shared.families;
        let queue_full = shared.events.iter().map(Losses::queue_full).sum();
        let write_failed = shared.events.iter().map(Losses::write_failed).sum();
        let dropped = Counts::from([("queue_full", queue_full), ("write_failed", write_failed)]);
        family::follow(&families.events_dropped, &dropped);
        shared
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .update(families);
        TextEncoder::new().encode_to_string(&shared.registry.gather())
    }

    /// For how many milliseconds nothing was heard of the capture.
    fn silent_for(&self) -> u64 {
        let heard = self.0.heard.load(Ordering::Relaxed);
        self.0.now().saturating_sub(heard)
    }
}

impl Shared {
    fn heard(&self) {
        self.heard.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// So many services have series of their own; the others share `other`. At most 24 causes, 7
/// certainties and 3 sides each: in practice a few dozen series of 300 bytes per service.
const SERVICES: usize = 200;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::event::sample;
    use crate::gap::After;
    use crate::totals::{Said, UnixTalk, UnixUnseen};
    use crate::verdict::Lint;

    fn fed() -> Prometheus {
        let mut sink = Prometheus::new(Vec::new()).unwrap();
        sink.take(&Arc::new(sample::event()));
        sink.tls("nginx:443", Side::Server, None);
        let linted = Linted {
            lint: Lint::AlgNone,
            fact: String::new(),
        };
        sink.lint("orders:8080", &[linted]);
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
            r#"observer_connections_total{protocol="tls"} 5"#,
            r#"observer_tls_connections_total{service="nginx:443",side="server"} 1"#,
            r#"observer_tls_connections_total{service="other",side="server"} 3"#,
            r#"observer_labels_capped_total{label="service"} 3"#,
            "observer_capture_seen_total 12",
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
}
