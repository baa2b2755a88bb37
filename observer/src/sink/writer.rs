//! Lines written by a thread of their own, so that a full disk or a stalled pipe stops nothing.

mod put;

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::stop::Stop;

/// Where lines end up.
pub enum Output {
    /// A regular file: a line that was written in part is taken back.
    File(File),
    /// A pipe, a terminal, a buffer of a test.
    Stream(Box<dyn Write + Send>),
}

/// What happens when the writer cannot keep up.
#[derive(Clone, Debug)]
pub enum WhenFull {
    /// Lines are dropped and counted: the source does not wait. At the end a stalled reader is
    /// waited for as long as a signal that asked for it allows.
    Drop(Stop),
    /// The caller waits, because the source is a file, until it is asked to end.
    WaitUnless(Stop),
}

/// A bounded queue of lines and the thread that writes them.
pub struct Writer {
    queue: Option<SyncSender<Chunk>>,
    when_full: WhenFull,
    buffer: Chunk,
    state: Arc<State>,
    done: Receiver<()>,
}

impl Writer {
    /// Starts the thread. Fails when the system gives no thread.
    pub fn start(output: Output, when_full: WhenFull) -> io::Result<Self> {
        let (queue, chunks) = sync_channel(CHUNKS);
        let (finished, done) = sync_channel(1);
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::Builder::new()
            .name("observer-writer".to_owned())
            .spawn(move || {
                put::write_all(output, &chunks, &shared);
                // The owner may have stopped waiting.
                let _ = finished.send(());
            })?;
        Ok(Self {
            queue: Some(queue),
            when_full,
            buffer: Chunk::default(),
            state,
            done,
        })
    }

    /// Adds a line, which `write` writes without its end.
    pub fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.buffer.bytes);
        self.buffer.bytes.push(b'\n');
        self.buffer.lines += 1;
        if self.buffer.bytes.len() >= CHUNK {
            self.flush();
        }
    }

    /// Hands the lines so far to the thread.
    pub fn flush(&mut self) {
        if self.buffer.lines == 0 {
            return;
        }
        // The next one will be about as large.
        let next = Chunk {
            bytes: Vec::with_capacity(self.buffer.bytes.len()),
            lines: 0,
        };
        let chunk = std::mem::replace(&mut self.buffer, next);
        let lines = chunk.lines;
        self.state.queued.fetch_add(lines, Ordering::Relaxed);
        if !self.send(chunk) {
            self.state.queued.fetch_sub(lines, Ordering::Relaxed);
            self.state.full.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// Writes what is left and ends the thread. Gives up on a reader that is stalled, and counts
    /// the rest as lost, when the source does not wait or the end was asked for.
    pub fn finish(&mut self) {
        self.flush();
        if self.queue.take().is_none() {
            return;
        }
        let mut until = None;
        while self.done.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            if self.may_wait() {
                continue;
            }
            // By the clock: on a busy machine each pause takes longer than it was asked to.
            let now = Instant::now();
            if now >= *until.get_or_insert_with(|| now + patience(self.presses_for())) {
                let left = self.state.queued.swap(0, Ordering::Relaxed);
                self.state.full.fetch_add(left, Ordering::Relaxed);
                return;
            }
        }
    }

    fn send(&self, mut chunk: Chunk) -> bool {
        let Some(queue) = &self.queue else {
            return false;
        };
        loop {
            match queue.try_send(chunk) {
                Ok(()) => return true,
                Err(TrySendError::Full(back)) if self.may_wait() => {
                    chunk = back;
                    thread::sleep(PAUSE);
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return false,
            }
        }
    }

    fn may_wait(&self) -> bool {
        match &self.when_full {
            WhenFull::Drop(_) => false,
            WhenFull::WaitUnless(stop) => !stop.requested(),
        }
    }

    fn presses_for(&self) -> Duration {
        let (WhenFull::Drop(stop) | WhenFull::WaitUnless(stop)) = &self.when_full;
        stop.presses_for()
    }

    /// What was lost so far, to be asked from anywhere.
    pub fn losses(&self) -> Losses {
        Losses(Arc::clone(&self.state))
    }
}

/// How long a stalled reader is waited for when a signal has been asking for the end for so long.
fn patience(pressed: Duration) -> Duration {
    END.saturating_sub(pressed).clamp(LEAST, LAST_WORDS)
}

/// What a [`Writer`] could not write.
#[derive(Clone)]
pub struct Losses(Arc<State>);

impl Losses {
    /// Lines dropped because the queue was full.
    pub fn queue_full(&self) -> u64 {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Lines that the system refused to write.
    pub fn write_failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// The reader of the pipe is gone: nothing that is written will be read.
    pub fn reader_gone(&self) -> bool {
        self.0.gone.load(Ordering::Relaxed)
    }

    /// The last error of the system.
    pub fn last_error(&self) -> Option<String> {
        self.0
            .error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Default)]
struct State {
    queued: AtomicU64,
    full: AtomicU64,
    failed: AtomicU64,
    gone: AtomicBool,
    error: Mutex<Option<String>>,
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    lines: u64,
}

/// Lines are handed over in chunks of about this many bytes.
const CHUNK: usize = 64 * 1024;
/// This many chunks may wait: 16 MiB.
const CHUNKS: usize = 256;
/// How often a caller that waits looks again.
const PAUSE: Duration = Duration::from_millis(5);
/// How long the end waits for a stalled reader.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// When a signal asked for the end, so long after it the waiting is over: a command ends within two
/// seconds.
const END: Duration = Duration::from_millis(1700);
/// However long the work before took, a reader is waited for so long.
const LEAST: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
