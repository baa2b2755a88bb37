//! Writes down until when was watched, in a thread of its own, so that a disk that stalls stops
//! nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::event::Event;
use crate::sink::Sink;
use crate::time::Timestamp;
use crate::totals::Totals;

use super::{State, since_boot};

/// A sink that notes when it last heard of the capture.
pub struct Keeper {
    heard: Arc<AtomicU64>,
    end: Option<Sender<()>>,
    done: Receiver<()>,
}

/// How often it is written.
const EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for a disk.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Keeper {
    pub(super) fn start(state: State) -> io::Result<Self> {
        let heard = Arc::new(AtomicU64::new(since_boot()));
        let (end, ended) = channel();
        let (finished, done) = sync_channel(1);
        let shared = Arc::clone(&heard);
        thread::Builder::new()
            .name("observer-state".to_owned())
            .spawn(move || {
                write_until(&state, &shared, &ended);
                // The owner may have stopped waiting. The file is free before it is told.
                drop(state);
                let _ = finished.send(());
            })?;
        Ok(Self {
            heard,
            end: Some(end),
            done,
        })
    }
}

fn write_until(state: &State, heard: &AtomicU64, ended: &Receiver<()>) {
    let mut refused = false;
    loop {
        let end = ended.recv_timeout(EVERY);
        let done = state.write(heard.load(Ordering::Relaxed), end.is_ok());
        if let (Err(error), false) = (&done, refused) {
            tracing::warn!(
                "the state file cannot be written, so the next run will say too long a gap: {error}"
            );
        }
        refused = done.is_err();
        if end != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

impl Sink for Keeper {
    fn wants(&self, _: bool) -> bool {
        false
    }

    fn take(&mut self, _: &Arc<Event>) {}

    fn pass(&mut self, _: Timestamp, _: &Totals) {
        self.heard.store(since_boot(), Ordering::Relaxed);
    }

    fn finish(&mut self, _: &Totals) {
        if let Some(end) = self.end.take() {
            // Without its thread there is nobody to tell.
            let _ = end.send(());
            let _ = self.done.recv_timeout(LAST_WORDS);
        }
    }
}
