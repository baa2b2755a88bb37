//! How a run ends, goes on and begins again when something is in its way.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use observer_tests::limits::{Stopwatch, limit};

use crate::agent::{Agent, parse, sum};
use crate::lab::{Nginx, root, signal, turn, wait_for};
use crate::seen::text;

#[test]
fn sigterm_sums_up_and_ends_within_two_seconds() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events");
    // A port that nobody uses.
    let mut agent = Agent::start_writing(&events, &["--port", "1"]);
    std::thread::sleep(Duration::from_secs(2));
    let asked = Stopwatch::start();
    let (status, stdout, stderr) = agent.end("TERM");
    let took = asked.elapsed();
    assert!(took < limit(Duration::from_secs(2)), "{took:?}");
    assert!(status.success(), "{status}: {stderr}");
    assert!(stdout.contains("0 exchanges"), "{stdout}");
    assert_eq!(fs::read_to_string(&events).unwrap(), "");
}

#[test]
fn a_reader_that_stalls_stops_neither_the_capture_nor_the_end() {
    let _turn = turn();
    let nginx = Nginx::start();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("events");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    // Open, and never read.
    let reader = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    let port = nginx.port.to_string();
    let mut agent = Agent::start_writing(&pipe, &["--port", &port]);
    let mut load = wrk(nginx.port, "60s");
    wait_for("a full queue", || {
        sum(&agent.page(), "observer_events_dropped_total") > 100.0
    });
    let seen = |page: &str| sum(page, "observer_exchanges_total");
    let before = seen(&agent.page());
    std::thread::sleep(Duration::from_secs(1));
    let after = seen(&agent.page());
    assert!(after > before, "{after} exchanges after {before}");

    let asked = Stopwatch::start();
    let (status, stdout, stderr) = agent.end("TERM");
    let took = asked.elapsed();
    assert!(took < limit(Duration::from_secs(2)), "{took:?}");
    assert!(status.success(), "{status}: {stderr}");
    assert!(stdout.contains(" rejections\n"), "{stdout}");
    assert!(
        stdout.contains("lines of events were not written: the reader was too slow"),
        "{stdout}"
    );
    assert!(load.try_wait().unwrap().is_none(), "the load ended before");
    let _ = load.kill();
    let _ = load.wait();
    drop(reader);
}

#[test]
fn a_full_device_stops_nothing_and_is_counted() {
    let _turn = turn();
    let nginx = Nginx::start();
    let port = nginx.port.to_string();
    let mut agent = Agent::start_writing(Path::new("/dev/full"), &["--port", &port]);
    for _ in 0..10 {
        get(nginx.port, "/deny/full");
    }
    let counted = |page: &str, name: &str| sum(page, name);
    wait_for("lines that were refused", || {
        counted(&agent.page(), "observer_events_dropped_total") >= 20.0
    });
    let page = agent.page();
    assert_eq!(counted(&page, "observer_exchanges_total"), 20.0);
    assert_eq!(
        counted(
            &page,
            "observer_events_dropped_total{reason=\"write_failed\"}"
        ),
        20.0
    );
    let (status, stdout, stderr) = agent.end("TERM");
    assert!(status.success(), "{status}: {stderr}");
    assert!(
        stdout.contains("20 lines of events were not written: No space left on device"),
        "{stdout}"
    );
}

#[test]
fn a_disk_that_was_full_is_written_to_again() {
    let _turn = turn();
    let nginx = Nginx::start();
    // What waited while it was full is written as well, and must leave room.
    let disk = Disk::mount("512k");
    let ballast = disk.0.path().join("ballast");
    let port = nginx.port.to_string();
    let events = disk.0.path().join("events");
    let mut agent = Agent::start_writing(&events, &["--port", &port]);
    get(nginx.port, "/deny/before");
    let lines = || fs::read_to_string(disk.0.path().join("events")).unwrap();
    wait_for("events of before", || {
        lines().matches("/deny/before").count() == 2
    });

    let filled = File::create(&ballast).and_then(|mut file| file.write_all(&[0; 1 << 19]));
    assert!(filled.is_err(), "the disk is larger than it should be");
    for _ in 0..50 {
        get(nginx.port, "/deny/meanwhile");
    }
    wait_for("lines that were refused", || {
        sum(&agent.page(), "observer_events_dropped_total") > 0.0
    });
    fs::remove_file(&ballast).unwrap();
    get(nginx.port, "/deny/after");
    wait_for("events of after", || {
        lines().matches("/deny/after").count() == 2
    });
    let dropped = sum(&agent.page(), "observer_events_dropped_total");
    let (status, stdout, _) = agent.end("TERM");
    assert!(status.success());
    let events = parse(&lines());
    assert_eq!(events.len() as f64 + dropped, 2.0 * 52.0, "{stdout}");
    assert!(stdout.contains("No space left on device"), "{stdout}");
}

#[test]
fn a_restart_under_load_loses_what_happened_meanwhile_and_says_how_long_that_was() {
    let _turn = turn();
    let nginx = Nginx::start();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("run/state");
    let options = ["--state", state.to_str().unwrap()];
    let first = Agent::start(&options);
    let client = Client::start(nginx.port);
    std::thread::sleep(Duration::from_secs(1));
    // What is asked for until the signal is seen, and what is asked for once the next one watches.
    std::thread::sleep(Duration::from_millis(200));
    let stopped = Instant::now();
    let first = first.stop_now("TERM");
    let ended = Instant::now();
    std::thread::sleep(Duration::from_millis(1500));
    let begun = Instant::now();
    let second = Agent::start(&options);
    let watching = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let sent = client.stop();
    let pid = second.pid();
    let page = second.page();
    let second = second.stop();

    let paths = |observed: &crate::agent::Observed| -> Vec<String> {
        let events = observed.of(nginx.port, "server");
        let paths = events
            .iter()
            .map(|event| text(event, "/request/path").to_owned());
        paths.collect()
    };
    let (before, after) = (paths(&first), paths(&second));
    let mut counts = [0; 2];
    for (path, from, until) in &sent {
        if *until < stopped {
            assert!(before.contains(path), "{path} was before the end");
            counts[0] += 1;
        } else if *from > watching {
            assert!(after.contains(path), "{path} was after the start");
            counts[1] += 1;
        }
        assert!(
            !(before.contains(path) && after.contains(path)),
            "{path} is there twice"
        );
    }
    assert!(counts.iter().all(|count| *count > 5), "{counts:?}");

    let gap = sum(&page, "observer_capture_gap_seconds");
    let least = (begun - ended).as_secs_f64();
    let most = (watching - stopped).as_secs_f64();
    assert!(
        (least..=most).contains(&gap),
        "{gap} s, not {least} to {most}"
    );
    assert!(
        second.stderr.contains("not watched for"),
        "{}",
        second.stderr
    );
    assert_eq!(sum(&first.metrics, "observer_capture_gap_seconds"), 0.0);
    let told = second.events.first().unwrap();
    assert_eq!(text(told, "/schema"), "observer.gap/1");
    assert_eq!(text(told, "/after"), "end");

    // One that is killed says so the next time, and the state file is free at once.
    let third = Agent::start(&options);
    assert_ne!(third.pid(), pid);
    std::thread::sleep(Duration::from_millis(1500));
    signal("KILL", third.pid());
    drop(third);
    let fourth = Agent::start(&options).stop();
    assert!(
        fourth.stderr.contains("did not end in order"),
        "{}",
        fourth.stderr
    );
}

/// A small disk. It goes when this is dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(mounted.success());
        Self(folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Asks on one connection, every few milliseconds, until it is stopped.
struct Client {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(String, Instant, Instant)>>,
}

impl Client {
    fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut sent = Vec::new();
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            while !stopped.load(Ordering::Relaxed) {
                let path = format!("/deny/number-{}", sent.len());
                let from = Instant::now();
                exchange(&mut stream, &path);
                sent.push((path, from, Instant::now()));
                std::thread::sleep(Duration::from_millis(5));
            }
            sent
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<(String, Instant, Instant)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn get(port: u16, path: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    exchange(&mut stream, path);
}

/// A request that is refused: the answer is short and comes in one piece.
fn exchange(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 2048];
    let length = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer:?}");
}

fn wrk(port: u16, duration: &str) -> Child {
    Command::new("wrk")
        .args([
            "--threads",
            "1",
            "--connections",
            "8",
            "--duration",
            duration,
        ])
        .args([
            "--script".as_ref(),
            root().join("tests/lab/paced.lua").as_os_str(),
        ])
        .arg(format!("http://127.0.0.1:{port}/deny/load"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
