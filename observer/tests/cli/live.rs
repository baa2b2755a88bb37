//! `run` as people meet it. What needs privileges is tested where there are some, and the lack of
//! them everywhere.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use observer_tests::programs;

use super::*;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `observer run` by a user who may nothing.
fn unprivileged(arguments: &[&str]) -> Done {
    if !is_root() {
        return run(arguments);
    }
    // The binary may lie where only root can look.
    let desk = Desk::new();
    let copy = desk.path("observer");
    programs::copy(Path::new(env!("CARGO_BIN_EXE_observer")), &copy);
    for path in [desk.0.path(), &copy] {
        open_to_all(path, 0o755);
    }
    Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&copy)
        .args(arguments)
        .output()
        .unwrap()
        .into()
}

fn open_to_all(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn without_root_it_is_said_plainly() {
    let desk = Desk::new();
    open_to_all(desk.0.path(), 0o777);
    let events = text(&desk.path("events"));
    let done = unprivileged(&["run", "--duration", "5s", "--events", &events]);
    assert_eq!(done.code, 1, "{}", done.err);
    for word in ["root", "CAP_BPF"] {
        assert!(done.err.contains(word), "no {word} in: {}", done.err);
    }
    assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    assert_eq!(done.out, "");
    assert!(!Path::new(&events).exists(), "nothing is left behind");
}

#[test]
fn a_replay_needs_no_privileges() {
    let capture = refusals(1, &expired()).pcap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, &capture).unwrap();
    open_to_all(file.path(), 0o644);
    let done = unprivileged(&["replay", "--events", "-", &text(file.path())]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(done.out.lines().count(), 1);
}

#[test]
fn an_address_in_use_is_said_before_anything_is_attached() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let desk = Desk::new();
    let events = text(&desk.path("events"));
    let done = run(["run", "--listen", &address, "--events", &events]);
    assert_eq!(done.code, 1, "{}", done.err);
    for word in [address.as_str(), "in use", "--listen", "ss -ltnp"] {
        assert!(done.err.contains(word), "no {word} in: {}", done.err);
    }
    assert!(!Path::new(&events).exists());
}

#[test]
fn arguments_of_run_are_checked() {
    for (arguments, word) in [
        (["--duration", "soon"], "30s"),
        (["--ring-size", "3MiB"], "power of two"),
        (["--listen", "9464"], "ADDR:PORT"),
        (["--only", "accepted"], "rejected"),
    ] {
        let done = run(["run"].into_iter().chain(arguments));
        assert_eq!(done.code, 2, "{}", done.err);
        assert!(done.err.contains(word), "no {word} in: {}", done.err);
    }
}

#[test]
fn a_state_file_that_is_something_else_is_left_alone() {
    let desk = Desk::new();
    let notes = desk.file("notes", "notes of mine\n");
    let done = run(["run", "--state", &notes]);
    assert_eq!(done.code, 1, "{}", done.err);
    for word in [notes.as_str(), "not a state file", "--state"] {
        assert!(done.err.contains(word), "no {word} in: {}", done.err);
    }
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "notes of mine\n");
}
