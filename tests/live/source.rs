//! The live source on the kernel of this host: what goes over real sockets comes out as items.
//!
//! Needs root. As another user the tests say that they did not run; as root on a kernel that cannot
//! do it they fail.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attached;
mod contexts;
mod filtered;
mod unix;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use attached::{REFUSED, REQUEST, Seen, ask, serve};
use observer::packet::{Direction, ItemKind, Role};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

fn exchange_over(address: &str) {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind(address).unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    drop(ask(server, REQUEST));
    serving.join().unwrap();
    seen.until("the end at both ends", |seen| {
        seen.closed(server, Role::Client) && seen.closed(server, Role::Server)
    });

    for (role, request, answer) in [
        (Role::Client, Direction::Forward, Direction::Reverse),
        (Role::Server, Direction::Reverse, Direction::Forward),
    ] {
        assert_eq!(seen.text(server, role, request), REQUEST, "{role:?}");
        assert_eq!(seen.text(server, role, answer), REFUSED, "{role:?}");
        let handled: Vec<_> = seen
            .items(server, role)
            .into_iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Handled(direction, handling) => Some((*direction, handling.clone())),
                _ => None,
            })
            .collect();
        for direction in [request, answer] {
            let by: Vec<_> = handled
                .iter()
                .filter(|(way, _)| *way == direction)
                .collect();
            assert_eq!(by.len(), 1, "{role:?} {direction:?}: {handled:?}");
            assert_eq!(by[0].1.pid, std::process::id());
            assert_ne!(by[0].1.tid, 0);
        }
    }
    let counters = seen.live.counters();
    let lost: u64 = counters.lost.values().sum();
    assert_eq!(counters.seen, counters.submitted + lost, "{counters:?}");
    assert_eq!(lost, 0, "{counters:?}");
}

#[test]
fn both_ends_of_an_exchange_are_seen_over_ipv4() {
    exchange_over("127.0.0.1:0");
}

#[test]
fn both_ends_of_an_exchange_are_seen_over_ipv6() {
    exchange_over("[::1]:0");
}

#[test]
fn a_socket_of_both_families_has_ipv4_addresses() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("[::]:0").unwrap();
    let server = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
    let serving = serve(listener, 1);
    drop(ask(server, REQUEST));
    serving.join().unwrap();
    seen.until("the server's end", |seen| {
        seen.text(server, Role::Server, Direction::Reverse) == REQUEST
    });
}

#[test]
fn one_byte_segments_come_out_whole() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    // On two processors the kernel may run one program for two segments at once, and a byte be a hole:
    // rare, said where `Connection` is described, and not what is tested here.
    let mut one = CpuSet::new();
    one.set(sched_getcpu());
    sched_setaffinity(None, &one).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in REQUEST {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = vec![0; REFUSED.len()];
    stream.read_exact(&mut answer).unwrap();
    drop(stream);
    serving.join().unwrap();
    seen.until("the request at both ends", |seen| {
        seen.text(server, Role::Client, Direction::Forward) == REQUEST
            && seen.text(server, Role::Server, Direction::Reverse) == REQUEST
            && seen.closed(server, Role::Server)
    });
    assert_eq!(seen.text(server, Role::Server, Direction::Forward), REFUSED);
}

#[test]
fn a_large_head_comes_out_whole_and_a_body_does_not() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut body = vec![0; 1_000_000];
        stream.read_exact(&mut body).unwrap();
        stream.write_all(REFUSED).unwrap();
    });
    let mut head = b"POST /a HTTP/1.1\r\nAuthorization: Bearer ".to_vec();
    head.resize(15_000, b'x');
    head.extend_from_slice(b"\r\n\r\n");
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(&head).unwrap();
    let body = vec![b'b'; 1_000_000 - head.len()];
    stream.write_all(&body).unwrap();
    let mut answer = vec![0; REFUSED.len()];
    stream.read_exact(&mut answer).unwrap();
    drop(stream);
    serving.join().unwrap();
    seen.until("the answer", |seen| {
        seen.text(server, Role::Server, Direction::Forward) == REFUSED
    });
    let sent = seen.text(server, Role::Client, Direction::Forward);
    assert!(sent.starts_with(&head), "{} bytes", sent.len());
    assert!(sent.len() <= 16 * 1024, "{} bytes", sent.len());
}

#[test]
fn a_request_under_a_deferred_listener_is_given_to_its_connection() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    defer(&listener);
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let mut stream = TcpStream::connect(server).unwrap();
    // The handshake's last segment must be gone before the data is.
    thread::sleep(Duration::from_millis(50));
    stream.write_all(REQUEST).unwrap();
    let mut answer = vec![0; REFUSED.len()];
    stream.read_exact(&mut answer).unwrap();
    drop(stream);
    serving.join().unwrap();
    seen.until("the end", |seen| seen.closed(server, Role::Server));
    assert_eq!(seen.text(server, Role::Server, Direction::Reverse), REQUEST);
    assert_eq!(seen.text(server, Role::Server, Direction::Forward), REFUSED);
    assert_eq!(seen.live.counters().lost["unclaimed"], 0);
}

fn defer(listener: &TcpListener) {
    use std::os::fd::AsRawFd;
    let seconds: libc::c_int = 5;
    // SAFETY: the option's value is an int, and lives through the call.
    let result = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const seconds).cast(),
            size_of_val(&seconds) as libc::socklen_t,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn what_is_left_out_is_not_seen() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    seen.live.leave_out(&listener).unwrap();
    let serving = serve(listener, 1);
    drop(ask(server, REQUEST));
    serving.join().unwrap();
    seen.until("the client's end", |seen| seen.closed(server, Role::Client));
    assert!(seen.items(server, Role::Server).is_empty());
}

#[test]
fn another_protocol_is_not_copied() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let echo = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut word = [0; 12];
        while stream.read_exact(&mut word).is_ok() {
            stream.write_all(&word).unwrap();
        }
    });
    let before = seen.live.counters();
    let mut stream = TcpStream::connect(server).unwrap();
    for _ in 0..100 {
        stream.write_all(b"\x03select 1;\0\0").unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    drop(stream);
    echo.join().unwrap();
    seen.live
        .read(&mut seen.batch, Duration::from_millis(100))
        .unwrap();
    assert_eq!(seen.key(server, Role::Client), None);
    assert_eq!(seen.key(server, Role::Server), None);
    let after = seen.live.counters();
    assert!(
        after.left_alone["foreign"] >= before.left_alone["foreign"] + 2,
        "{after:?}"
    );
}

#[test]
fn a_full_ring_loses_with_a_count() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let mut head = b"GET / HTTP/1.1\r\nAuthorization: Bearer ".to_vec();
    head.resize(8_000, b'x');
    head.extend_from_slice(b"\r\n\r\n");
    let mut stream = TcpStream::connect(server).unwrap();
    let mut ask = |head: &[u8]| {
        stream.write_all(head).unwrap();
        stream.read_exact(&mut vec![0; REFUSED.len()]).unwrap();
    };
    // Nobody reads meanwhile, and 4 MiB are full after about 120 of these.
    for _ in 0..500 {
        ask(&head);
    }
    let counters = seen.live.counters();
    assert!(counters.lost["ring_full"] > 0, "{counters:?}");
    let lost: u64 = counters.lost.values().sum();
    assert_eq!(counters.seen, counters.submitted + lost, "{counters:?}");
    seen.until("all that was handed over", |seen| {
        seen.live.counters().delivered == counters.submitted
    });
    ask(REQUEST);
    drop(stream);
    serving.join().unwrap();
    seen.until("the end", |seen| {
        seen.closed(server, Role::Client) && seen.closed(server, Role::Server)
    });
    // Others on this host have traffic too, so it may take a look or two.
    seen.until("the sum of what was delivered and lost", |seen| {
        let counters = seen.live.counters();
        let lost: u64 = counters.lost.values().sum();
        counters.seen == counters.delivered + lost
    });
    // What came after says how much is missing.
    for role in [Role::Client, Role::Server] {
        let segments = seen.segments(server, role);
        let lost: Vec<_> = segments.iter().map(|segment| segment.lost).collect();
        assert!(lost.iter().any(|lost| *lost > 0), "{role:?}: {lost:?}");
    }
}

#[test]
fn dropping_the_source_leaves_nothing_attached() {
    let Some(seen) = Seen::attach() else {
        return;
    };
    // Where the kernel shows unix sockets, that takes three more.
    let of_unix = if seen.live.unix_refused().is_none() {
        3
    } else {
        0
    };
    assert_eq!(held("bpf-prog"), 6 + of_unix);
    assert_eq!(held("bpf_link"), 6 + of_unix);
    drop(seen);
    assert_eq!(held("bpf-prog"), 0);
    assert_eq!(held("bpf_link"), 0);
}

/// How many of the kernel's BPF objects this process holds. Nothing else holds them: none is pinned.
fn held(kind: &str) -> usize {
    let kind = format!("anon_inode:{kind}");
    std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.to_string_lossy() == kind)
        .count()
}
