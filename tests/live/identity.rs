//! Events say who it was, and services are called after it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use observer_tests::programs;
use serde_json::Value;

use crate::agent::{Agent, Observed};
use crate::group::Group;
use crate::lab::{Nginx, Validator, misbehave, root, turn};
use crate::seen::text;
use crate::traffic::{Flaw, Mint, Sent};

const ID: &str = "4f1e0d6ea2a5ecc8d3a39a4a4f4f2a1c8d0b8c1b5a1e6c7d9f0a2b3c4d5e6f70";

#[test]
fn a_process_is_named_with_its_executable_and_its_start() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let python = Validator::python(&mint.keys());
    let python_file = fs::read_link(format!("/proc/{}/exe", python.pid())).unwrap();
    let python_file = python_file.to_str().unwrap().to_owned();
    let agent = Agent::start(&[]);
    for port in [nginx.port, python.port] {
        ask(port, "/who");
    }
    let observed = agent.stop();
    for (port, name, executable) in [
        (nginx.port, "nginx", executable("nginx")),
        (python.port, "python3", python_file),
    ] {
        let event = only(&observed, port, "server");
        assert_eq!(text(event, "/process/name"), name);
        assert_eq!(text(event, "/process/executable"), executable);
        assert_eq!(text(event, "/service"), format!("{name}:{port}"));
        let started = text(event, "/process/started");
        assert!(
            started < text(event, "/time") && started.ends_with('Z'),
            "{event}"
        );
        assert!(!text(event, "/process/cgroup_path").is_empty(), "{event}");
        assert_eq!(
            text(only(&observed, port, "client"), "/process/name"),
            "curl"
        );
    }
    let pid = only(&observed, python.port, "server").pointer("/process/pid");
    assert_eq!(pid, Some(&python.pid().into()));
}

#[test]
fn a_container_names_its_service_over_restarts_and_a_short_lived_client_its_own() {
    let _turn = turn();
    let clients = Group::new(&format!("/docker/{}", ID.replace('4', "e")));
    for (path, container, unit, service) in [
        (
            format!("/system.slice/docker-{ID}.scope"),
            Some("docker"),
            None,
            &ID[..12],
        ),
        (
            format!("/kubepods/burstable/pod31dd0274/{ID}"),
            Some(""),
            None,
            &ID[..12],
        ),
        (
            "/system.slice/orders.service".to_owned(),
            None,
            Some("orders.service"),
            "orders",
        ),
        ("/user.slice/session-3.scope".to_owned(), None, None, ""),
    ] {
        let group = Group::new(&path);
        let agent = Agent::start(&[]);
        let mut ports = Vec::new();
        for _ in 0..2 {
            let nginx = Nginx::in_group(&group);
            ports.push(nginx.port);
            // It ends as soon as it has its answer.
            let asked = clients
                .command("curl")
                .args(["--silent", &format!("http://127.0.0.1:{}/who", nginx.port)])
                .output()
                .unwrap();
            assert!(asked.status.success());
        }
        let observed = agent.stop();
        for port in ports {
            let event = only(&observed, port, "server");
            assert_eq!(text(event, "/process/cgroup_path"), path);
            let id = event.pointer("/container/id").and_then(Value::as_str);
            assert_eq!(id, container.map(|_| ID), "{event}");
            let runtime = text(event, "/container/runtime");
            assert_eq!(runtime, container.unwrap_or_default());
            assert_eq!(text(event, "/unit"), unit.unwrap_or_default());
            let service = match service {
                "" => format!("nginx:{port}"),
                service => service.to_owned(),
            };
            assert_eq!(text(event, "/service"), service);
            let client = only(&observed, port, "client");
            assert_eq!(text(client, "/process/name"), "curl");
            assert_eq!(text(client, "/process/cgroup_path"), clients.path);
            assert_eq!(text(client, "/container/runtime"), "docker", "{client}");
        }
    }
}

#[test]
fn a_configuration_is_read_again_without_a_gap() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("observer.toml");
    let configure = |name: &str, filter: &str| {
        let port = nginx.port;
        let text = format!(
            "[[service]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n\
             executable = \"nginx\"\n[filter.exclude]\n{filter}\n"
        );
        fs::write(&file, text).unwrap();
    };
    configure("before", "paths = [\"/deny/kept-1\"]");
    let agent = Agent::start(&["--config", file.to_str().unwrap()]);
    // Four requests on one connection, four seconds apart.
    let requests: Vec<_> = (0..4)
        .map(|number| {
            Sent {
                path: format!("/deny/kept-{number}"),
                authorization: mint.authorization(Flaw::Expired),
                flaw: Flaw::Expired,
            }
            .request()
        })
        .collect();
    let port = nginx.port;
    let client =
        std::thread::spawn(move || misbehave(None, "slow", ("127.0.0.1", port), &requests));
    let after = |count: usize| {
        crate::lab::wait_for("requests", || nginx.log().len() == count);
        std::thread::sleep(Duration::from_secs(1));
    };
    after(2);
    configure("after", "processes = [\"nobody\"]");
    crate::lab::signal("HUP", agent.pid());
    after(3);
    configure("wrong", "proceses = [\"nginx\"]");
    crate::lab::signal("HUP", agent.pid());
    assert_eq!(client.join().unwrap(), [Some(401); 4]);
    let observed = agent.stop();
    let seen: Vec<_> = observed
        .of(nginx.port, "server")
        .iter()
        .map(|event| (text(event, "/request/path"), text(event, "/service")))
        .collect();
    assert_eq!(
        seen,
        [
            ("/deny/kept-0", "before"),
            ("/deny/kept-2", "after"),
            ("/deny/kept-3", "after"),
        ],
        "{}",
        observed.stderr
    );
    assert!(
        observed.stderr.contains("was read again"),
        "{}",
        observed.stderr
    );
    for word in ["line 6", "\"proceses\"", "\"processes\"", "stays in force"] {
        assert!(
            observed.stderr.contains(word),
            "{word}: {}",
            observed.stderr
        );
    }
    assert_eq!(observed.lost(), 0.0, "{}", observed.metrics);
}

#[test]
fn what_is_left_out_by_process_and_executable_is_not_told() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let python = Validator::python(&mint.keys());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("observer.toml");
    let nginx_file = executable("nginx");
    let text = format!("[filter.include]\nexecutables = [\"{nginx_file}\"]\n");
    fs::write(&file, text).unwrap();
    let agent = Agent::start(&["--config", file.to_str().unwrap()]);
    for port in [nginx.port, python.port] {
        ask(port, "/who");
    }
    let observed = agent.stop();
    assert_eq!(observed.of(nginx.port, "server").len(), 1);
    assert_eq!(observed.events.len(), 1, "{:#?}", observed.events);
}

#[test]
fn a_number_that_another_process_has_by_now_lends_it_nothing() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let python = python();
    let other = folder.path().join("another");
    programs::copy(&python, &other);
    let agent = Agent::start(&[]);
    let mut first = Pool::start(&python);
    let mut second = Pool::start(&other);
    let pid = first.answer(0);
    // As long as it is taken for the same without asking.
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(second.answer(pid), pid);
    let observed = agent.stop();
    for (pool, executable) in [(&first, &python), (&second, &other)] {
        let event = only(&observed, pool.port, "server");
        assert_eq!(event.pointer("/process/pid"), Some(&pid.into()), "{event}");
        let known = text(event, "/process/executable");
        assert_eq!(Path::new(known), executable, "{event}");
    }
}

/// Workers that are forks, of a Python that is run from a file.
struct Pool {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Pool {
    fn start(python: &Path) -> Self {
        let prefix = Command::new("python3")
            .args(["-c", "import sys; print(sys.base_prefix)"])
            .output()
            .unwrap();
        let mut child = Command::new(python)
            .env(
                "PYTHONHOME",
                String::from_utf8(prefix.stdout).unwrap().trim_end(),
            )
            .arg(root().join("tests/lab/reuse.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let port = number(&mut stdout).try_into().unwrap();
        Self {
            child,
            stdin,
            stdout,
            port,
        }
    }

    /// Lets a worker with a number answer (0: any number). Gives the number that it had.
    fn answer(&mut self, pid: u32) -> u32 {
        writeln!(self.stdin, "{pid}").unwrap();
        let pid = number(&mut self.stdout);
        ask(self.port, "/who");
        pid
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(from: &mut impl BufRead) -> u32 {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().parse().unwrap()
}

/// The file that runs when Python does: on the path there may be a script.
fn python() -> PathBuf {
    let said = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    let path = String::from_utf8(said.stdout).unwrap();
    fs::canonicalize(path.trim_end()).unwrap()
}

fn ask(port: u16, path: &str) {
    let asked = Command::new("curl")
        .args(["--silent", &format!("http://127.0.0.1:{port}{path}")])
        .output()
        .unwrap();
    assert!(asked.status.success());
}

fn only<'a>(observed: &'a Observed, port: u16, side: &str) -> &'a Value {
    match observed.of(port, side).as_slice() {
        [event] => event,
        events => panic!("{side} at {port}: {events:#?}\n{}", observed.stderr),
    }
}

/// The file behind a command.
fn executable(name: &str) -> String {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {name}")])
        .output()
        .unwrap();
    let path = String::from_utf8(found.stdout).unwrap();
    let path = fs::canonicalize(path.trim_end()).unwrap();
    path.to_str().unwrap().to_owned()
}
