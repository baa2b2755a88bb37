//! The instructions of an object (RFC 9669), and where its functions are.

use std::collections::BTreeMap;

use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionKind, SymbolKind};

/// One instruction (RFC 9669 section 3).
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    pub opcode: u8,
    pub target: u8,
    pub source: u8,
    pub offset: i16,
    pub immediate: i32,
}

pub const CALL: u8 = 0x85;
/// A call of what a register says.
pub const CALL_REGISTER: u8 = 0x8d;
pub const EXIT: u8 = 0x95;
/// A load of 64 bits takes the place of two instructions.
pub const LOAD_64: u8 = 0x18;
pub const JUMP_ALWAYS: u8 = 0x05;
pub const JUMP_ALWAYS_LONG: u8 = 0x06;

/// The classes of instructions.
pub const JUMP: u8 = 5;
pub const JUMP_32: u8 = 6;

impl Instruction {
    pub fn class(self) -> u8 {
        self.opcode & 7
    }

    /// How far a jump goes, from the instruction behind it. `None`: it is no jump.
    pub fn jump(self) -> Option<isize> {
        let is_jump = matches!(self.class(), JUMP | JUMP_32)
            && !matches!(self.opcode, CALL | CALL_REGISTER | EXIT);
        is_jump.then(|| match self.opcode {
            JUMP_ALWAYS_LONG => self.immediate as isize,
            _ => isize::from(self.offset),
        })
    }

    /// Whether it goes on at the next one, sometimes at least.
    pub fn goes_on(self) -> bool {
        !matches!(self.opcode, JUMP_ALWAYS | JUMP_ALWAYS_LONG | EXIT)
    }
}

/// What an instruction is bound to when the object is loaded.
#[derive(Clone, Debug)]
pub enum Bound {
    /// Something in a section with code: the section, and where in it the symbol is.
    Code(String, usize),
    /// A variable that can be written.
    Variable,
    /// A map, or a variable that cannot be written.
    Fixed,
}

/// A section with code.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub instructions: Vec<Instruction>,
    /// By place.
    pub bound: BTreeMap<usize, Bound>,
    /// Where its functions start. One hook may have programs for more than one kernel.
    pub starts: Vec<usize>,
}

impl Section {
    /// The instructions by their places, the second halves of long loads aside.
    pub fn walk(&self) -> Vec<(usize, Instruction)> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(instruction) = self.instructions.get(at) {
            found.push((at, *instruction));
            at += if instruction.opcode == LOAD_64 { 2 } else { 1 };
        }
        found
    }
}

/// All code of an object, by the names of the sections.
pub type Code = BTreeMap<String, Section>;

/// Reads an object file.
pub fn read(bytes: &[u8]) -> Code {
    let file = object::File::parse(bytes).unwrap();
    file.sections()
        .filter(|section| section.kind() == SectionKind::Text)
        .map(|section| {
            let bound = section
                .relocations()
                .map(|(offset, relocation)| {
                    let RelocationTarget::Symbol(symbol) = relocation.target() else {
                        panic!("a relocation without a symbol at {offset}");
                    };
                    let symbol = file.symbol_by_index(symbol).unwrap();
                    assert!(!symbol.is_undefined(), "{:?}", symbol.name());
                    let home = file
                        .section_by_index(symbol.section_index().unwrap())
                        .unwrap();
                    let bound = match (home.kind(), home.name().unwrap()) {
                        (SectionKind::Text, name) => {
                            Bound::Code(name.to_owned(), place(symbol.address()))
                        }
                        (_, ".bss" | ".data") => Bound::Variable,
                        _ => Bound::Fixed,
                    };
                    (place(offset), bound)
                })
                .collect();
            let section_code = Section {
                instructions: instructions(section.data().unwrap()),
                bound,
                starts: file
                    .symbols()
                    .filter(|symbol| symbol.kind() == SymbolKind::Text)
                    .filter(|symbol| symbol.section_index() == Some(section.index()))
                    .map(|symbol| place(symbol.address()))
                    .collect(),
            };
            (section.name().unwrap().to_owned(), section_code)
        })
        .collect()
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap() / 8
}

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
