//! Writing lines whole, or saying how many were.

use std::io::{self, ErrorKind, Write};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use super::{Chunk, Output, State};

/// Writes what comes until there is no more.
pub(super) fn write_all(mut output: Output, chunks: &Receiver<Chunk>, state: &State) {
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
pub(super) fn write_chunk(
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
pub(super) fn take_back(output: &Output, tail: usize) -> bool {
    let Output::File(file) = output else {
        return false;
    };
    file.metadata()
        .and_then(|metadata| file.set_len(metadata.len().saturating_sub(tail as u64)))
        .is_ok()
}
