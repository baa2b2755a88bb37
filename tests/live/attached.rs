//! The live source attached for one test, and what speaks before it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use observer::packet::{Batch, ConnectionKey, Direction, Item, ItemKind, Role, Segment};
use observer::source::live::{Live, LiveOptions};
use observer_tests::limits::limit;

pub(super) const REQUEST: &[u8] =
    b"GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer aaa.bbb.ccc\r\n\r\n";
pub(super) const REFUSED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nsorr";

/// What one test saw.
pub(super) struct Seen {
    pub(super) batch: Batch,
    pub(super) live: Live,
    _alone: MutexGuard<'static, ()>,
}

/// Whether this user may attach programs. If not, it is said aloud.
pub(super) fn may_attach() -> bool {
    // SAFETY: it cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        eprintln!("NOT RUN: the live source needs root");
    }
    root
}

/// Keeps other tests of this process from making traffic meanwhile.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    /// `None`, said aloud, when this user may not.
    pub(super) fn attach() -> Option<Self> {
        if !may_attach() {
            return None;
        }
        let alone = alone();
        let options = LiveOptions {
            ring_bytes: 4 * 1024 * 1024,
            ..LiveOptions::default()
        };
        let live = Live::attach(&options).unwrap();
        assert!(live.missing().is_empty(), "{:?}", live.missing());
        let batch = Batch::new();
        Some(Self {
            batch,
            live,
            _alone: alone,
        })
    }

    /// Reads until `enough` says so.
    pub(super) fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + limit(Duration::from_secs(30));
        while !enough(self) {
            assert!(Instant::now() < deadline, "{what}: not seen");
            self.live
                .read(&mut self.batch, Duration::from_millis(50))
                .unwrap();
        }
    }

    /// The items of the connection of which one end is at `server` and of which this is `role`'s.
    pub(super) fn items(&self, server: SocketAddr, role: Role) -> Vec<&Item> {
        let key = self.key(server, role);
        self.batch
            .items()
            .iter()
            .filter(|item| Some(item.connection) == key)
            .collect()
    }

    pub(super) fn key(&self, server: SocketAddr, role: Role) -> Option<ConnectionKey> {
        self.batch.items().iter().find_map(|item| match &item.kind {
            ItemKind::Opened {
                role: found,
                local,
                remote,
            } if *found == role => {
                let end = match role {
                    Role::Client => remote,
                    Role::Server => local,
                };
                (*end == server).then_some(item.connection)
            }
            _ => None,
        })
    }

    pub(super) fn segments(&self, server: SocketAddr, role: Role) -> Vec<&Segment> {
        self.items(server, role)
            .into_iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Segment(segment) => Some(segment),
                _ => None,
            })
            .collect()
    }

    /// What went one way, put together.
    pub(super) fn text(&self, server: SocketAddr, role: Role, direction: Direction) -> Vec<u8> {
        self.segments(server, role)
            .into_iter()
            .filter(|segment| segment.direction == direction)
            .flat_map(|segment| self.batch.bytes(&segment.payload).to_vec())
            .collect()
    }

    pub(super) fn closed(&self, server: SocketAddr, role: Role) -> bool {
        self.items(server, role)
            .iter()
            .any(|item| matches!(item.kind, ItemKind::Closed))
    }
}

/// Answers each request of each connection, one connection after the other.
pub(super) fn serve(listener: TcpListener, connections: usize) -> thread::JoinHandle<()> {
    thread::Builder::new()
        .name("answerer".to_owned())
        .spawn(move || {
            for _ in 0..connections {
                let (mut stream, _) = listener.accept().unwrap();
                let mut text = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    let len = stream.read(&mut buffer).unwrap();
                    if len == 0 {
                        break;
                    }
                    text.extend_from_slice(&buffer[..len]);
                    if text.ends_with(b"\r\n\r\n") {
                        stream.write_all(REFUSED).unwrap();
                        text.clear();
                    }
                }
            }
        })
        .unwrap()
}

pub(super) fn ask(server: SocketAddr, request: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = vec![0; REFUSED.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, REFUSED);
    stream
}
