//! From a source to the sinks: the one way that data goes, for every command and test.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::credential::Policy;
use crate::engine::{Engine, Limits, Output};
use crate::event::{Paths, Seen};
use crate::exchange::Exchange;
use crate::filter::Filter;
use crate::packet::Batch;
use crate::service::{self, Services};
use crate::sink::Sink;
use crate::source::Source;
use crate::stop::Stop;
use crate::totals::Totals;
use crate::verdict::{self, Expectation};

/// What a pipeline is told once, at start.
pub struct Settings {
    /// The bounds of the engine.
    pub limits: Limits,
    /// How credentials are taken apart.
    pub policy: Arc<Policy>,
    /// How many threads the engine uses. The output is the same for every number.
    pub threads: NonZeroUsize,
    /// What servers are called.
    pub services: Services,
    /// What services expect of tokens, by the name of the service.
    pub expectations: Vec<(String, Expectation)>,
    /// What is reported.
    pub filter: Filter,
    /// How paths leave.
    pub paths: Paths,
}

/// Turns batches into events and hands them to sinks.
pub struct Pipeline {
    engine: Engine,
    services: Services,
    expectations: Vec<(String, Expectation)>,
    filter: Filter,
    paths: Paths,
    sinks: Vec<Box<dyn Sink>>,
}

impl Pipeline {
    /// A pipeline that has seen nothing yet.
    pub fn new(settings: Settings, sinks: Vec<Box<dyn Sink>>) -> Self {
        Self {
            engine: Engine::new(settings.limits, settings.policy, settings.threads),
            services: settings.services,
            expectations: settings.expectations,
            filter: settings.filter,
            paths: settings.paths,
            sinks,
        }
    }

    /// Takes all that the source has, until it ends or `stop` asks for the end. Then everything that
    /// is held back is written, and it is said how much was seen.
    ///
    /// # Errors
    /// The source failed. What it had read until then is written all the same.
    pub fn run<S: Source>(mut self, source: &mut S, stop: &Stop) -> Result<Totals, S::Error> {
        let mut batch = Batch::new();
        let mut done = Ok(());
        loop {
            // What was captured before the end was asked for is still taken.
            let last = stop.requested();
            let more = source.read(&mut batch).unwrap_or_else(|error| {
                done = Err(error);
                false
            });
            let outputs = self.engine.process(&batch);
            self.report(outputs);
            let totals = self.totals(source);
            for sink in &mut self.sinks {
                sink.pass(batch.clock(), &totals);
            }
            if last || !more {
                break;
            }
            if self.sinks.iter().any(|sink| sink.reader_gone()) {
                stop.request();
            }
        }
        let outputs = self.engine.finish();
        self.report(outputs);
        let totals = self.totals(source);
        for sink in &mut self.sinks {
            sink.finish(&totals);
        }
        done.map(|()| totals)
    }

    fn report(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Exchange(exchange) => self.exchange(&exchange),
                Output::Tls(seen) => {
                    let service = self.services.name(&seen.connection, None);
                    let port = seen.connection.server.port();
                    if self.filter.passes_service(port, &service) {
                        for sink in &mut self.sinks {
                            sink.tls(&service, seen.connection.side);
                        }
                    }
                }
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let process = exchange
            .handled
            .as_ref()
            .map(|handled| handled.name.as_str());
        let service = self.services.name(&exchange.connection, process);
        if !self.filter.passes(exchange, &service) {
            return;
        }
        let expected = self
            .expectations
            .iter()
            .find(|(meant, _)| service::is_meant(&service, meant))
            .map(|(_, expectation)| expectation);
        let seen = Seen {
            exchange,
            service: &service,
            paths: self.paths,
        };
        let event = Arc::new(seen.with(verdict::judge(exchange, expected)));
        for sink in &mut self.sinks {
            sink.take(&event);
        }
    }

    fn totals<S: Source>(&self, source: &S) -> Totals {
        let mut totals = Totals::default();
        source.count(&mut totals);
        let tally = self.engine.tally();
        totals.connections.extend(tally.protocols());
        totals.given_up.extend(tally.given_up());
        totals.missing_bytes = tally.bytes_missing;
        totals.open_connections = tally.connections;
        totals.held_bytes = tally.held;
        totals
    }
}
