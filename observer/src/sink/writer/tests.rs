use std::io::ErrorKind;
use std::sync::mpsc;

use observer_tests::limits::Stopwatch;

use super::put::{take_back, write_chunk};
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
    let mut writer = Writer::start(
        Output::Stream(Box::new(disk)),
        WhenFull::Drop(Stop::default()),
    )
    .unwrap();
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
    let mut writer = Writer::start(output, WhenFull::Drop(Stop::default())).unwrap();
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

#[test]
fn the_end_waits_no_longer_than_a_signal_allows() {
    for (pressed, waits) in [(0, 500), (1200, 500), (1500, 200), (1650, 50), (9000, 50)] {
        assert_eq!(
            patience(Duration::from_millis(pressed)),
            Duration::from_millis(waits),
            "{pressed}"
        );
    }
}

#[test]
fn a_reader_that_is_stalled_for_good_does_not_hold_up_the_end() {
    let (hold, held) = mpsc::channel();
    let output = Output::Stream(Box::new(Stalled(held)));
    let stop = Stop::pressing_for(Duration::from_secs(9));
    let mut writer = Writer::start(output, WhenFull::Drop(stop)).unwrap();
    writer.line(|line| line.extend(b"four"));
    let (start, given) = (Instant::now(), Stopwatch::start());
    writer.finish();
    assert!(start.elapsed() >= LEAST);
    assert!(given.elapsed() < 2 * LEAST, "{:?}", given.elapsed());
    assert_eq!(writer.losses().queue_full(), 1);
    drop(hold);
}
