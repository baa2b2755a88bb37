//! From a source to the sinks: the one way that data goes, for every command and test.
//!
//! With one thread everything is done on it, one batch after the other. With more, the caller's reads
//! the source, another judges exchanges and hands events to the sinks, and those that are left over help
//! the first to turn packets into exchanges. So a storm of rejections, which are the dearest to judge,
//! does not keep the ring of the kernel from being emptied while there is a second processor.

mod reporter;
mod steps;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::config::Config;
use crate::credential::Policy;
use crate::engine::{Engine, Limits, Output};
use crate::event::{Paths, Requests};
use crate::filter::Filter;
use crate::packet::Batch;
use crate::service::Services;
use crate::sink::Sink;
use crate::source::Source;
use crate::stop::Stop;
use crate::totals::Totals;
use crate::verdict::{self, Expectation, Judge};

use reporter::{Message, Reporter};
use steps::Steps;

/// What a pipeline is told once, at start.
pub struct Settings {
    /// The bounds of the engine.
    pub limits: Limits,
    /// How credentials are taken apart.
    pub policy: Arc<Policy>,
    /// How many threads do the work. The output is the same for every number.
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
    reporter: Reporter,
    changes: Option<Receiver<Config>>,
    alone: bool,
}

impl Pipeline {
    /// A pipeline that has seen nothing yet.
    pub fn new(settings: Settings, sinks: Vec<Box<dyn Sink>>) -> Self {
        // One judges.
        let readers = settings.threads.get() - 1;
        let readers = NonZeroUsize::new(readers).unwrap_or(NonZeroUsize::MIN);
        Self {
            engine: Engine::new(settings.limits, settings.policy, readers),
            reporter: Reporter {
                services: settings.services,
                expectations: settings.expectations,
                filter: settings.filter,
                requests: Requests::new(settings.paths),
                judge: Judge::default(),
                sinks,
                steps: Steps::default(),
                unjudged: 0,
            },
            changes: None,
            alone: settings.threads == NonZeroUsize::MIN,
        }
    }

    /// Puts each configuration that comes here into effect, in place of the one before, while it runs.
    pub fn following(mut self, changes: Receiver<Config>) -> Self {
        self.changes = Some(changes);
        self
    }

    /// Takes all that the source has, until it ends or `stop` asks for the end. Then everything that
    /// is held back is written, and it is said how much was seen.
    ///
    /// # Errors
    /// The source failed. What it had read until then is written all the same.
    ///
    /// # Panics
    /// When the system gives no thread.
    pub fn run<S: Source>(self, source: &mut S, stop: &Stop) -> Result<Totals, S::Error> {
        let Self {
            engine,
            mut reporter,
            changes,
            alone,
        } = self;
        verdict::prepare();
        let mut reader = Reader {
            engine,
            source,
            changes,
            stop,
        };
        if alone {
            return reader.read(|message| Some(reporter.take(message, stop)));
        }
        let (messages, received) = sync_channel(WAITING);
        let (back, used) = sync_channel(2 * WAITING);
        thread::scope(move |scope| {
            scope.spawn(move || {
                for message in received {
                    // Where there is no room for it, it is not needed.
                    let _ = back.try_send(reporter.take(message, stop));
                }
            });
            // What was judged is dropped where it was made: what exchanges share is then counted by one
            // thread, and memory goes back to where it came from.
            reader.read(|message| {
                // A reporter that is gone has panicked, and the scope passes that on.
                messages.send(message).ok()?;
                Some(used.try_iter().last().unwrap_or_default())
            })
        })
    }
}

/// The first half of a pipeline.
struct Reader<'a, S> {
    engine: Engine,
    source: &'a mut S,
    changes: Option<Receiver<Config>>,
    stop: &'a Stop,
}

impl<S: Source> Reader<'_, S> {
    /// Reads until the end. `send` takes a message, and gives room for another, unless nobody takes
    /// them any more.
    fn read(
        &mut self,
        mut send: impl FnMut(Message) -> Option<Vec<Output>>,
    ) -> Result<Totals, S::Error> {
        let Self {
            engine,
            source,
            changes,
            stop,
        } = self;
        let mut batch = Batch::new();
        let mut outputs = Vec::new();
        let mut done = Ok(());
        loop {
            let changed = changes.iter().flat_map(Receiver::try_iter).last();
            if let Some(config) = changed.filter(|config| narrow(*source, config)) {
                send(Message::Configured(config));
            }
            // What was captured before the end was asked for is still taken.
            let last = stop.requested();
            let more = source.read(&mut batch).unwrap_or_else(|error| {
                done = Err(error);
                false
            });
            outputs.clear();
            engine.process_into(&batch, &mut outputs);
            let room = send(Message::Batch {
                outputs,
                clock: batch.clock(),
                step: batch.step(),
                totals: totals(*source, engine),
            });
            let taken = room.is_some();
            outputs = room.unwrap_or_default();
            if last || !more || !taken {
                break;
            }
        }
        let outputs = engine.finish();
        let totals = totals(*source, engine);
        send(Message::End {
            outputs,
            totals: totals.clone(),
        });
        done.map(|()| totals)
    }
}

/// Tells the source what is wanted now. False when it did not take it.
fn narrow<S: Source>(source: &mut S, config: &Config) -> bool {
    let done = source.set_filter(&config.rules.of_kernel());
    if let Err(error) = &done {
        tracing::error!("{error}. The configuration before stays in force");
    }
    done.is_ok()
}

/// So many batches may wait to be judged. When they do, the source waits: a capture in its file, a
/// live one in the ring of the kernel, where what finds no room is counted.
const WAITING: usize = 4;

fn totals<S: Source>(source: &S, engine: &Engine) -> Totals {
    let mut totals = Totals::default();
    source.count(&mut totals);
    let tally = engine.tally();
    totals.connections.extend(tally.protocols());
    totals.given_up.extend(tally.given_up());
    totals.missing_bytes = tally.bytes_missing;
    totals.open_connections = tally.connections;
    totals.held_bytes = tally.held;
    totals
}

#[cfg(test)]
mod tests;
