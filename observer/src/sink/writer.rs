//! Lines written by a thread of their own, so that a full disk or a stalled pipe stops nothing.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

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
    /// Lines are dropped and counted: the source does not wait.
    Drop,
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
                write_all(output, &chunks, &shared);
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
        let chunk = std::mem::take(&mut self.buffer);
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
        let mut patience = LAST_WORDS;
        while self.done.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            if self.may_wait() {
                continue;
            }
            patience = patience.saturating_sub(PAUSE);
            if patience.is_zero() {
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
            WhenFull::Drop => false,
            WhenFull::WaitUnless(stop) => !stop.requested(),
        }
    }

    /// What was lost so far, to be asked from anywhere.
    pub fn losses(&self) -> Losses {
        Losses(Arc::clone(&self.state))
    }
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
/// How long the end waits for a stalled reader. There are two writers, and a command that is asked to
/// end does so within two seconds.
const LAST_WORDS: Duration = Duration::from_millis(800);

fn write_all(mut output: Output, chunks: &Receiver<Chunk>, state: &State) {
    let mut torn = false;
    for chunk in chunks {
        let written = if state.gone.load(Ordering::Relaxed) {
            Err(0)
        } else {
            write_chunk(&mut output, &mut torn, &chunk.bytes, state)
        };
        if let Err(lines) = written {
            let failed = chunk.lines.saturating_sub(lines);
            state.failed.fetch_add(failed, Ordering::Relaxed);
        }
        // After `finish` gave up, what is left was counted already.
        let _ = state
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |queued| {
                Some(queued.saturating_sub(chunk.lines))
            });
    }
}

/// Gives the number of whole lines written when not all were.
fn write_chunk(
    output: &mut Output,
    torn: &mut bool,
    bytes: &[u8],
    state: &State,
) -> Result<(), u64> {
    if *torn {
        put(output, b"\n").map_err(|(_, error)| fail(state, &error, 0))?;
        *torn = false;
    }
    put(output, bytes).map_err(|(written, error)| {
        let whole = bytes.get(..written).unwrap_or_default();
        let tail = whole
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        *torn = tail > 0 && !take_back(output, tail);
        fail(
            state,
            &error,
            whole.iter().filter(|byte| **byte == b'\n').count(),
        )
    })
}

fn fail(state: &State, error: &io::Error, lines: usize) -> u64 {
    if error.kind() == ErrorKind::BrokenPipe {
        state.gone.store(true, Ordering::Relaxed);
    }
    *state.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    lines as u64
}

/// Writes all, or says how much was written before the error.
fn put(output: &mut Output, mut bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while !bytes.is_empty() {
        let result = match output {
            Output::File(file) => file.write(bytes),
            Output::Stream(stream) => stream.write(bytes),
        };
        match result {
            Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
            Ok(count) => {
                written += count;
                bytes = bytes.get(count..).unwrap_or_default();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    match output {
        Output::File(_) => Ok(()),
        Output::Stream(stream) => stream.flush().map_err(|error| (written, error)),
    }
}

/// Removes the start of a line that was not written whole. Says whether that could be done.
fn take_back(output: &Output, tail: usize) -> bool {
    let Output::File(file) = output else {
        return false;
    };
    file.metadata()
        .and_then(|metadata| file.set_len(metadata.len().saturating_sub(tail as u64)))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Writes `room` bytes, then refuses.
    struct Disk {
        room: usize,
        kind: ErrorKind,
        got: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(self.kind.into());
            }
            self.room -= count;
            self.got.send(bytes[..count].to_vec()).unwrap();
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn write_five(room: usize, kind: ErrorKind) -> (String, Losses) {
        let (got, bytes) = mpsc::channel();
        let disk = Disk { room, kind, got };
        let mut writer = Writer::start(Output::Stream(Box::new(disk)), WhenFull::Drop).unwrap();
        for _ in 0..5 {
            writer.line(|line| line.extend(b"four"));
        }
        writer.finish();
        let text = bytes.iter().flatten().collect();
        (String::from_utf8(text).unwrap(), writer.losses())
    }

    #[test]
    fn a_full_disk_is_counted_in_lines() {
        let (text, losses) = write_five(12, ErrorKind::StorageFull);
        assert_eq!(text, "four\nfour\nfo");
        assert_eq!(losses.write_failed(), 3);
        assert!(!losses.reader_gone());
        assert!(losses.last_error().is_some());
    }

    #[test]
    fn a_reader_that_left_is_known() {
        let (_, losses) = write_five(0, ErrorKind::BrokenPipe);
        assert_eq!(losses.write_failed(), 5);
        assert!(losses.reader_gone());
    }

    /// Blocks until the sender of the test is dropped.
    struct Stalled(mpsc::Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stalled_reader_stops_nothing_and_costs_counted_lines() {
        let (hold, held) = mpsc::channel();
        let output = Output::Stream(Box::new(Stalled(held)));
        let mut writer = Writer::start(output, WhenFull::Drop).unwrap();
        let losses = writer.losses();
        let many = 2 * CHUNKS as u64;
        for _ in 0..many {
            writer.line(|line| line.resize(CHUNK, b'x'));
        }
        assert!(losses.queue_full() >= many - CHUNKS as u64 - 1);
        writer.finish();
        assert_eq!(losses.queue_full(), many);
        drop(hold);
    }

    #[test]
    fn a_caller_that_waits_loses_nothing_until_it_is_asked_to_end() {
        let (hold, held) = mpsc::channel::<()>();
        let stop = Stop::default();
        let output = Output::Stream(Box::new(Stalled(held)));
        let mut writer = Writer::start(output, WhenFull::WaitUnless(stop.clone())).unwrap();
        let losses = writer.losses();
        writer.line(|line| line.resize(CHUNK, b'x'));
        assert_eq!(losses.queue_full(), 0);
        let asking = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            stop.request();
        });
        for _ in 0..2 * CHUNKS {
            writer.line(|line| line.resize(CHUNK, b'x'));
        }
        assert!(losses.queue_full() > 0);
        asking.join().unwrap();
        writer.finish();
        drop(hold);
    }

    #[test]
    fn a_torn_line_is_taken_back_from_a_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"whole\ntor").unwrap();
        let output = Output::File(file.try_clone().unwrap());
        assert!(take_back(&output, 3));
        assert_eq!(file.metadata().unwrap().len(), 6);
    }

    #[test]
    fn a_torn_line_of_a_pipe_is_ended_before_the_next() {
        let (got, bytes) = mpsc::channel();
        let disk = Disk {
            room: 7,
            kind: ErrorKind::StorageFull,
            got: got.clone(),
        };
        let state = State::default();
        let mut torn = false;
        let mut output = Output::Stream(Box::new(disk));
        assert_eq!(
            write_chunk(&mut output, &mut torn, b"four\nfour\n", &state),
            Err(1)
        );
        assert!(torn);
        let disk = Disk {
            room: 100,
            kind: ErrorKind::StorageFull,
            got,
        };
        output = Output::Stream(Box::new(disk));
        assert_eq!(
            write_chunk(&mut output, &mut torn, b"next\n", &state),
            Ok(())
        );
        drop(output);
        let text: Vec<u8> = bytes.iter().flatten().collect();
        assert_eq!(text, b"four\nfo\nnext\n");
    }
}
