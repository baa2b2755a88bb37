//! The clock of the machine is set while observer watches.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use observer_tests::limits::limit;

use crate::agent::{Agent, sum};
use crate::lab::{Nginx, turn, wait_for};
use crate::seen::text;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
#[ignore = "sets the clock of the whole machine: only a machine of its own may bear it"]
fn a_clock_that_is_set_bends_no_duration_and_times_follow() {
    let _turn = turn();
    let nginx = Nginx::start();
    let clock = Clock::now();
    let agent = Agent::start(&[]);
    let before = ask(nginx.port, "/deny/before", || {});
    // An agent that is still starting looks at the clock late.
    wait_for("both ends of the first exchange", || {
        sum(&agent.page(), "observer_exchanges_total") >= 2.0
    });
    let asked = [
        before,
        ask(nginx.port, "/deny/ahead", || clock.set(HOUR, true)),
        ask(nginx.port, "/deny/then", || {}),
        ask(nginx.port, "/deny/back", || clock.set(HOUR, false)),
        ask(nginx.port, "/deny/after", || {}),
    ];
    let observed = agent.stop();
    drop(clock);
    for side in ["client", "server"] {
        let events = observed.of(nginx.port, side);
        let paths: Vec<_> = events
            .iter()
            .map(|event| text(event, "/request/path"))
            .collect();
        let expected: Vec<_> = asked.iter().map(|asked| asked.path).collect();
        assert_eq!(paths, expected);
        for (event, asked) in events.iter().zip(&asked) {
            // Of all of it in microseconds.
            let took = event.pointer("/response/duration_us").unwrap();
            let took = Duration::from_micros(took.as_u64().unwrap());
            assert!(
                took <= asked.took,
                "{took:?}, not {:?}: {event}",
                asked.took
            );
            // When it was asked for, by the clock as it was then.
            let time: jiff::Timestamp = text(event, "/time").parse().unwrap();
            let off = SystemTime::from(time)
                .duration_since(asked.at)
                .unwrap_or_else(|before| before.duration());
            assert!(off < limit(Duration::from_secs(2)), "{off:?}: {event}");
        }
    }
}

/// A request that was made.
struct Asked {
    path: &'static str,
    /// When, by the clock as it was.
    at: SystemTime,
    /// From before its first byte until after the last of its answer.
    took: Duration,
}

/// Makes a request in two parts with something between them, and some time around it: which part of a
/// second the clock was set in is known to a tenth.
fn ask(port: u16, path: &'static str, between: impl FnOnce()) -> Asked {
    let rest = limit(Duration::from_millis(100));
    std::thread::sleep(rest);
    let (at, start) = (SystemTime::now(), Instant::now());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\n").unwrap();
    std::thread::sleep(rest);
    between();
    write!(stream, "Host: lab\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer:?}");
    Asked {
        path,
        at,
        took: start.elapsed(),
    }
}

/// What the clock was, to set it right again.
struct Clock {
    time: SystemTime,
    since: Instant,
}

impl Clock {
    fn now() -> Self {
        Self {
            time: SystemTime::now(),
            since: Instant::now(),
        }
    }

    /// Sets it off by this much.
    fn set(&self, by: Duration, ahead: bool) {
        let right = self.time + self.since.elapsed();
        let wrong = if ahead { right + by } else { right - by };
        let wrong = wrong.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let wrong = rustix::time::Timespec {
            tv_sec: wrong.as_secs().try_into().unwrap(),
            tv_nsec: wrong.subsec_nanos().into(),
        };
        rustix::time::clock_settime(rustix::time::ClockId::Realtime, wrong).unwrap();
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.set(Duration::ZERO, true);
    }
}
