//! The checks themselves, on instructions that do and do not do what they look for.

use std::collections::BTreeMap;

use crate::code::{Bound, Code, Instruction, JUMP_ALWAYS, Section};
use crate::{calls, exits, flow};

/// Instructions, as the kernel's own tests write them.
const fn it(opcode: u8, target: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction {
        opcode,
        target,
        source,
        offset,
        immediate,
    }
}

const fn number(target: u8, value: i32) -> Instruction {
    it(0xb7, target, 0, 0, value)
}

const fn copy(target: u8, source: u8) -> Instruction {
    it(0xbf, target, source, 0, 0)
}

const fn add(target: u8, value: i32) -> Instruction {
    it(0x07, target, 0, 0, value)
}

/// Eight bytes.
const fn load(target: u8, source: u8, offset: i16) -> Instruction {
    it(0x79, target, source, offset, 0)
}

/// Four bytes, as of the fields of a packet's context.
const fn load_word(target: u8, source: u8, offset: i16) -> Instruction {
    it(0x61, target, source, offset, 0)
}

/// Eight bytes.
const fn store(target: u8, offset: i16, source: u8) -> Instruction {
    it(0x7b, target, source, offset, 0)
}

const fn call(helper: i32) -> Instruction {
    it(0x85, 0, 0, 0, helper)
}

const fn when_zero(register: u8, distance: i16) -> Instruction {
    it(0x15, register, 0, distance, 0)
}

const OUT: Instruction = it(0x95, 0, 0, 0, 0);

fn section(instructions: &[Instruction]) -> Section {
    Section {
        starts: vec![0],
        instructions: instructions.to_vec(),
        bound: BTreeMap::new(),
    }
}

/// A program, and perhaps a function that its first call is bound to.
fn code(program: &[Instruction], function: &[Instruction]) -> Code {
    let mut program = section(program);
    let first = program
        .instructions
        .iter()
        .position(|it| it.opcode == 0x85 && it.source == 1);
    if let Some(first) = first {
        let bound = Bound::Code(".text".to_owned(), 0);
        program.bound.insert(first, bound);
    }
    Code::from([
        ("tp_btf/a".to_owned(), program),
        (".text".to_owned(), section(function)),
    ])
}

fn follows(program: &[Instruction]) -> Result<(), String> {
    flow::program(&code(program, &[]), "tp_btf/a")
}

fn refused(program: &[Instruction], why: &str) {
    let error = follows(program).unwrap_err();
    assert!(error.contains(why), "{error}");
}

const NOT_OWN: &str = "not the program's own memory";

#[test]
fn one_is_accepted_and_zero_is_not() {
    let ends = |code: &[Instruction]| exits::always_give_one(&section(code));
    assert!(ends(&[number(0, 0), number(0, 1), OUT]));
    assert!(!ends(&[number(0, 1), number(0, 0), OUT]));
    assert!(!ends(&[number(0, 1)]));
    assert!(!ends(&[number(0, 1), OUT, load(0, 10, -8), OUT]));
}

#[test]
fn a_jump_past_the_one_is_found() {
    let jump = |distance| it(JUMP_ALWAYS, 0, 0, distance, 0);
    let ends = |code: &[Instruction]| exits::always_give_one(&section(code));
    assert!(!ends(&[number(0, 0), jump(1), number(0, 1), OUT]));
    assert!(ends(&[number(0, 0), jump(0), number(0, 1), OUT]));
}

#[test]
fn helpers_that_change_something_are_refused() {
    for (helper, name) in [
        (9, "skb_store_bytes"),
        (12, "tail_call"),
        (13, "clone_redirect"),
        (23, "redirect"),
        (36, "probe_write_user"),
        (38, "skb_change_tail"),
        (49, "setsockopt"),
        (52, "sk_redirect_map"),
        (58, "override_return"),
        (60, "msg_redirect_map"),
        (109, "send_signal"),
        (117, "send_signal_thread"),
    ] {
        let program = [call(helper), number(0, 1), OUT];
        assert!(calls(&section(&program)).is_err(), "{name}");
        refused(&program, &format!("the helper {helper}"));
    }
    assert_eq!(calls(&section(&[call(5), OUT])), Ok(()));
}

#[test]
fn functions_of_the_kernel_and_calls_of_registers_are_refused() {
    let kernel = [it(0x85, 0, 2, 0, 1234), OUT];
    let register = [it(0x8d, 1, 0, 0, 0), OUT];
    for program in [kernel, register] {
        assert!(calls(&section(&program)).is_err());
        assert!(follows(&program).is_err());
    }
    // Even where no way leads to it.
    assert!(calls(&section(&[OUT, call(36), OUT])).is_err());
}

#[test]
fn the_stack_is_the_programs_own() {
    let kept = [
        store(10, -8, 1),
        copy(2, 10),
        add(2, -16),
        number(3, 7),
        store(2, 0, 3),
        number(0, 1),
        OUT,
    ];
    assert_eq!(follows(&kept), Ok(()));
}

#[test]
fn a_store_to_the_context_is_refused() {
    refused(&[number(2, 0), store(1, 8, 2), OUT], NOT_OWN);
    // By immediate, and by an atomic addition.
    refused(&[it(0x62, 1, 0, 8, 1), OUT], NOT_OWN);
    refused(&[number(2, 1), it(0xdb, 1, 2, 8, 0), OUT], NOT_OWN);
}

#[test]
fn an_atomic_addition_leaves_a_pointer_and_an_exchange_does_not() {
    const EXCHANGE: i32 = 0xf1;
    let way = |operation| {
        [
            it(0xbf, 0, 10, 0, 0),
            number(2, 1),
            it(0xdb, 10, 2, -8, operation),
            store(0, -16, 2),
            OUT,
        ]
    };
    refused(&way(EXCHANGE), NOT_OWN);
    let mut addition = way(0).to_vec();
    addition.insert(4, number(0, 1));
    assert_eq!(follows(&addition), Ok(()));
}

#[test]
fn a_store_to_the_packet_is_refused() {
    let data = load_word(2, 1, 76);
    refused(&[data, number(3, 0), store(2, 0, 3), OUT], NOT_OWN);
    refused(
        &[data, add(2, 14), number(3, 0), store(2, 0, 3), OUT],
        NOT_OWN,
    );
}

#[test]
fn a_pointer_that_was_put_away_is_known_again() {
    let away = [
        store(10, -8, 1),
        load(6, 10, -8),
        number(2, 0),
        store(6, 0, 2),
        OUT,
    ];
    refused(&away, NOT_OWN);
}

#[test]
fn a_pointer_of_which_one_way_is_foreign_is_refused() {
    let either = [
        copy(6, 10),
        add(6, -8),
        load(2, 1, 0),
        when_zero(2, 1),
        copy(6, 1),
        number(3, 0),
        store(6, 0, 3),
        number(0, 1),
        OUT,
    ];
    refused(&either, NOT_OWN);
    let mut neither = either;
    neither[4] = copy(7, 1);
    assert_eq!(follows(&neither), Ok(()));
}

#[test]
fn a_value_of_a_map_is_own_and_a_socket_is_not() {
    let through = |helper| {
        [
            call(helper),
            when_zero(0, 2),
            number(1, 0),
            store(0, 0, 1),
            number(0, 1),
            OUT,
        ]
    };
    assert_eq!(follows(&through(1)), Ok(()));
    assert_eq!(follows(&through(107)), Ok(()));
    assert_eq!(follows(&through(131)), Ok(()));
    refused(&through(95), NOT_OWN);
    refused(&through(96), NOT_OWN);
    refused(&through(5), NOT_OWN);
}

#[test]
fn a_helper_may_fill_the_stack_and_not_the_packet() {
    let onto = |pointer| {
        [
            pointer,
            number(2, 0),
            number(4, 4),
            call(26),
            number(0, 1),
            OUT,
        ]
    };
    let mut stack = onto(copy(3, 10)).to_vec();
    stack.insert(1, add(3, -8));
    assert_eq!(follows(&stack), Ok(()));
    refused(&onto(load_word(3, 1, 76)), NOT_OWN);
}

#[test]
fn a_function_is_followed_with_what_it_is_given() {
    let writes = [number(2, 0), store(1, 0, 2), number(0, 0), OUT];
    let given = |pointer| [pointer, it(0x85, 0, 1, 0, -1), number(0, 1), OUT];
    let follow = |program: &[Instruction]| flow::program(&code(program, &writes), "tp_btf/a");
    assert!(follow(&given(copy(1, 1))).unwrap_err().contains(NOT_OWN));
    assert_eq!(follow(&given(copy(1, 10))), Ok(()));
}

#[test]
fn what_a_function_put_on_its_callers_stack_is_not_trusted() {
    // It stores the context, which it got in r2, where its caller had a pointer of its own.
    let swaps = [store(1, 0, 2), number(0, 0), OUT];
    let program = [
        copy(6, 1),
        copy(3, 10),
        add(3, -32),
        store(10, -8, 3),
        copy(1, 10),
        add(1, -8),
        copy(2, 6),
        it(0x85, 0, 1, 0, -1),
        load(7, 10, -8),
        number(3, 0),
        store(7, 0, 3),
        number(0, 1),
        OUT,
    ];
    let error = flow::program(&code(&program, &swaps), "tp_btf/a").unwrap_err();
    assert!(error.contains(NOT_OWN), "{error}");
}

#[test]
fn instructions_of_an_unknown_kind_are_refused() {
    // A load from the packet in the old way.
    refused(&[it(0x30, 0, 0, 0, 12), OUT], "no known kind");
}
