//! Where a value in a register may come from, and what memory it may therefore point to.

use std::collections::BTreeMap;

/// A set of places. The empty set is a number.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Origin(u8);

impl Origin {
    pub const NUMBER: Self = Self(0);
    /// The stack of this program.
    pub const STACK: Self = Self(1);
    /// A value of a map.
    pub const VALUE: Self = Self(2);
    /// A record of the ring buffer that is not handed over yet.
    pub const RECORD: Self = Self(4);
    /// All else: the context, packets, sockets, tasks.
    pub const KERNEL: Self = Self(8);

    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// It is a pointer, and to the programs' own memory.
    pub fn is_own(self) -> bool {
        self != Self::NUMBER && !self.has(Self::KERNEL)
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Value {
    pub origin: Origin,
    /// The distance from the end of the stack, when it is surely that.
    pub at: Option<i64>,
}

impl Value {
    pub const NUMBER: Self = Self::of(Origin::NUMBER);

    pub const fn of(origin: Origin) -> Self {
        Self { origin, at: None }
    }

    /// What it is when it is one or the other.
    pub fn or(self, other: Self) -> Self {
        Self {
            origin: self.origin.or(other.origin),
            at: self.at.filter(|at| other.at == Some(*at)),
        }
    }

    /// The sum. The kernel refuses to add two pointers: what is added to a pointer is a number.
    pub fn plus(self, other: Self, number: Option<i64>) -> Self {
        if self.origin.is_own() {
            let at = self.at.zip(number).map(|(at, by)| at + by);
            return Self {
                origin: self.origin,
                at,
            };
        }
        if other.origin.is_own() {
            return Self::of(other.origin);
        }
        Self::of(self.origin.or(other.origin))
    }
}

/// What is known at a place of a program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    pub registers: [Value; 11],
    /// Values of eight bytes on the stack, by their distance from its end.
    pub slots: BTreeMap<i64, Value>,
}

impl State {
    /// At the start of a program or function with these arguments.
    pub fn start(arguments: &[Value]) -> Self {
        let mut state = Self::default();
        for (register, argument) in state.registers.iter_mut().skip(1).zip(arguments) {
            *register = *argument;
        }
        state.registers[10] = Value {
            origin: Origin::STACK,
            at: Some(0),
        };
        state
    }

    /// Takes in what another way here knows. Whether that was news.
    pub fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = mine.or(*theirs);
        }
        // A slot that was not written on one way is no pointer for the kernel on either.
        for (at, theirs) in &other.slots {
            let mine = self.slots.entry(*at).or_default();
            *mine = mine.or(*theirs);
        }
        *self != before
    }

    /// What eight bytes at a place hold.
    pub fn load(&self, from: Value, offset: i64) -> Value {
        if from.origin.has(Origin::KERNEL) {
            return Value::of(Origin::KERNEL);
        }
        let slot = from.at.and_then(|at| self.slots.get(&(at + offset)));
        // Values and records hold no pointers: the kernel refuses to store them there.
        slot.copied().unwrap_or(Value::NUMBER)
    }

    /// Stores eight bytes, or fewer, which are no pointer then.
    pub fn store(&mut self, to: Value, offset: i64, size: i64, value: Value) {
        if !to.origin.has(Origin::STACK) {
            return;
        }
        match to.at {
            Some(at) if size == 8 && (at + offset) % 8 == 0 => {
                self.slots.insert(at + offset, value);
            }
            Some(_) => {}
            // Somewhere.
            None => self.taint(value.origin),
        }
    }

    /// Any slot may hold such a value.
    pub fn taint(&mut self, origin: Origin) {
        for slot in self.slots.values_mut() {
            *slot = slot.or(Value::of(origin));
        }
    }
}
