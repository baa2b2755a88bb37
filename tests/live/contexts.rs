//! The sources of the context plane say the same of the same traffic.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use observer::packet::{Batch, ConnectionKey, Direction, ItemKind, KnownBy};
use observer::source::live::{Context, Live, LiveOptions};

use observer_tests::kernel;
use observer_tests::limits::limit;

use super::attached::{REFUSED, REQUEST, alone, may_attach, serve};

/// Who handled what.
type Handled = Vec<(ConnectionKey, Direction, u32, u32)>;

#[test]
fn tracepoints_and_trampolines_agree() {
    if !may_attach() {
        return;
    }
    let _alone = alone();
    let both = [Context::Tracepoint, Context::Trampoline].map(|context| attach(Some(context)));
    let mut sources = match both {
        [Ok(first), Ok(second)] => [first, second],
        refused => {
            let refused: Vec<_> = refused
                .into_iter()
                .filter_map(|source| source.err())
                .collect();
            // The table of kernels of the virtual machines says which of them have both.
            let demanded = kernel::contexts().is_some_and(|demanded| {
                ["tracepoint", "trampoline"]
                    .iter()
                    .all(|context| demanded.iter().any(|it| it == context))
            });
            assert!(!demanded, "both must work on this kernel: {refused:?}");
            eprintln!("NOT COMPARED: this kernel has not both: {refused:?}");
            assert!(!refused.iter().any(String::is_empty));
            return;
        }
    };
    let (server, stream) = talk();
    drop(stream);
    let told = sources.each_mut().map(|source| handled(source, server));
    // A thread that stays the same is told again only after some time, which each source measures alone.
    let [first, second] = told.each_ref().map(|(handled, _)| distinct(handled));
    // They hook different places of a call, and another thread's call may come in between.
    assert_eq!(first, second);
    // Two ends, two directions.
    assert_eq!(first.len(), 2 * 2, "{first:?}");
    for (known_by, (_, told_by)) in [KnownBy::Tracepoint, KnownBy::Trampoline]
        .into_iter()
        .zip(&told)
    {
        assert!(told_by.iter().all(|by| *by == known_by), "{told_by:?}");
    }
}

#[test]
fn the_best_source_is_chosen_and_another_can_be_forced() {
    if !may_attach() {
        return;
    }
    let _alone = alone();
    let best = attach(None).unwrap();
    let works = |context| attach(Some(context)).is_ok();
    let expected = Context::ALL.into_iter().find(|context| works(*context));
    assert_eq!(Some(best.context()), expected);
    drop(best);
    let mut table = attach(Some(Context::SocketTable)).unwrap();
    assert_eq!(table.context(), Context::SocketTable);
    // The owner of a socket is looked for when it is first seen, and found while it is open.
    let (server, mut stream) = talk();
    let deadline = Instant::now() + limit(Duration::from_secs(20));
    let (owners, known_by) = loop {
        let (owners, known_by) = handled(&mut table, server);
        if !owners.is_empty() {
            break (owners, known_by);
        }
        assert!(Instant::now() < deadline, "no owner was found");
        ask(&mut stream);
    };
    assert!(
        owners
            .iter()
            .all(|(_, _, pid, _)| *pid == std::process::id())
    );
    assert!(
        known_by
            .iter()
            .all(|known_by| *known_by == KnownBy::SocketTable)
    );
}

/// Each once, in an order that does not depend on when it happened.
fn distinct(handled: &Handled) -> Handled {
    let mut distinct = Handled::new();
    for told in handled {
        if !distinct.contains(told) {
            distinct.push(*told);
        }
    }
    distinct.sort_unstable();
    distinct
}

const EXCHANGES: usize = 3;

fn attach(context: Option<Context>) -> Result<Live, String> {
    let options = LiveOptions {
        ring_bytes: 1024 * 1024,
        context,
        ..LiveOptions::default()
    };
    Live::attach(&options).map_err(|error| error.to_string())
}

/// Some exchanges on one connection, which is open still.
fn talk() -> (SocketAddr, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    serve(listener, 1);
    let mut stream = TcpStream::connect(server).unwrap();
    for _ in 0..EXCHANGES {
        ask(&mut stream);
    }
    (server, stream)
}

fn ask(stream: &mut TcpStream) {
    stream.write_all(REQUEST).unwrap();
    stream.read_exact(&mut vec![0; REFUSED.len()]).unwrap();
}

/// Who handled what on the connections with this server.
fn handled(source: &mut Live, server: SocketAddr) -> (Handled, Vec<KnownBy>) {
    let mut batch = Batch::new();
    for _ in 0..10 {
        source.read(&mut batch, Duration::from_millis(50)).unwrap();
    }
    let ours: Vec<_> = batch
        .items()
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Segment(segment) => {
                let ends = [segment.source, segment.target];
                ends.contains(&server).then_some(item.connection)
            }
            _ => None,
        })
        .collect();
    batch
        .items()
        .iter()
        .filter(|item| ours.contains(&item.connection))
        .filter_map(|item| match &item.kind {
            ItemKind::Handled(direction, handling) => Some((
                (item.connection, *direction, handling.pid, handling.tid),
                handling.known_by,
            )),
            _ => None,
        })
        .unzip()
}
