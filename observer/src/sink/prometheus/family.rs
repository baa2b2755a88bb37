//! The families, their names and labels.

use std::time::Duration;

use prometheus::{
    Counter, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use crate::credential::State;
use crate::totals::{Counts, Totals, UnixTalk};

use super::cap::OTHER;

/// Every family of the page. Clones are the same families.
#[derive(Clone)]
pub(super) struct Families {
    pub(super) exchanges: IntCounterVec,
    pub(super) rejections: IntCounterVec,
    pub(super) time_to_expiry: HistogramVec,
    pub(super) tls_connections: IntCounterVec,
    pub(super) token_lint: IntCounterVec,
    pub(super) condition_active: IntGaugeVec,
    pub(super) conditions: IntCounterVec,
    pub(super) clock_offset: GaugeVec,
    pub(super) events_dropped: IntCounterVec,
    pub(super) labels_capped: IntCounterVec,
    pub(super) cpu_seconds: Counter,
    pub(super) resident_bytes: Gauge,
    pub(super) start_time: Gauge,
    pub(super) gap: Gauge,
    keys_fetches: IntCounterVec,
    keys_known: IntGaugeVec,
    keys_age: GaugeVec,
    connections: IntCounterVec,
    seen: IntCounter,
    lost: IntCounterVec,
    unread: IntCounterVec,
    missing_bytes: IntCounter,
    open_connections: IntGauge,
    held_bytes: IntGauge,
    bypassed: IntCounter,
    unix_unseen: IntCounterVec,
    host_synchronised: GaugeVec,
    host_max_error: GaugeVec,
    host_estimated_error: GaugeVec,
    context_seen: IntCounter,
    context_lost: IntCounter,
    given_up: IntCounterVec,
}

impl Families {
    /// Registers every family.
    pub(super) fn register(to: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name, help, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            to.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let counter = |name, help| {
            let family = IntCounter::new(name, help)?;
            to.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let count = |name, help| {
            let family = IntGauge::new(name, help)?;
            to.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let gauge = |name, help| {
            let family = Gauge::new(name, help)?;
            to.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let time_to_expiry = HistogramVec::new(
            HistogramOpts::new(
                "observer_token_time_to_expiry_seconds",
                "From a request to the exp of its token; below zero when that had passed.",
            )
            .buckets(EXPIRY_BUCKETS.to_vec()),
            &["service"],
        )?;
        to.register(Box::new(time_to_expiry.clone()))?;
        let build = IntGaugeVec::new(
            Opts::new("observer_build_info", "1, with the version of the agent."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        to.register(Box::new(build))?;
        // Without labels, but absent until there is something to tell.
        let told = |name, help| {
            let family = GaugeVec::new(Opts::new(name, help), &[])?;
            to.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let condition_active = IntGaugeVec::new(
            Opts::new(
                "observer_condition_active",
                "Conditions that hold now, which many exchanges explain together.",
            ),
            &["condition", "service"],
        )?;
        to.register(Box::new(condition_active.clone()))?;
        let clock_offset = GaugeVec::new(
            Opts::new(
                "observer_server_clock_offset_seconds",
                "By how much the clocks of a service are ahead of ours, at the least and at the most.",
            ),
            &["service", "bound"],
        )?;
        to.register(Box::new(clock_offset.clone()))?;
        let keys_known = IntGaugeVec::new(
            Opts::new(
                "observer_keys_known",
                "Keys of an issuer that signatures are checked with, of those that are fetched.",
            ),
            &["issuer"],
        )?;
        to.register(Box::new(keys_known.clone()))?;
        let keys_age = GaugeVec::new(
            Opts::new(
                "observer_keys_age_seconds",
                "How long ago the keys of an issuer were fetched.",
            ),
            &["issuer"],
        )?;
        to.register(Box::new(keys_age.clone()))?;
        let cpu_seconds = Counter::new(
            "process_cpu_seconds_total",
            "Processor time that the agent used, in the kernel and outside.",
        )?;
        to.register(Box::new(cpu_seconds.clone()))?;
        Ok(Self {
            exchanges: counters(
                "observer_exchanges_total",
                "Exchanges seen, each end for itself.",
                &["service", "outcome", "side"],
            )?,
            rejections: counters(
                "observer_rejections_total",
                "Exchanges whose request was refused for its credential, each end for itself.",
                &["service", "cause", "certainty", "side"],
            )?,
            time_to_expiry,
            tls_connections: counters(
                "observer_tls_connections_total",
                "TLS connections, whose contents are not readable yet, each end for itself.",
                &["service", "side"],
            )?,
            token_lint: counters(
                "observer_token_lint_total",
                "Distinct tokens that are not as they should be.",
                &["service", "lint"],
            )?,
            condition_active,
            conditions: counters(
                "observer_conditions_total",
                "Conditions that began.",
                &["condition", "service"],
            )?,
            clock_offset,
            events_dropped: counters(
                "observer_events_dropped_total",
                "Lines of events that could not be written.",
                &["reason"],
            )?,
            labels_capped: counters(
                "observer_labels_capped_total",
                "How often a label was written as other, because it had too many values.",
                &["label"],
            )?,
            cpu_seconds,
            resident_bytes: gauge(
                "process_resident_memory_bytes",
                "Memory that the agent holds.",
            )?,
            start_time: gauge(
                "process_start_time_seconds",
                "When the agent started, in seconds since the Unix epoch.",
            )?,
            gap: gauge(
                "observer_capture_gap_seconds",
                "For how long nobody watched before this run; 0 where that is not known.",
            )?,
            keys_fetches: counters(
                "observer_keys_fetches_total",
                "How often the keys of an issuer were fetched, by what came of it.",
                &["issuer", "result"],
            )?,
            keys_known,
            keys_age,
            connections: counters(
                "observer_connections_total",
                "Connections by the protocol that was recognised on them.",
                &["protocol"],
            )?,
            seen: counter(
                "observer_capture_seen_total",
                "Segments that were wanted: delivered and lost ones.",
            )?,
            lost: counters(
                "observer_capture_lost_total",
                "Segments that were wanted and did not reach the agent.",
                &["reason"],
            )?,
            unread: counters(
                "observer_capture_unread_total",
                "Packets that were left out or could not be taken apart.",
                &["reason"],
            )?,
            bypassed: counter(
                "observer_capture_bypassed_bytes_total",
                "Bytes of TCP sockets that went past the packet probes.",
            )?,
            unix_unseen: counters(
                "observer_unix_unseen_bytes_total",
                "Bytes written to unix sockets that observer cannot see, by processes and socket.",
                &["from", "to", "path"],
            )?,
            host_synchronised: told(
                "observer_host_clock_synchronised",
                "1 where the kernel has the clock of this host synchronised, else 0.",
            )?,
            host_max_error: told(
                "observer_host_clock_max_error_seconds",
                "By how much the clock of this host may be off at the most, as the kernel has it.",
            )?,
            host_estimated_error: told(
                "observer_host_clock_estimated_error_seconds",
                "By how much the clock of this host is off, as whatever keeps it estimates.",
            )?,
            context_seen: counter(
                "observer_context_seen_total",
                "Records of who handled what: delivered and lost ones.",
            )?,
            context_lost: counter(
                "observer_context_lost_total",
                "Records of who handled what that did not reach the agent.",
            )?,
            missing_bytes: counter(
                "observer_stream_missing_bytes_total",
                "Bytes of streams that were wanted and did not come.",
            )?,
            open_connections: count(
                "observer_engine_connections",
                "Connections that the agent knows now.",
            )?,
            held_bytes: count(
                "observer_engine_held_bytes",
                "Bytes held behind holes and of heads that are not complete.",
            )?,
            given_up: counters(
                "observer_given_up_total",
                "What the agent gave up to keep its bounds.",
                &["reason"],
            )?,
        })
    }

    /// Takes over how the fetching of keys goes.
    pub(super) fn follow_keys(&self, states: &[State]) {
        for state in states {
            let issuer = state.issuer.as_str();
            for (result, count) in &state.results {
                let counter = self.keys_fetches.with_label_values(&[issuer, *result]);
                follow_one(&counter, *count);
            }
            let known = i64::try_from(state.keys).unwrap_or(i64::MAX);
            self.keys_known.with_label_values(&[issuer]).set(known);
            if let Some(since) = state.since {
                let age = since.elapsed().as_secs_f64();
                self.keys_age.with_label_values(&[issuer]).set(age);
            }
        }
    }

    /// Takes over what the run knows of itself.
    pub(super) fn follow(&self, totals: &Totals) {
        follow(&self.connections, &totals.connections);
        follow(&self.lost, &totals.lost);
        follow(&self.unread, &totals.unread);
        follow(&self.given_up, &totals.given_up);
        follow_one(&self.seen, totals.seen);
        follow_one(&self.missing_bytes, totals.missing_bytes);
        self.open_connections.set(gauge(totals.open_connections));
        self.held_bytes.set(gauge(totals.held_bytes));
        follow_one(&self.bypassed, totals.bypassed_bytes);
        if let Some(unseen) = &totals.unix_unseen {
            for UnixTalk {
                from,
                to,
                path,
                said,
            } in &unseen.talks
            {
                let labels = [&**from, &**to, &**path];
                follow_one(&self.unix_unseen.with_label_values(&labels), said.bytes);
            }
            let others = self.unix_unseen.with_label_values(&[OTHER; 3]);
            follow_one(&others, unseen.other.bytes);
        }
        if let Some(clock) = totals.host_clock {
            let seconds = |micros| Duration::from_micros(micros).as_secs_f64();
            for (family, value) in [
                (
                    &self.host_synchronised,
                    f64::from(u8::from(clock.synchronised)),
                ),
                (&self.host_max_error, seconds(clock.max_error_us)),
                (
                    &self.host_estimated_error,
                    seconds(clock.estimated_error_us),
                ),
            ] {
                family.with_label_values::<&str>(&[]).set(value);
            }
        }
        follow_one(&self.context_seen, totals.context_seen);
        follow_one(&self.context_lost, totals.context_lost);
    }
}

/// Raises counters to what was counted elsewhere. Never lowers one.
pub(super) fn follow(family: &IntCounterVec, counts: &Counts) {
    for (name, count) in counts {
        follow_one(&family.with_label_values(&[*name]), *count);
    }
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn follow_one(counter: &IntCounter, count: u64) {
    counter.inc_by(count.saturating_sub(counter.get()));
}

/// A day, an hour, and so on to both sides of the moment of expiry.
const EXPIRY_BUCKETS: [f64; 12] = [
    -86_400.0, -3600.0, -300.0, -60.0, 0.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0,
    604_800.0,
];
