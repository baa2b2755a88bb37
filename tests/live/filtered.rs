//! What the operator leaves out is not copied, and what comes back is seen again.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use observer::filter::{KernelFilter, Places};
use observer::packet::{Direction, Role};

use super::attached::{REQUEST, Seen, ask, serve};

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

#[test]
fn a_connection_that_is_wanted_again_goes_on_where_it_is() {
    use std::io::{Read, Write};
    let Some(mut seen) = Seen::attach() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let serving = serve(listener, 1);
    let mut stream = ask(server, REQUEST);
    let mut again = |request: &[u8]| {
        stream.write_all(request).unwrap();
        stream
            .read_exact(&mut vec![0; super::REFUSED.len()])
            .unwrap();
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
