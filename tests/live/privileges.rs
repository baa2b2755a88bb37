//! What observer may do: the table of docs/security.md, row by row.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use observer_tests::kernel;
use serde_json::Value;
use tempfile::TempDir;

use crate::agent::{Agent, Observed, program, sum};
use crate::lab::{Nginx, misbehave, turn, wait_for};
use crate::seen::text;
use crate::traffic::{Mint, Sent};

/// The whole table.
pub const TABLE: [&str; 5] = [
    "CAP_BPF",
    "CAP_NET_ADMIN",
    "CAP_PERFMON",
    "CAP_SYS_PTRACE",
    "CAP_DAC_READ_SEARCH",
];
/// What packets need of it.
const PACKETS: [&str; 3] = ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"];
/// CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, as the kernel writes them.
const TO_THE_END: &str = "0000000000080004";

#[test]
fn nobody_with_the_table_sees_all_and_keeps_only_what_is_needed_to_the_end() {
    let _turn = turn();
    let nobody = Nobody::new();
    let (threads, _, observed) = watched(nobody.command(&TABLE), |agent| threads(agent.pid()));
    assert!(threads.len() > 2, "{threads:?}");
    for (thread, status) in threads {
        for (set, wanted) in [
            ("Uid", "65534\t65534\t65534\t65534"),
            ("CapPrm", TO_THE_END),
            ("CapEff", TO_THE_END),
            ("CapInh", "0000000000000000"),
            ("CapAmb", "0000000000000000"),
            ("NoNewPrivs", "1"),
        ] {
            assert_eq!(status.get(set).unwrap(), wanted, "{set} of {thread}");
        }
    }
    assert_eq!(kernel::lacking(&observed.stderr), "", "{}", observed.stderr);
    let best = kernel::best_context();
    for event in &observed.events {
        assert_eq!(text(event, "/process/known_by"), best, "{event:#}");
    }
}

#[test]
fn root_gives_up_everything_else_too() {
    let _turn = turn();
    let agent = Agent::start(&[]);
    let threads = threads(agent.pid());
    assert!(threads.len() > 2, "{threads:?}");
    for (thread, status) in threads {
        for (set, wanted) in [
            ("CapPrm", TO_THE_END),
            ("CapEff", TO_THE_END),
            ("CapInh", "0000000000000000"),
            ("CapAmb", "0000000000000000"),
            ("CapBnd", "0000000000000000"),
            ("NoNewPrivs", "1"),
        ] {
            assert_eq!(status.get(set).unwrap(), wanted, "{set} of {thread}");
        }
    }
    agent.stop();
}

#[test]
fn nobody_else_can_look_into_the_process() {
    let _turn = turn();
    let nobody = Nobody::new();
    let agent = Agent::start_by(nobody.command(&TABLE), &[]);
    // What is not dumpable belongs to root, whoever runs it: its own user cannot trace it.
    let owner = fs::metadata(format!("/proc/{}/mem", agent.pid()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
    let read = nobody
        .shell(&[], &format!("head -c 1 /proc/{}/environ", agent.pid()))
        .output()
        .unwrap();
    assert!(!read.status.success(), "{read:?}");
    agent.stop();
}

#[test]
fn without_a_capability_that_packets_need_it_is_named() {
    let nobody = Nobody::new();
    for lacking in PACKETS {
        let done = run_without(&nobody, lacking);
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{lacking}: {said}");
        let docker = lacking.trim_start_matches("CAP_");
        for part in [
            format!("lacks {lacking};"),
            format!("--cap-add {docker},"),
            format!("AmbientCapabilities={lacking} "),
        ] {
            assert!(said.contains(&part), "no {part:?} in {said}");
        }
    }
}

#[test]
fn the_executables_of_others_take_their_capability() {
    let _turn = turn();
    let nobody = Nobody::new();
    for (capabilities, executable) in [
        (TABLE.to_vec(), "/usr/sbin/nginx"),
        (but("CAP_SYS_PTRACE"), ""),
    ] {
        let (_, _, observed) = watched(nobody.command(&capabilities), |_| ());
        for event in servers(&observed) {
            assert_eq!(text(event, "/process/name"), "nginx", "{event:#}");
            assert_eq!(
                text(event, "/process/executable"),
                executable,
                "{capabilities:?}: {event:#}"
            );
        }
    }
}

#[test]
fn where_nothing_can_be_traced_the_sockets_of_others_take_both_of_their_capabilities() {
    let _turn = turn();
    let nobody = Nobody::new();
    for lacking in ["", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"] {
        let (_, port, observed) = watched(untraced(&nobody.command(&but(lacking))), |_| ());
        assert!(
            observed
                .stderr
                .contains("goes on without tp_btf/sock_recv_length"),
            "{}",
            observed.stderr
        );
        let goes_on = format!("goes on without {lacking}, so ");
        let known = lacking.is_empty();
        assert_eq!(
            observed.stderr.contains(&goes_on),
            !known,
            "{}",
            observed.stderr
        );
        // Who listens at the port is found by the open sockets of processes.
        let name = if known { "nginx" } else { "127.0.0.1" };
        for event in servers(&observed) {
            assert_eq!(
                text(event, "/service"),
                format!("{name}:{port}"),
                "{lacking}: {event:#}"
            );
        }
    }
}

#[test]
fn a_small_limit_on_locked_memory_does_not_matter() {
    let _turn = turn();
    let nobody = Nobody::new();
    let mut command = Command::new("prlimit");
    command
        .arg("--memlock=65536:65536")
        .args(line(&nobody.command(&TABLE)));
    // Who cannot raise it lacks CAP_SYS_RESOURCE, as nobody does.
    let agent = Agent::start_by(command, &[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", agent.pid())).unwrap();
    let memlock = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"));
    assert!(memlock.unwrap().contains("65536"), "{limits}");
    agent.stop();
}

#[test]
fn doctor_says_which_capabilities_are_there() {
    let nobody = Nobody::new();
    for lacking in TABLE {
        let done = nobody
            .command(&but(lacking))
            .args(["doctor", "--json"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let capabilities = report
            .get("capabilities")
            .and_then(Value::as_array)
            .unwrap();
        let held: Vec<_> = capabilities
            .iter()
            .filter(|capability| capability.get("held") == Some(&Value::Bool(true)))
            .map(|capability| text(capability, "/name"))
            .collect();
        assert_eq!(held, but(lacking));
        let works = !PACKETS.contains(&lacking);
        assert_eq!(done.status.success(), works, "{lacking}: {report:#}");
        let state = report.pointer("/planes/0/state").and_then(Value::as_str);
        let wanted = if works { "works" } else { "unavailable" };
        assert_eq!(state, Some(wanted), "{lacking}: {report:#}");
    }
}

/// A user who may nothing but what is given.
struct Nobody {
    folder: TempDir,
}

impl Nobody {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        // The program under test may lie where only root can look.
        let copied = Command::new("cp")
            .arg(program())
            .arg(folder.path().join("observer"))
            .status()
            .unwrap();
        assert!(copied.success(), "cp: {copied}");
        Self { folder }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("observer")
    }

    /// observer, with these capabilities and no others.
    fn command(&self, capabilities: &[&str]) -> Command {
        let mut command = setpriv(capabilities);
        command.arg(self.program());
        command
    }

    /// Likewise, a line of shell.
    fn shell(&self, capabilities: &[&str], script: &str) -> Command {
        let mut command = setpriv(capabilities);
        command.args(["sh", "-c", script]);
        command
    }
}

fn setpriv(capabilities: &[&str]) -> Command {
    let list: String = capabilities
        .iter()
        .map(|name| name.trim_start_matches("CAP_").to_lowercase())
        .map(|name| format!(",+{name}"))
        .collect();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(format!("--inh-caps=-all{list}"))
        .arg(format!("--ambient-caps=-all{list}"))
        .arg(format!("--bounding-set=-all{list}"));
    command
}

/// A command as the arguments of another.
fn line(command: &Command) -> Vec<&std::ffi::OsStr> {
    [command.get_program()]
        .into_iter()
        .chain(command.get_args())
        .collect()
}

fn but(lacking: &str) -> Vec<&'static str> {
    TABLE.into_iter().filter(|name| *name != lacking).collect()
}

fn run_without(nobody: &Nobody, lacking: &str) -> Output {
    nobody
        .command(&but(lacking))
        .args(["run", "--duration", "1s"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// A command where the kernel's types are hidden, without which it takes no tracing programs.
fn untraced(command: &Command) -> Command {
    let mut hidden = Command::new("unshare");
    hidden
        .args(["--mount", "sh", "-c"])
        .arg("mount -t tmpfs none /sys/kernel/btf && exec \"$0\" \"$@\"")
        .args(line(command));
    hidden
}

/// Runs observer beside a service of root's at a port, and makes sure that it sees what is refused,
/// from both sides, and counts it.
fn watched<T>(command: Command, look: impl FnOnce(&Agent) -> T) -> (T, u16, Observed) {
    let mint = Mint::new();
    let nginx = Nginx::start();
    let port = nginx.port.to_string();
    let agent = Agent::start_by(command, &["--port", &port]);
    let sent = Sent::expired(&mint, 4);
    let requests: Vec<_> = sent.iter().map(Sent::request).collect();
    let statuses = misbehave(None, "plain", ("127.0.0.1", nginx.port), &requests);
    wait_for("counters of the programs that are read", || {
        sum(&agent.page(), "observer_capture_seen_total") >= 16.0
    });
    let looked = look(&agent);
    let observed = agent.stop();
    observed.tells(nginx.port, &sent, &statuses);
    assert_eq!(servers(&observed).len(), 4, "{:#?}", observed.events);
    (looked, nginx.port, observed)
}

fn servers(observed: &Observed) -> Vec<&Value> {
    let events = observed.events.iter();
    events
        .filter(|event| text(event, "/side") == "server")
        .collect()
}

/// The fields of /proc/PID/task/TID/status of every thread.
fn threads(pid: u32) -> Vec<(String, BTreeMap<String, String>)> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap())
        .map(|status| {
            let fields: BTreeMap<_, _> = status
                .lines()
                .filter_map(|line| line.split_once(":\t"))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            (fields.get("Name").unwrap().clone(), fields)
        })
        .collect()
}
