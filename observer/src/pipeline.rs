//! From a source to the sinks: the one way that data goes, for every command and test.
//!
//! With one thread everything is done on it, one batch after the other. With more, the caller's reads
//! the source, the next turns packets into exchanges, and a last one judges these and hands events to the
//! sinks. So a storm of rejections, which are the dearest to judge, does not keep the ring of the kernel
//! from being emptied while there is a second processor. Together the three take about two processors; for
//! each more, one helps the second.

mod linter;
mod middle;
mod reporter;
mod steps;

use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::config::Config;
use crate::credential::Policy;
use crate::engine::{Engine, Limits};
use crate::event::{Paths, Requests};
use crate::filter::Filter;
use crate::history::History;
use crate::keys::Keys;
use crate::packet::{Batch, Size};
use crate::service::Services;
use crate::sink::Sink;
use crate::source::Source;
use crate::stop::Stop;
use crate::totals::Totals;
use crate::verdict::{self, Expectation, Judge, Words};

use linter::Linter;
use middle::{Job, Middle};
use reporter::Reporter;
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
    /// What servers say, besides what observer knows.
    pub words: Words,
    /// What is reported.
    pub filter: Filter,
    /// How paths leave.
    pub paths: Paths,
    /// What is known of keys, which others may read while it runs.
    pub keys: Arc<Mutex<Keys>>,
}

/// Turns batches into events and hands them to sinks.
pub struct Pipeline {
    middle: Middle,
    reporter: Reporter,
    changes: Option<Receiver<Config>>,
    alone: bool,
}

impl Pipeline {
    /// A pipeline that has seen nothing yet.
    pub fn new(settings: Settings, sinks: Vec<Box<dyn Sink>>) -> Self {
        // Reading and judging take about one processor together.
        let workers = settings.threads.get() - 1;
        let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
        Self {
            middle: Middle::new(Engine::new(settings.limits, settings.policy, workers)),
            reporter: Reporter {
                services: settings.services,
                expectations: settings.expectations,
                filter: settings.filter,
                requests: Requests::new(settings.paths),
                judge: Judge::understanding(settings.words),
                history: History::default(),
                linter: Linter::new(sinks.iter().any(|sink| sink.wants_lints())),
                sinks,
                steps: Steps::default(),
                keys: settings.keys,
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
            mut middle,
            mut reporter,
            changes,
            alone,
        } = self;
        let mut reader = Reader {
            source,
            changes,
            stop,
        };
        if alone {
            verdict::prepare();
            let done = reader.read(Batch::of(Size::SMALL), |job| {
                let (message, batch) = middle.take(job);
                middle.reuse(reporter.take(message, stop));
                Some(batch)
            });
            return done.map(|()| middle.totals());
        }
        // One batch is read and one waits while exchanges are made of a third: those of a storm are large.
        let (jobs, to_do) = sync_channel(1);
        let (batches, free) = sync_channel(2);
        let (messages, received) = sync_channel(WAITING);
        let (back, used) = sync_channel(2 * WAITING);
        thread::scope(move |scope| {
            scope.spawn(move || {
                verdict::prepare();
                for message in received {
                    // Where there is no room for it, it is not needed.
                    let _ = back.try_send(reporter.take(message, stop));
                }
            });
            let middle = scope.spawn(move || {
                for job in to_do {
                    // What was judged is dropped where it was made: what exchanges share is then counted by
                    // one thread, and memory goes back to where it came from.
                    used.try_iter().for_each(|outputs| middle.reuse(outputs));
                    let (message, batch) = middle.take(job);
                    let _ = batches.try_send(batch);
                    // A reporter that is gone has panicked, and the scope passes that on.
                    if messages.send(message).is_err() {
                        break;
                    }
                }
                middle.totals()
            });
            let done = reader.read(Batch::new(), |job| {
                jobs.send(job).ok()?;
                Some(free.try_recv().unwrap_or_default())
            });
            drop(jobs);
            let totals = middle.join().unwrap_or_else(|panic| resume_unwind(panic));
            done.map(|()| totals)
        })
    }
}

/// The first third of a pipeline.
struct Reader<'a, S> {
    source: &'a mut S,
    changes: Option<Receiver<Config>>,
    stop: &'a Stop,
}

impl<S: Source> Reader<'_, S> {
    /// Reads until the end, into `batch` first. `send` takes a job, and gives a batch for another, unless
    /// nobody takes them any more.
    fn read(
        &mut self,
        mut batch: Batch,
        mut send: impl FnMut(Job) -> Option<Batch>,
    ) -> Result<(), S::Error> {
        let Self {
            source,
            changes,
            stop,
        } = self;
        let mut done = Ok(());
        loop {
            let changed = changes.iter().flat_map(Receiver::try_iter).last();
            if let Some(config) = changed.filter(|config| narrow(*source, config)) {
                send(Job::Configured(Box::new(config)));
            }
            // What was captured before the end was asked for is still taken.
            let last = stop.requested();
            let more = source.read(&mut batch).unwrap_or_else(|error| {
                done = Err(error);
                false
            });
            let (clock, step) = (batch.clock(), batch.step());
            let totals = totals(*source);
            let next = send(Job::Batch { batch, totals });
            let taken = next.is_some();
            // Whichever is filled next goes on where this one ended.
            batch = next.unwrap_or_default();
            batch.advance(clock);
            batch.set_step(step);
            if last || !more || !taken {
                break;
            }
        }
        send(Job::End(totals(*source)));
        done
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

/// What the source knows of itself.
fn totals<S: Source>(source: &S) -> Totals {
    let mut totals = Totals::default();
    source.count(&mut totals);
    totals
}

#[cfg(test)]
mod tests;
