//! nginx in front of gunicorn at a socket file: seen where the kernel shows unix sockets, and named where
//! it does not.

use std::process::{Command, Stdio};

use observer_tests::kernel::must_show;
use serde_json::Value;

use crate::agent::{Agent, Observed, program, sum};
use crate::lab::{Gunicorn, Nginx, turn, wait_for};
use crate::seen::{status, text};

const REQUESTS: usize = 5;

#[test]
fn what_nginx_says_to_gunicorn_is_seen_or_it_is_said_that_it_is_not() {
    let _turn = turn();
    let gunicorn = Gunicorn::start();
    let nginx = Nginx::before(&gunicorn.socket);
    let path = gunicorn.socket.to_str().unwrap().to_owned();
    let agent = Agent::start(&[]);
    let refused = agent
        .read("stderr")
        .contains("goes on without unix sockets");
    assert!(!(refused && must_show("unix")), "{}", agent.read("stderr"));
    let mut held = ask(nginx.port, "held")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    if refused {
        doctor_names(&nginx, &path);
    }
    gunicorn.release();
    assert!(held.wait().unwrap().success());
    for number in 0..REQUESTS {
        let output = ask(nginx.port, &format!("orders/{number}"))
            .output()
            .unwrap();
        assert_eq!(output.stdout, b"401");
    }
    // It writes its log after the answer.
    wait_for("log of nginx", || nginx.behind().len() == REQUESTS + 1);
    if refused {
        metrics_name(agent, &nginx, &path);
    } else {
        seen(&agent.stop(), &nginx, &gunicorn, &path);
    }
}

/// A request whose answer's status goes to standard output.
fn ask(port: u16, target: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ])
    .args([
        "--max-time",
        "60",
        "--header",
        "Authorization: Bearer a.b.c",
    ])
    .arg(format!("http://127.0.0.1:{port}/app/{target}"));
    curl
}

/// While both are connected.
fn doctor_names(nginx: &Nginx, path: &str) {
    let worker = nginx.workers()[0];
    let start = format!("not seen: nginx (pid {worker}) → gunicorn (pid ");
    let end = format!(") {path}, 1 connection now");
    let mut said = String::new();
    wait_for("line of doctor", || {
        let doctor = Command::new(program()).arg("doctor").output().unwrap();
        said = String::from_utf8(doctor.stdout).unwrap();
        let mut lines = said.lines().map(str::trim_start);
        lines.any(|line| line.starts_with(&start) && line.ends_with(&end))
    });
    assert!(said.contains("counted: how much"), "{said}");
}

/// To the byte, as nginx itself counted them.
fn metrics_name(agent: Agent, nginx: &Nginx, path: &str) {
    let (mut sent, mut received) = (0, 0);
    for (to, from) in nginx.behind() {
        sent += to;
        received += from;
    }
    let series = |from: &str, to: &str, bytes: u64| {
        let metric = "observer_unix_unseen_bytes_total";
        format!("{metric}{{from=\"{from}\",path=\"{path}\",to=\"{to}\"}} {bytes}")
    };
    let lines = [
        series("nginx", "gunicorn", sent),
        series("gunicorn", "nginx", received),
    ];
    let mut page = String::new();
    wait_for("metrics", || {
        page = agent.page();
        lines
            .iter()
            .all(|line| page.lines().any(|have| have == line))
    });
    let observed = agent.stop();
    let named = format!("  nginx to gunicorn over {path}: ");
    assert!(observed.stdout.contains(&named), "{}", observed.stdout);
}

fn seen(observed: &Observed, nginx: &Nginx, gunicorn: &Gunicorn, path: &str) {
    let server = format!("unix:{path}");
    let worker = nginx.workers()[0];
    for (side, process, peer) in [
        ("client", "nginx", gunicorn.pid()),
        ("server", "gunicorn", worker),
    ] {
        let events: Vec<&Value> = observed
            .events
            .iter()
            .filter(|event| text(event, "/connection/server") == server)
            .filter(|event| text(event, "/side") == side)
            .collect();
        assert_eq!(events.len(), REQUESTS + 1, "{side}: {}", observed.stderr);
        for event in events {
            assert_eq!(text(event, "/connection/transport"), "unix");
            let made = event
                .pointer("/connection/peer_pid")
                .and_then(Value::as_u64);
            assert_eq!(made, Some(peer.into()), "{side}: {event}");
            assert_eq!(text(event, "/process/name"), process, "{event}");
            assert_eq!(status(event), Some(401), "{event}");
        }
    }
    assert_eq!(
        sum(&observed.metrics, "observer_unix_unseen_bytes_total"),
        0.0
    );
}
