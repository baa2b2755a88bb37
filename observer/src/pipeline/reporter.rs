//! Judges exchanges and hands events to the sinks.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::config::Config;
use crate::engine::Output;
use crate::event::{Paths, Seen};
use crate::exchange::Exchange;
use crate::filter::Filter;
use crate::service::{self, Services};
use crate::sink::Sink;
use crate::stop::Stop;
use crate::time::Timestamp;
use crate::totals::Totals;
use crate::verdict::{self, Expectation};

/// What there is to report.
pub(super) enum Message {
    /// What a batch completed.
    Batch {
        /// In order.
        outputs: Vec<Output>,
        /// How far the clock of the data has come.
        clock: Timestamp,
        /// What the run knows of itself by now.
        totals: Totals,
    },
    /// From here on this configuration counts.
    Configured(Config),
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
    pub(super) paths: Paths,
    pub(super) sinks: Vec<Box<dyn Sink>>,
}

impl Reporter {
    /// Reports until the end. Asks for it when nobody reads any more.
    pub(super) fn work(mut self, messages: &Receiver<Message>, stop: &Stop) {
        for message in messages {
            match message {
                Message::Batch {
                    outputs,
                    clock,
                    totals,
                } => {
                    self.report(outputs);
                    for sink in &mut self.sinks {
                        sink.pass(clock, &totals);
                    }
                    if self.sinks.iter().any(|sink| sink.reader_gone()) {
                        stop.request();
                    }
                }
                Message::Configured(config) => {
                    self.services.configure(config.services);
                    self.filter.rules = config.rules;
                }
                Message::End { outputs, totals } => {
                    self.report(outputs);
                    for sink in &mut self.sinks {
                        sink.finish(&totals);
                    }
                }
            }
        }
    }

    fn report(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Exchange(exchange) => self.exchange(&exchange),
                Output::Tls(seen) => {
                    let service = self.services.name(&seen.connection, None);
                    if self.filter.passes_unread(&seen.connection, &service) {
                        for sink in &mut self.sinks {
                            sink.tls(&service, seen.connection.side);
                        }
                    }
                }
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange) {
        let handled = exchange.handled.as_ref();
        let service = self.services.name(&exchange.connection, handled);
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
}
