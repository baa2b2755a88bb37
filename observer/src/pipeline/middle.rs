//! Turns packets into exchanges.

use crate::config::Config;
use crate::engine::{Engine, Output};
use crate::packet::Batch;
use crate::totals::Totals;

use super::reporter::Message;

/// What there is to do.
pub(super) enum Job {
    /// Something was read.
    Batch {
        /// What.
        batch: Batch,
        /// What the source knows of itself by now.
        totals: Totals,
    },
    /// From here on this configuration counts.
    Configured(Box<Config>),
    /// Nothing more will be read. What the source knows of itself.
    End(Totals),
}

/// The second third of a pipeline.
pub(super) struct Middle {
    engine: Engine,
    room: Vec<Output>,
    totals: Totals,
}

impl Middle {
    /// With an engine that has seen nothing yet.
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            room: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Does a job. Gives what there is to report of it, and a batch to be filled.
    pub(super) fn take(&mut self, job: Job) -> (Message, Batch) {
        match job {
            Job::Batch { batch, totals } => {
                let mut outputs = std::mem::take(&mut self.room);
                self.engine.process_into(&batch, &mut outputs);
                let message = Message::Batch {
                    outputs,
                    clock: batch.clock(),
                    step: batch.step(),
                    totals: self.with_own(totals),
                };
                (message, batch)
            }
            Job::Configured(config) => (Message::Configured(config), Batch::new()),
            Job::End(totals) => {
                let outputs = self.engine.finish();
                self.totals = self.with_own(totals);
                let totals = self.totals.clone();
                (Message::End { outputs, totals }, Batch::new())
            }
        }
    }

    /// Takes back what held outputs.
    pub(super) fn reuse(&mut self, mut outputs: Vec<Output>) {
        outputs.clear();
        if outputs.capacity() > self.room.capacity() {
            self.room = outputs;
        }
    }

    /// What was seen in all, after the end.
    pub(super) fn totals(&mut self) -> Totals {
        std::mem::take(&mut self.totals)
    }

    /// What the source knows, and the engine.
    fn with_own(&self, mut totals: Totals) -> Totals {
        let tally = self.engine.tally();
        totals.connections.extend(tally.protocols());
        totals.given_up.extend(tally.given_up());
        totals.missing_bytes = tally.bytes_missing;
        totals.open_connections = tally.connections;
        totals.held_bytes = tally.held;
        totals
    }
}
