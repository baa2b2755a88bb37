//! Numbers for Prometheus: docs/metrics.md describes every family, and a test holds page and
//! exporter together.

mod cap;
mod family;
mod process;
pub mod server;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use lru::DefaultHasher;
use prometheus::{Histogram, IntCounter, Registry, TextEncoder};

use crate::credential::Fetched;
use crate::event::Event;
use crate::exchange::Side;
use crate::gap::Gap;
use crate::history::{Change, Offset};
use crate::keys::Keys;
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
    /// How the fetching of keys goes, and what is known of them.
    keys: OnceLock<(Arc<Fetched>, Arc<Mutex<Keys>>)>,
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
                keys: OnceLock::new(),
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
        if glance.side != Side::Client
            && let Some(seconds) = glance.expiry.seconds()
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

    fn condition(&mut self, change: &Change) {
        let service = self.service(&change.concern.service);
        let labels = [change.condition.id(), service];
        let active = self.families.condition_active.with_label_values(&labels);
        if change.ended.is_some() {
            active.dec();
        } else {
            active.inc();
            self.families.conditions.with_label_values(&labels).inc();
        }
    }

    fn clock(&mut self, service: &str, offset: Offset) {
        let service = self.service(service);
        for (bound, millis) in [("low", offset.low), ("high", offset.high)] {
            #[expect(clippy::cast_precision_loss, reason = "far less than 2^53")]
            let seconds = millis as f64 / 1e3;
            self.families
                .clock_offset
                .with_label_values(&[service, bound])
                .set(seconds);
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
    /// Shows how the fetching of keys goes, too, and serves what is known of them.
    pub fn show_keys(&self, fetched: Arc<Fetched>, known: Arc<Mutex<Keys>>) {
        // They are there from the start of a run to its end.
        let _ = self.0.keys.set((fetched, known));
    }

    /// The timeline of keys as JSON. `None`: there is none here.
    fn keys(&self) -> Option<serde_json::Result<String>> {
        let (_, known) = self.0.keys.get()?;
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        Some(serde_json::to_string(known.timeline()))
    }

    /// The text exposition format, version 0.0.4.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let shared = &*self.0;
        let families = &shared.families;
        let queue_full = shared.events.iter().map(Losses::queue_full).sum();
        let write_failed = shared.events.iter().map(Losses::write_failed).sum();
        let dropped = Counts::from([("queue_full", queue_full), ("write_failed", write_failed)]);
        family::follow(&families.events_dropped, &dropped);
        if let Some((fetched, _)) = shared.keys.get() {
            families.follow_keys(&fetched.states());
        }
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
