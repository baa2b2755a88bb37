//! An agent that is killed leaves nothing in the kernel and does not disturb a service.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::agent::Agent;
use crate::lab::{Nginx, Validator, misbehave, signal, turn, wait_for};
use crate::traffic::{Flaw, Mint, Sent};

#[test]
fn kill_9_leaves_no_program_and_services_go_on() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let mut service = Validator::python(&mint.keys());
    let agent = Agent::start(&[]);
    let programs = kernel_ids(agent.pid(), "prog_id");
    let links = kernel_ids(agent.pid(), "link_id");
    assert!(
        programs.len() >= 2,
        "an agent holds its programs: {programs:?}"
    );
    assert!(
        programs.iter().all(|id| is_known("prog", *id)),
        "{programs:?}"
    );

    let wrk = Command::new("wrk")
        .args(["--threads", "1", "--connections", "4", "--duration", "3s"])
        .arg(format!("http://127.0.0.1:{}/ok/during", nginx.port))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let pid = agent.pid();
    signal("KILL", pid);
    drop(agent);
    let said = String::from_utf8(wrk.wait_with_output().unwrap().stdout).unwrap();

    wait_for("end of the programs", || {
        !programs.iter().any(|id| is_known("prog", *id))
    });
    assert!(!links.iter().any(|id| is_known("link", *id)), "{links:?}");
    assert!(said.contains(" requests in "), "{said}");
    assert!(
        !said.contains("Socket errors") && !said.contains("Non-2xx"),
        "{said}"
    );
    assert!(service.is_running());
    let sent = Sent {
        path: "/stated/after".to_owned(),
        authorization: mint.authorization(Flaw::Nothing),
        flaw: Flaw::Nothing,
    };
    let got = misbehave(
        None,
        "plain",
        ("127.0.0.1", service.port),
        &[sent.request()],
    );
    assert_eq!(got, [Some(200)]);
}

/// The ids of the kernel's objects that a process holds open.
fn kernel_ids(pid: u32, name: &str) -> BTreeSet<u32> {
    fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .flat_map(|text| {
            text.lines()
                .filter_map(|line| {
                    line.strip_prefix(name)?
                        .strip_prefix(':')?
                        .trim()
                        .parse()
                        .ok()
                })
                .collect::<Vec<u32>>()
        })
        .collect()
}

fn is_known(kind: &str, id: u32) -> bool {
    Command::new("bpftool")
        .args([kind, "show", "id", &id.to_string()])
        .output()
        .unwrap()
        .status
        .success()
}
