//! What the committed kernel object can do, read from its instructions: it lets every packet pass, and
//! it calls nothing that changes a packet, a process or the kernel.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget};

/// The helpers that the programs may call, by their numbers in include/uapi/linux/bpf.h. All of them
/// read, but for the ring buffer and for the storage of the programs' own.
const ALLOWED: [(i32, &str); 17] = [
    (1, "map_lookup_elem"),
    (5, "ktime_get_ns"),
    (14, "get_current_pid_tgid"),
    (16, "get_current_comm"),
    (26, "skb_load_bytes"),
    (46, "get_socket_cookie"),
    (79, "skb_cgroup_id"),
    (80, "get_current_cgroup_id"),
    (95, "sk_fullsock"),
    (96, "tcp_sock"),
    (107, "sk_storage_get"),
    (120, "get_ns_current_pid_tgid"),
    (131, "ringbuf_reserve"),
    (132, "ringbuf_submit"),
    (133, "ringbuf_discard"),
    (134, "ringbuf_query"),
    (137, "skc_to_tcp_sock"),
];

/// The sections with programs.
const PROGRAMS: [&str; 6] = [
    "cgroup_skb/egress",
    "cgroup_skb/ingress",
    "tp_btf/inet_sock_set_state",
    "tp_btf/sched_process_exec",
    "tp_btf/sock_recv_length",
    "tp_btf/sock_send_length",
];

fn object() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../observer/bpf/observer.o");
    std::fs::read(path).unwrap()
}

/// One instruction (RFC 9669 section 3).
#[derive(Clone, Copy, Debug)]
struct Instruction {
    opcode: u8,
    target: u8,
    source: u8,
    offset: i16,
    immediate: i32,
}

const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
/// A load of 64 bits takes the place of two instructions.
const LOAD_64: u8 = 0x18;
/// Jump and jump32 are the classes 5 and 6.
const JUMP_ALWAYS: u8 = 0x05;
const JUMP_ALWAYS_LONG: u8 = 0x06;

fn instructions(code: &[u8]) -> Vec<Instruction> {
    let (words, rest) = code.as_chunks::<8>();
    assert!(rest.is_empty());
    words
        .iter()
        .map(|word| Instruction {
            opcode: word[0],
            target: word[1] & 15,
            source: word[1] >> 4,
            offset: i16::from_le_bytes([word[2], word[3]]),
            immediate: i32::from_le_bytes([word[4], word[5], word[6], word[7]]),
        })
        .collect()
}

/// The instructions of a section, the second halves of long loads aside, by their places.
fn walk(code: &[Instruction]) -> Vec<(usize, Instruction)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(instruction) = code.get(at) {
        found.push((at, *instruction));
        at += if instruction.opcode == LOAD_64 { 2 } else { 1 };
    }
    found
}

/// Where the jumps of a section lead.
fn jump_targets(code: &[Instruction]) -> BTreeSet<usize> {
    walk(code)
        .into_iter()
        .filter(|(_, it)| matches!(it.opcode & 7, 5 | 6) && !matches!(it.opcode, CALL | EXIT))
        .map(|(at, it)| {
            let distance = match it.opcode {
                JUMP_ALWAYS_LONG => it.immediate as isize,
                _ => isize::from(it.offset),
            };
            at.checked_add_signed(distance + 1).unwrap()
        })
        .collect()
}

/// Every way out of the code goes through "r0 = 1".
fn always_gives_one(code: &[Instruction]) -> bool {
    let targets = jump_targets(code);
    let places = walk(code);
    let exits: Vec<_> = places
        .iter()
        .enumerate()
        .filter(|(_, (_, it))| it.opcode == EXIT)
        .collect();
    !exits.is_empty()
        && exits.iter().all(|(index, (at, _))| {
            let before = index.checked_sub(1).and_then(|index| places.get(index));
            let sets_one = before.is_some_and(|(_, it)| {
                // r0 = 1, of 64 or 32 bits.
                matches!(it.opcode, 0xb7 | 0xb4) && it.target == 0 && it.immediate == 1
            });
            sets_one && !targets.contains(at)
        })
}

#[test]
fn the_programs_are_these() {
    let bytes = object();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    let mut found: Vec<_> = file
        .sections()
        .filter_map(|section| section.name().ok().map(str::to_owned))
        .filter(|name| name.contains('/') && !name.starts_with(".rel"))
        .collect();
    found.sort();
    assert_eq!(found, PROGRAMS);
}

#[test]
fn every_packet_passes() {
    let bytes = object();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    for name in ["cgroup_skb/ingress", "cgroup_skb/egress"] {
        let section = file.section_by_name(name).unwrap();
        let code = instructions(section.data().unwrap());
        assert!(always_gives_one(&code), "{name}");
    }
}

#[test]
fn nothing_is_called_that_changes_anything() {
    let bytes = object();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    for name in PROGRAMS.into_iter().chain([".text"]) {
        let section = file.section_by_name(name).unwrap();
        let code = instructions(section.data().unwrap());
        let relocated: BTreeSet<usize> = section
            .relocations()
            .map(|(offset, _)| usize::try_from(offset).unwrap() / 8)
            .collect();
        for (at, it) in walk(&code).into_iter().filter(|(_, it)| it.opcode == CALL) {
            match it.source {
                0 => assert!(
                    ALLOWED.iter().any(|(number, _)| *number == it.immediate),
                    "{name} calls the helper {} at {at}",
                    it.immediate
                ),
                // A function of the object.
                1 => assert!(
                    relocated.contains(&at) || it.immediate >= 0,
                    "{name} at {at}"
                ),
                other => panic!("{name} makes a call of kind {other} at {at}"),
            }
        }
    }
}

#[test]
fn the_functions_of_the_object_are_its_own() {
    let bytes = object();
    let file = object::File::parse(bytes.as_slice()).unwrap();
    for name in PROGRAMS {
        let section = file.section_by_name(name).unwrap();
        for (offset, relocation) in section.relocations() {
            let RelocationTarget::Symbol(symbol) = relocation.target() else {
                panic!("{name} at {offset}");
            };
            let symbol = file.symbol_by_index(symbol).unwrap();
            assert!(!symbol.is_undefined(), "{:?}", symbol.name());
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

/// The check itself, on code that does and does not do it.
mod check {
    use super::*;

    fn code(words: &[[u8; 8]]) -> bool {
        always_gives_one(&instructions(words.as_flattened()))
    }

    const ONE: [u8; 8] = [0xb7, 0, 0, 0, 1, 0, 0, 0];
    const ZERO: [u8; 8] = [0xb7, 0, 0, 0, 0, 0, 0, 0];
    const OUT: [u8; 8] = [EXIT, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn one_is_accepted_and_zero_is_not() {
        assert!(code(&[ZERO, ONE, OUT]));
        assert!(!code(&[ONE, ZERO, OUT]));
        assert!(!code(&[ONE]));
    }

    #[test]
    fn a_jump_past_the_one_is_found() {
        let past = [JUMP_ALWAYS, 0, 1, 0, 0, 0, 0, 0];
        assert!(!code(&[ZERO, past, ONE, OUT]));
        let before = [JUMP_ALWAYS, 0, 0, 0, 0, 0, 0, 0];
        assert!(code(&[ZERO, before, ONE, OUT]));
    }
}
