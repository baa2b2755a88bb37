//! Follows every way through a program and refuses what writes to other memory than its own.
//!
//! It knows less than the kernel's verifier and takes that for granted: what is stored through is a
//! pointer, to a pointer only numbers are added, values of maps and records hold no pointers. What it
//! adds is that pointers to the context, to packets and to sockets are never stored through at all,
//! which the kernel allows for some of their fields.

use crate::code::{Bound, CALL, CALL_REGISTER, Code, EXIT, Instruction, LOAD_64, Section};
use crate::helpers::allowed;
use crate::origin::{Origin, State, Value};

/// Follows a program of an object from the start of its section.
pub fn program(code: &Code, section: &str) -> Result<(), String> {
    let context = Value::of(Origin::KERNEL);
    let walk = Walk { code };
    let starts = &code.get(section).ok_or("no such section")?.starts;
    if starts.is_empty() {
        return Err("there is no function".to_owned());
    }
    starts
        .iter()
        .try_for_each(|start| walk.function(section, *start, &[context], 0).map(drop))
}

/// What a function does, as far as its caller must know.
#[derive(Default)]
struct Summary {
    gives: Origin,
    /// What it may have stored on the stack of its caller.
    spills: Origin,
}

struct Walk<'a> {
    code: &'a Code,
}

impl Walk<'_> {
    /// Follows a function to a fixed point.
    fn function(
        &self,
        name: &str,
        start: usize,
        arguments: &[Value],
        depth: usize,
    ) -> Result<Summary, String> {
        if depth > DEEPEST {
            return Err(format!("{name}: calls go deeper than {DEEPEST}"));
        }
        let section = self.code.get(name).ok_or(format!("no section {name}"))?;
        let mut summary = Summary::default();
        let mut states = vec![None::<State>; section.instructions.len()];
        let mut open = vec![(start, State::start(arguments))];
        while let Some((at, arrived)) = open.pop() {
            let Some(known) = states.get_mut(at) else {
                return Err(format!("{name}: it runs out of its section"));
            };
            let state = match known {
                Some(known) => {
                    if !known.join(&arrived) {
                        continue;
                    }
                    known.clone()
                }
                None => known.insert(arrived).clone(),
            };
            let here = section.instructions[at];
            let step = Step {
                walk: self,
                section,
                at,
                depth,
            };
            let after = step
                .take(here, state, &mut summary)
                .map_err(|error| format!("{name} at {at}: {error}"))?;
            let width = if here.opcode == LOAD_64 { 2 } else { 1 };
            if here.goes_on() {
                open.push((at + width, after.clone()));
            }
            if let Some(distance) = here.jump() {
                let to = at.checked_add_signed(distance + 1);
                open.push((to.ok_or("a jump before the start")?, after));
            }
        }
        Ok(summary)
    }
}

/// The kernel's own limit (MAX_CALL_FRAMES).
const DEEPEST: usize = 8;

/// One instruction at its place.
struct Step<'a> {
    walk: &'a Walk<'a>,
    section: &'a Section,
    at: usize,
    depth: usize,
}

impl Step<'_> {
    fn take(
        &self,
        it: Instruction,
        mut state: State,
        summary: &mut Summary,
    ) -> Result<State, String> {
        let (target, source) = (usize::from(it.target), usize::from(it.source));
        if target > 10 || source > 10 {
            return Err("no such register".to_owned());
        }
        let offset = i64::from(it.offset);
        match (it.class(), it.opcode & !7) {
            (LD, _) if it.opcode == LOAD_64 => {
                state.registers[target] = match self.section.bound.get(&self.at) {
                    None => Value::NUMBER,
                    Some(Bound::Variable) => Value::of(Origin::VALUE),
                    Some(_) => Value::of(Origin::KERNEL),
                };
            }
            (LDX, mode) if matches!(mode & 0xe0, MEM | MEM_SIGNED) => {
                let loaded = state.load(state.registers[source], offset);
                // A part of a pointer is none, except of the context, where the kernel widens it.
                let whole = size(it) == 8 || loaded.origin.has(Origin::KERNEL);
                state.registers[target] = if whole { loaded } else { Value::NUMBER };
            }
            (ST | STX, mode) if mode & 0xe0 == MEM => {
                let value = match it.class() {
                    STX => state.registers[source],
                    _ => Value::NUMBER,
                };
                let to = state.registers[target];
                own(to, "a store")?;
                if size(it) == 8 && to.origin.has(Origin::STACK) && to.at.is_none() {
                    summary.spills = summary.spills.or(value.origin);
                }
                state.store(to, offset, size(it), value);
            }
            (STX, mode) if mode & 0xe0 == ATOMIC => {
                own(state.registers[target], "an atomic operation")?;
                if it.immediate & FETCH != 0 {
                    state.registers[source] = Value::NUMBER;
                    state.registers[0] = Value::NUMBER;
                }
            }
            (ALU | ALU_64, operation) => calculate(it, operation & 0xf0, &mut state),
            _ if it.opcode == CALL => self.call(it, &mut state, summary)?,
            _ if it.opcode == CALL_REGISTER => {
                return Err("a call of what a register says".to_owned());
            }
            _ if it.opcode == EXIT => {
                summary.gives = summary.gives.or(state.registers[0].origin);
            }
            _ if it.jump().is_some() => {}
            _ => return Err(format!("an instruction of no known kind: {it:?}")),
        }
        Ok(state)
    }

    fn call(
        &self,
        it: Instruction,
        state: &mut State,
        summary: &mut Summary,
    ) -> Result<(), String> {
        let gives = match it.source {
            0 => {
                let helper = allowed(it.immediate)
                    .ok_or_else(|| format!("a call of the helper {}", it.immediate))?;
                if let Some(register) = helper.writes {
                    own(state.registers[register], helper.name)?;
                }
                helper.gives
            }
            1 => {
                let here = self.at.checked_add_signed(it.immediate as isize + 1);
                let (section, start) = match self.section.bound.get(&self.at) {
                    Some(Bound::Code(section, symbol)) => (
                        Some(section.as_str()),
                        symbol.checked_add_signed(it.immediate as isize + 1),
                    ),
                    Some(_) => return Err("a call of what is no code".to_owned()),
                    None => (None, here),
                };
                let name = section.unwrap_or_else(|| self.name());
                let arguments: Vec<_> = state.registers[1..=5]
                    .iter()
                    // What is the caller's stack is not the function's own.
                    .map(|argument| Value::of(argument.origin))
                    .collect();
                let start = start.ok_or("a call before the start")?;
                let done = self
                    .walk
                    .function(name, start, &arguments, self.depth + 1)?;
                if arguments
                    .iter()
                    .any(|argument| argument.origin.has(Origin::STACK))
                {
                    state.taint(done.spills);
                    summary.spills = summary.spills.or(done.spills);
                }
                done.gives
            }
            other => {
                return Err(format!(
                    "a call of kind {other}, of a function of the kernel"
                ));
            }
        };
        state.registers[0] = Value::of(gives);
        for register in &mut state.registers[1..=5] {
            *register = Value::NUMBER;
        }
        Ok(())
    }

    /// The section that this is in.
    fn name(&self) -> &str {
        self.walk
            .code
            .iter()
            .find(|(_, section)| std::ptr::eq(*section, self.section))
            .map_or("", |(name, _)| name)
    }
}

fn own(to: Value, what: &str) -> Result<(), String> {
    if to.origin.is_own() {
        Ok(())
    } else {
        Err(format!("{what} to what is not the program's own memory"))
    }
}

fn calculate(it: Instruction, operation: u8, state: &mut State) {
    let (target, source) = (usize::from(it.target), usize::from(it.source));
    let by_register = it.opcode & REGISTER != 0;
    let old = state.registers[target];
    let other = if by_register {
        state.registers[source]
    } else {
        Value::NUMBER
    };
    let number = (!by_register).then_some(i64::from(it.immediate));
    let result = match operation {
        MOVE => other,
        ADD => old.plus(other, number),
        SUBTRACT => old.plus(other, number.map(|number| -number)),
        // Of pointers the kernel takes none of these.
        _ => Value::of(old.origin.or(other.origin)),
    };
    // Half of a pointer is none.
    state.registers[target] = if it.class() == ALU {
        Value::NUMBER
    } else {
        result
    };
}

/// How many bytes are moved.
fn size(it: Instruction) -> i64 {
    match it.opcode & 0x18 {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}

const LD: u8 = 0;
const LDX: u8 = 1;
const ST: u8 = 2;
const STX: u8 = 3;
const ALU: u8 = 4;
const ALU_64: u8 = 7;
const MEM: u8 = 0x60;
const MEM_SIGNED: u8 = 0x80;
const ATOMIC: u8 = 0xc0;
/// An atomic operation that gives what was there before: in a register, or in the first one.
const FETCH: i32 = 1;
const REGISTER: u8 = 0x08;
const ADD: u8 = 0x00;
const SUBTRACT: u8 = 0x10;
const MOVE: u8 = 0xb0;
