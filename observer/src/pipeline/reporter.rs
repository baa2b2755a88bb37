//! Judges exchanges and hands events to the sinks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::Config;
use crate::engine::Output;
use crate::event::{Requests, Seen};
use crate::exchange::Exchange;
use crate::filter::Filter;
use crate::history::{History, Sighting};
use crate::keys::{Keys, Testimony};
use crate::service::{self, Services};
use crate::sink::{Glance, Sink};
use crate::stop::Stop;
use crate::time::{Step, Timestamp};
use crate::totals::Totals;
use crate::verdict::{Expectation, Judge, Outcome};

use super::linter::Linter;
use super::steps::Steps;

/// What there is to report.
pub(super) enum Message {
    /// What a batch completed.
    Batch {
        /// In order.
        outputs: Vec<Output>,
        /// How far the clock of the data has come.
        clock: Timestamp,
        /// How far the time of day has been set.
        step: Step,
        /// What the run knows of itself by now.
        totals: Totals,
    },
    /// From here on this configuration counts.
    Configured(Box<Config>),
    /// What was left at the end.
    End {
        /// In order.
        outputs: Vec<Output>,
        /// What the run knows of itself.
        totals: Totals,
    },
}

/// The second half of a pipeline.
pub(super) struct Reporter {
    pub(super) services: Services,
    pub(super) expectations: Vec<(String, Expectation)>,
    pub(super) filter: Filter,
    pub(super) requests: Requests,
    pub(super) judge: Judge,
    pub(super) sinks: Vec<Box<dyn Sink>>,
    pub(super) linter: Linter,
    pub(super) history: History,
    pub(super) steps: Steps,
    pub(super) keys: Arc<Mutex<Keys>>,
    /// Exchanges that the end left no time for.
    pub(super) unjudged: u64,
}

/// How long is judged after a signal asked for the end: a command ends within two seconds, and the
/// writers want some of them.
const LAST_WORDS: Duration = Duration::from_millis(1100);

impl Reporter {
    /// Reports, and gives back what held the outputs. Asks for the end when nobody reads any more.
    pub(super) fn take(&mut self, message: Message, stop: &Stop) -> Vec<Output> {
        match message {
            Message::Batch {
                mut outputs,
                clock,
                step,
                totals,
            } => {
                self.steps.note(step, clock);
                self.report(&mut outputs, stop);
                self.history.pass(clock, step);
                self.tell_conditions();
                for sink in &mut self.sinks {
                    sink.pass(clock, &totals);
                }
                if self.sinks.iter().any(|sink| sink.reader_gone()) {
                    stop.request();
                }
                outputs
            }
            Message::Configured(config) => {
                self.services.configure(config.services);
                self.filter.rules = config.rules;
                self.expectations = config.expectations;
                self.judge.understand(config.words);
                Vec::new()
            }
            Message::End {
                mut outputs,
                mut totals,
            } => {
                self.report(&mut outputs, stop);
                totals.given_up.insert("unjudged", self.unjudged);
                self.history.finish();
                self.tell_conditions();
                for sink in &mut self.sinks {
                    sink.finish(&totals);
                }
                outputs
            }
        }
    }

    fn report(&mut self, outputs: &mut [Output], stop: &Stop) {
        // Whoever reads it waits for a batch at most. What a reader that panicked left is whole.
        let keys = Arc::clone(&self.keys);
        let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
        for output in outputs {
            if stop.presses_for() > LAST_WORDS {
                self.unjudged += 1;
                continue;
            }
            match output {
                Output::Exchange(exchange) => {
                    self.exchange(exchange, &mut keys);
                    self.tell_conditions();
                }
                Output::Tls(seen) => {
                    let service = self.services.name(&seen.connection, None);
                    if self.filter.passes_unread(&seen.connection, &service) {
                        let name = seen.server_name.as_deref();
                        for sink in &mut self.sinks {
                            sink.tls(&service, seen.connection.side, name);
                        }
                    }
                }
            }
        }
    }

    fn exchange(&mut self, exchange: &mut Exchange, keys: &mut Keys) {
        // One step for all of its times, or its duration would be bent.
        let step = self.steps.at(exchange.began());
        exchange.step(step);
        let exchange = &*exchange;
        let handled = exchange.handled.as_ref();
        let service = self.services.name(&exchange.connection, handled);
        keys.fetch(exchange, &service);
        if !self.filter.passes(exchange, &service) {
            return;
        }
        let expected = self
            .expectations
            .iter()
            .find(|(meant, _)| service::is_meant(&service, meant))
            .map(|(_, expectation)| expectation);
        let learned = testimony(exchange, keys);
        let verdict = self
            .judge
            .judge_knowing(exchange, expected, learned.as_deref());
        keys.token(exchange, verdict.outcome);
        let sighting = Sighting {
            exchange,
            service: &service,
            verdict: &verdict,
            step,
            keys: Some(keys.timeline()),
        };
        self.history.take(&sighting);
        let verdict = self.history.quoting(&sighting);
        if let Some(lints) = self.linter.lint(exchange, &service) {
            for sink in &mut self.sinks {
                sink.lint(&service, &lints);
            }
        }
        let seen = Seen {
            exchange,
            service: &service,
            requests: &mut self.requests,
        };
        let refused = verdict.outcome == Outcome::Rejected;
        if !self.sinks.iter().any(|sink| sink.wants(refused)) {
            let glance = seen.glance(&verdict);
            for sink in &mut self.sinks {
                sink.glance(&glance);
            }
            return;
        }
        let mut event = seen.with(verdict);
        if let Some(process) = &mut event.process {
            process.step = step;
        }
        let event = Arc::new(event);
        for sink in &mut self.sinks {
            if sink.wants(refused) {
                sink.take(&event);
            } else {
                sink.glance(&Glance::from(&*event));
            }
        }
    }

    /// Hands on what began and ended, and the clocks that were read.
    fn tell_conditions(&mut self) {
        if !self.history.has_news() {
            return;
        }
        for (service, offset) in self.history.clocks() {
            for sink in &mut self.sinks {
                sink.clock(&service, offset);
            }
        }
        for change in self.history.changes() {
            for sink in &mut self.sinks {
                sink.condition(&change);
            }
        }
    }
}

/// What key sets that went by say of the signature, where it may matter: checking one is dear.
fn testimony(exchange: &Exchange, keys: &mut Keys) -> Option<Arc<Testimony>> {
    let is_error = exchange.response.as_ref()?.status >= 400;
    let credential = exchange.request.as_ref()?.credential.as_ref();
    keys.testimony(credential.filter(|_| is_error)?)
}
