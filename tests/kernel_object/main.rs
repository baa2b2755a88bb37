//! What the committed kernel object can do, read from its instructions: it lets every packet pass, it
//! writes to its own memory alone, and it calls nothing that changes a packet, a process or the kernel.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken assumption ends the test"
)]
#![expect(
    unreachable_pub,
    reason = "nothing of a test is reachable; `pub` says what a module offers"
)]

mod code;
mod exits;
mod flow;
mod helpers;
mod origin;

mod crafted;

use code::{CALL, CALL_REGISTER, Code};

/// The programs, by their sections. Of each kind it is known what its result does: that of a packet
/// program decides over the packet, that of the others is not looked at.
const PROGRAMS: [&str; 11] = [
    "cgroup_skb/egress",
    "cgroup_skb/ingress",
    "fentry/unix_release",
    "fexit/tcp_recvmsg",
    "fexit/tcp_sendmsg",
    "fexit/unix_stream_recvmsg",
    "fexit/unix_stream_sendmsg",
    "tp_btf/inet_sock_set_state",
    "tp_btf/sched_process_exec",
    "tp_btf/sock_recv_length",
    "tp_btf/sock_send_length",
];

/// The kinds of programs of which the result is not looked at.
const WITHOUT_A_SAY: [&str; 3] = ["tp_btf/", "fentry/", "fexit/"];

fn object() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../observer/bpf/observer.o");
    std::fs::read(path).unwrap()
}

fn committed() -> Code {
    code::read(&object())
}

#[test]
fn the_programs_are_these() {
    let mut found: Vec<_> = committed().into_keys().collect();
    found.retain(|name| name != ".text");
    assert_eq!(found, PROGRAMS);
}

#[test]
fn every_packet_passes() {
    let code = committed();
    for name in PROGRAMS {
        if name.starts_with("cgroup_skb/") {
            assert!(exits::always_give_one(&code[name]), "{name}");
        } else {
            assert!(
                WITHOUT_A_SAY.iter().any(|kind| name.starts_with(kind)),
                "{name} may have a say"
            );
        }
    }
}

#[test]
fn nothing_is_called_that_changes_anything() {
    // Of all instructions, whether a way leads to them or not.
    for (name, section) in committed() {
        if let Err(error) = calls(&section) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn nothing_is_written_but_the_programs_own_memory() {
    let code = committed();
    for name in PROGRAMS {
        if let Err(error) = flow::program(&code, name) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn no_path_of_the_machine_that_built_it_is_inside() {
    let bytes = object();
    for path in [&b"/home/"[..], b"/root/", b"/tmp/", b"/usr/", b".cargo"] {
        let found = bytes.windows(path.len()).any(|window| window == path);
        assert!(!found, "{}", path.escape_ascii());
    }
}

/// All calls are of helpers on the list, or of the object's own functions.
fn calls(section: &code::Section) -> Result<(), String> {
    for (at, it) in section.walk() {
        match (it.opcode, it.source) {
            (CALL, 0) if helpers::allowed(it.immediate).is_some() => {}
            (CALL, 0) => return Err(format!("the helper {} is called at {at}", it.immediate)),
            (CALL, 1) => {}
            (CALL, kind) => return Err(format!("a call of kind {kind} at {at}")),
            (CALL_REGISTER, _) => return Err(format!("a call of what a register says at {at}")),
            _ => {}
        }
    }
    Ok(())
}
