//! Requests over unix sockets, from the memory of the threads that write and read.

use std::io::{IoSlice, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use observer::packet::{Batch, ConnectionKey, Direction, Item, ItemKind, UnixEnds};
use observer_tests::kernel;
use observer_tests::limits::limit;

use super::attached::{REFUSED, REQUEST, Seen};

/// `None`, said aloud, where the kernel refuses the trampolines and may.
fn attach() -> Option<Seen> {
    let seen = Seen::attach()?;
    match seen.live.unix_refused() {
        None => Some(seen),
        Some(why) => {
            eprintln!("NOT RUN: this kernel does not show unix sockets: {why}");
            assert!(!why.is_empty() && !kernel::must_show("unix"));
            None
        }
    }
}

/// The items of an end: the server's is where the request goes in.
fn end(batch: &Batch, path: &Path, request: Direction) -> Option<(ConnectionKey, Arc<UnixEnds>)> {
    batch.items().iter().find_map(|item| match &item.kind {
        ItemKind::Unix(ends) if ends.path.as_deref() == path.to_str() => {
            let goes = text(batch, item.connection, request).starts_with(&REQUEST[..4]);
            goes.then(|| (item.connection, Arc::clone(ends)))
        }
        _ => None,
    })
}

fn of(batch: &Batch, connection: ConnectionKey) -> impl Iterator<Item = &Item> {
    let items = batch.items().iter();
    items.filter(move |item| item.connection == connection)
}

fn text(batch: &Batch, connection: ConnectionKey, direction: Direction) -> Vec<u8> {
    of(batch, connection)
        .filter_map(|item| match &item.kind {
            ItemKind::Segment(segment) if segment.direction == direction => {
                Some(batch.bytes(&segment.payload))
            }
            _ => None,
        })
        .collect::<Vec<_>>()
        .concat()
}

/// Two exchanges; `send` writes the request.
fn exchanges(send: impl Fn(&mut UnixStream)) {
    let Some(mut seen) = attach() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; REQUEST.len()];
        for _ in 0..2 {
            stream.read_exact(&mut request).unwrap();
            stream.write_all(REFUSED).unwrap();
        }
    });
    let mut stream = UnixStream::connect(&path).unwrap();
    for _ in 0..2 {
        send(&mut stream);
        stream.read_exact(&mut vec![0; REFUSED.len()]).unwrap();
    }
    drop(stream);
    serving.join().unwrap();
    let deadline = Instant::now() + limit(Duration::from_secs(30));
    let closed = |seen: &Seen, request| {
        end(&seen.batch, &path, request).is_some_and(|(key, _)| {
            of(&seen.batch, key).any(|item| matches!(item.kind, ItemKind::Closed))
        })
    };
    while !closed(&seen, Direction::Forward) || !closed(&seen, Direction::Reverse) {
        assert!(
            Instant::now() < deadline,
            "the end was not seen at both ends"
        );
        let Seen { live, batch, .. } = &mut seen;
        live.read(batch, Duration::from_millis(50)).unwrap();
    }
    let mut begins = Vec::new();
    for request in [Direction::Forward, Direction::Reverse] {
        let (key, ends) = end(&seen.batch, &path, request).unwrap();
        assert_eq!(ends.peer, Some(std::process::id()));
        assert_eq!(text(&seen.batch, key, request), REQUEST.repeat(2));
        assert_eq!(text(&seen.batch, key, request.flip()), REFUSED.repeat(2));
        let handled: Vec<_> = of(&seen.batch, key)
            .filter_map(|item| match &item.kind {
                ItemKind::Handled(direction, handling) => Some((*direction, handling.pid)),
                _ => None,
            })
            .collect();
        assert!(
            handled.contains(&(request, std::process::id())),
            "{handled:?}"
        );
        assert!(handled.contains(&(request.flip(), std::process::id())));
        begins.extend(of(&seen.batch, key).find_map(|item| match &item.kind {
            ItemKind::Segment(segment) => Some(segment.seq),
            _ => None,
        }));
    }
    // Both ends count from the same number, by which an exchange is known at both.
    assert_eq!(begins[0], begins[1]);
    let counters = seen.live.counters();
    assert_eq!(counters.lost.values().sum::<u64>(), 0, "{counters:?}");
}

#[test]
fn both_ends_of_an_exchange_over_a_unix_socket_are_seen() {
    exchanges(|stream| stream.write_all(REQUEST).unwrap());
}

#[test]
fn a_head_in_several_vectors_is_seen_whole() {
    exchanges(|stream| {
        let (first, rest) = REQUEST.split_at(20);
        let (second, third) = rest.split_at(1);
        let vectors = [first, second, third].map(IoSlice::new);
        assert_eq!(stream.write_vectored(&vectors).unwrap(), REQUEST.len());
    });
}

#[test]
fn a_head_in_one_byte_pieces_is_seen_whole() {
    exchanges(|stream| {
        for byte in REQUEST {
            stream.write_all(&[*byte]).unwrap();
        }
    });
}
