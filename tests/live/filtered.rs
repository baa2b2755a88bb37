//! What the operator leaves out is not copied, and what comes back is seen again.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use observer::filter::{KernelFilter, Places};
use observer::packet::{Direction, ItemKind, Role};
use observer::source::live::{Live, LiveOptions};

use super::attached::{REFUSED, REQUEST, Seen, alone, ask, may_attach, serve};

fn ports(ports: &[u16]) -> Places {
    Places {
        ports: ports.to_vec(),
        ..Places::default()
    }
}

#[test]
fn ports_are_included_and_excluded() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [wanted, other] = [&listeners[0], &listeners[1]].map(|it| it.local_addr().unwrap());
    let serving = listeners.map(|listener| serve(listener, 2));
    for filter in [
        KernelFilter {
            include: ports(&[wanted.port()]),
            ..KernelFilter::default()
        },
        KernelFilter {
            exclude: ports(&[other.port()]),
            ..KernelFilter::default()
        },
    ] {
        seen.batch.clear();
        seen.live.set_filter(&filter).unwrap();
        drop(ask(other, REQUEST));
        drop(ask(wanted, REQUEST));
        seen.until("the wanted end", |seen| {
            seen.closed(wanted, Role::Client) && seen.closed(wanted, Role::Server)
        });
        for role in [Role::Client, Role::Server] {
            assert!(
                seen.items(other, role).is_empty(),
                "{role:?} under {filter:?}"
            );
        }
    }
    for server in serving {
        server.join().unwrap();
    }
}

/// Attaching takes a while, and a busy host does not wait.
#[test]
fn nothing_that_is_left_out_is_seen_while_the_programs_are_attached() {
    if !may_attach() {
        return;
    }
    let _alone = alone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let over = AtomicBool::new(false);
    let live = thread::scope(|scope| {
        scope.spawn(|| {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // One that says nothing is the last.
                if stream.read(&mut [0; 256]).unwrap() == 0 {
                    return;
                }
                stream.write_all(REFUSED).unwrap();
            }
        });
        let asking = scope.spawn(|| {
            let mut count = 0;
            while !over.load(Ordering::Relaxed) {
                drop(ask(server, REQUEST));
                count += 1;
            }
            drop(TcpStream::connect(server).unwrap());
            count
        });
        let live = Live::attach(&LiveOptions {
            ring_bytes: 1024 * 1024,
            filter: KernelFilter {
                // Nobody is there.
                include: ports(&[1]),
                ..KernelFilter::default()
            },
            ..LiveOptions::default()
        });
        over.store(true, Ordering::Relaxed);
        assert!(asking.join().unwrap() > 10);
        live.unwrap()
    });
    assert_eq!(live.counters().seen, 0);
}

#[test]
fn a_connection_that_is_wanted_again_goes_on_where_it_is() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let mut stream = ask(server, REQUEST);
    let mut again = |request: &[u8]| {
        stream.write_all(request).unwrap();
        stream.read_exact(&mut vec![0; REFUSED.len()]).unwrap();
    };
    let nothing = KernelFilter {
        exclude: Places {
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..Places::default()
        },
        ..KernelFilter::default()
    };
    let unseen = b"GET /unseen HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n";
    seen.live.set_filter(&nothing).unwrap();
    again(unseen);
    seen.live.set_filter(&KernelFilter::default()).unwrap();
    again(last);
    drop(stream);
    serving.join().unwrap();
    seen.until("the end", |seen| {
        seen.closed(server, Role::Client) && seen.closed(server, Role::Server)
    });
    for (role, direction) in [
        (Role::Client, Direction::Forward),
        (Role::Server, Direction::Reverse),
    ] {
        let text = seen.text(server, role, direction);
        assert_eq!(text, [REQUEST, last].concat(), "{role:?}");
        // The hole is declared: nobody waits for it.
        let skipped: Vec<_> = seen
            .segments(server, role)
            .iter()
            .filter(|segment| segment.direction == direction)
            .map(|segment| segment.skipped)
            .collect();
        assert_eq!(skipped, [0, unseen.len() as u64], "{role:?}");
    }
}

#[test]
fn what_was_open_before_is_left_out_where_neither_of_its_ports_is_wanted() {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [wanted, other] = [&listeners[0], &listeners[1]].map(|it| it.local_addr().unwrap());
    let serving = listeners.map(|listener| serve(listener, 1));
    let streams = [other, wanted].map(|server| ask(server, REQUEST));
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let filter = KernelFilter {
        include: ports(&[wanted.port()]),
        ..KernelFilter::default()
    };
    seen.live.set_filter(&filter).unwrap();
    for mut stream in streams {
        stream.write_all(REQUEST).unwrap();
        stream.read_exact(&mut vec![0; REFUSED.len()]).unwrap();
    }
    let is_seen = |seen: &Seen, server: SocketAddr| {
        seen.batch.items().iter().any(|item| match &item.kind {
            ItemKind::Segment(segment) => [segment.source, segment.target].contains(&server),
            _ => false,
        })
    };
    // The kernel hands over in order.
    seen.until("the wanted one", |seen| is_seen(seen, wanted));
    assert!(!is_seen(&seen, other));
    for server in serving {
        server.join().unwrap();
    }
}

#[test]
fn a_cgroup_is_left_out_with_all_below_it() {
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let root = cgroup_root();
    let name = format!("observer-test-{}", std::process::id());
    let (above, below) = (root.join(&name), root.join(&name).join("inner"));
    fs::create_dir_all(&below).unwrap();
    let filter = KernelFilter {
        exclude: Places {
            cgroups: vec![format!("/{name}").into()],
            ..Places::default()
        },
        ..KernelFilter::default()
    };
    seen.live.set_filter(&filter).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let curl = format!(
        "echo $$ > {}/cgroup.procs && exec curl --silent --output /dev/null http://{server}/orders",
        below.display()
    );
    let done = Command::new("sh")
        .args(["-c", &curl])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    serving.join().unwrap();
    seen.until("the server's end", |seen| seen.closed(server, Role::Server));
    fs::remove_dir(&below).unwrap();
    fs::remove_dir(&above).unwrap();
    assert!(done.success(), "{done}");
    assert!(!seen.segments(server, Role::Server).is_empty());
    assert!(seen.items(server, Role::Client).is_empty());
}

fn cgroup_root() -> PathBuf {
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    let mount = mounts
        .lines()
        .find(|line| line.split(' ').nth(2) == Some("cgroup2"));
    mount.unwrap().split(' ').nth(1).unwrap().into()
}
