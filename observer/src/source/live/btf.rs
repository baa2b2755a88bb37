//! The kernel's description of its own types, BTF: where fields lie and how many arguments a function
//! has differ between kernels, and the programs are told before they are loaded.
//!
//! aya resolves what its loader needs and gives no access to the rest. The format is that of the
//! kernel's Documentation/bpf/btf.rst.

use std::fs;
use std::io;

use memchr::memmem;

/// The types of a kernel.
pub(super) struct Types {
    bytes: Vec<u8>,
    strings: usize,
    /// Where each type is described, by its number less one: number 0 is `void`.
    places: Vec<usize>,
    /// The types that are looked up by their names.
    named: Vec<Type>,
}

/// A type as it is described, without what its kind adds.
#[derive(Clone, Copy)]
struct Type {
    name: u32,
    kind: u32,
    /// How many members, values or arguments follow.
    count: usize,
    /// The offsets of its members have the size of a bit field in their upper byte.
    has_bit_fields: bool,
    /// The number of another type, or a size.
    other: u32,
    /// Where what its kind adds begins.
    more: usize,
}

const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
/// Types that stand for another: typedef, volatile, const, restrict, type tag.
const NAMES_OF_OTHERS: [u32; 5] = [8, 9, 10, 11, 18];

/// How deep structures are followed into each other.
const DEPTH: u32 = 16;

impl Types {
    /// Those of the running kernel. `wanted` are the names of all structures, enumerations and
    /// functions that will be looked up: a kernel describes more than a hundred thousand types, which
    /// are gone through once.
    pub(super) fn of_kernel(wanted: &[&str]) -> io::Result<Self> {
        let bytes = fs::read("/sys/kernel/btf/vmlinux")?;
        Self::parse(bytes, wanted)
            .ok_or_else(|| io::Error::other("its description of types is malformed"))
    }

    /// Takes a description apart. `None`: it is none, or ends before it should.
    pub(super) fn parse(bytes: Vec<u8>, wanted: &[&str]) -> Option<Self> {
        const MAGIC: u32 = 0xeb9f;
        const LITTLE_ENDIAN_VERSION_1: u32 = MAGIC | 1 << 16;
        if word(&bytes, 0)? & 0x00ff_ffff != LITTLE_ENDIAN_VERSION_1 {
            return None;
        }
        let header = at(&bytes, 4)?;
        let from = header.checked_add(at(&bytes, 8)?)?;
        let to = from.checked_add(at(&bytes, 12)?)?;
        let strings = header.checked_add(at(&bytes, 16)?)?;
        bytes.get(from..to)?;
        let wanted = places_of(bytes.get(strings..)?, wanted);
        let mut places = Vec::new();
        let mut named = Vec::new();
        let mut place = from;
        while place < to {
            places.push(place);
            let described = describe(&bytes, place)?;
            if wanted.binary_search(&described.name).is_ok() {
                named.push(described);
            }
            place = described.more.checked_add(added(&described)?)?;
        }
        Some(Self {
            bytes,
            strings,
            places,
            named,
        })
    }

    /// How many arguments a function has. `None`: the kernel has no such function.
    pub(super) fn arguments(&self, function: &str) -> Option<usize> {
        let function = self.find(function, FUNC)?;
        Some(self.get(function.other)?.count)
    }

    /// Where a member lies in a structure, in bytes. `member` may name one inside another:
    /// `msg_iter.count`. Members of nameless structures and unions inside are found too.
    pub(super) fn offset(&self, structure: &str, member: &str) -> Option<u32> {
        let mut described = self.find(structure, STRUCT)?;
        let mut bits = 0u32;
        for part in member.split('.') {
            let (offset, number) = self.member(described, part, DEPTH)?;
            bits = bits.checked_add(offset)?;
            described = self.resolve(number)?;
        }
        bits.is_multiple_of(8).then_some(bits / 8)
    }

    /// The number of an enumerator.
    pub(super) fn value(&self, enumeration: &str, enumerator: &str) -> Option<u32> {
        let described = self.find(enumeration, ENUM)?;
        let mut values = (0..described.count).map(|place| described.more + 8 * place);
        let place = values.find(|place| {
            word(&self.bytes, *place).is_some_and(|name| self.is_called(name, enumerator))
        })?;
        word(&self.bytes, place + 4)
    }

    /// The offset of a member in bits, and the number of its type.
    fn member(&self, described: Type, name: &str, depth: u32) -> Option<(u32, u32)> {
        let depth = depth.checked_sub(1)?;
        (0..described.count).find_map(|member| {
            let place = described.more + 12 * member;
            let called = word(&self.bytes, place)?;
            let number = word(&self.bytes, place + 4)?;
            let mut offset = word(&self.bytes, place + 8)?;
            if described.has_bit_fields {
                offset &= 0x00ff_ffff;
            }
            if self.is_called(called, name) {
                return Some((offset, number));
            }
            let nameless = called == 0;
            let inside = nameless.then(|| self.resolve(number)).flatten()?;
            let (inner, number) = self.member(inside, name, depth)?;
            Some((offset.checked_add(inner)?, number))
        })
    }

    fn find(&self, name: &str, kind: u32) -> Option<Type> {
        self.named
            .iter()
            .find(|described| described.kind == kind && self.is_called(described.name, name))
            .copied()
    }

    /// The type of a number, through other names of it.
    fn resolve(&self, number: u32) -> Option<Type> {
        let mut described = self.get(number)?;
        for _ in 0..DEPTH {
            if !NAMES_OF_OTHERS.contains(&described.kind) {
                return Some(described);
            }
            described = self.get(described.other)?;
        }
        None
    }

    fn get(&self, number: u32) -> Option<Type> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        describe(&self.bytes, *self.places.get(place)?)
    }

    fn is_called(&self, name: u32, wanted: &str) -> bool {
        let start = usize::try_from(name)
            .ok()
            .and_then(|name| self.strings.checked_add(name));
        let rest = start.and_then(|start| self.bytes.get(start..));
        rest.and_then(|rest| rest.strip_prefix(wanted.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0))
    }
}

/// Where names begin among the strings, in order. A name may be there more than once.
fn places_of(strings: &[u8], names: &[&str]) -> Vec<u32> {
    let mut places: Vec<_> = names
        .iter()
        .flat_map(|name| {
            let between = [b"\0", name.as_bytes(), b"\0"].concat();
            let found = memmem::find_iter(strings, &between);
            // The zero before it ends another.
            let starts = found.filter_map(|place| u32::try_from(place + 1).ok());
            starts.collect::<Vec<_>>()
        })
        .collect();
    places.sort_unstable();
    places
}

fn describe(bytes: &[u8], place: usize) -> Option<Type> {
    // Taken apart by hand: this is done for every type of the kernel.
    let [n0, n1, n2, n3, i0, i1, i2, i3, o0, o1, o2, o3] = *bytes.get(place..)?.first_chunk()?;
    let name = u32::from_le_bytes([n0, n1, n2, n3]);
    let info = u32::from_le_bytes([i0, i1, i2, i3]);
    let other = u32::from_le_bytes([o0, o1, o2, o3]);
    Some(Type {
        name,
        kind: info >> 24 & 31,
        count: usize::try_from(info & 0xffff).ok()?,
        has_bit_fields: info >> 31 != 0,
        other,
        more: place.checked_add(12)?,
    })
}

/// How many bytes the kind of a type adds to its description. `None`: the kind is not known.
fn added(described: &Type) -> Option<usize> {
    Some(match described.kind {
        // Integer, variable, declaration tag.
        1 | 14 | 17 => 4,
        // Array.
        3 => 12,
        // Structure, union, section of data, enumeration of 64 bits.
        STRUCT | UNION | 15 | 19 => 12 * described.count,
        ENUM | FUNC_PROTO => 8 * described.count,
        // Pointer, forward declaration, other names, function, float.
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

fn word(bytes: &[u8], place: usize) -> Option<u32> {
    let bytes = bytes.get(place..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

fn at(bytes: &[u8], place: usize) -> Option<usize> {
    usize::try_from(word(bytes, place)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `struct outer { int a; struct { union { char b; int c; }; }; struct inner d; }`,
    /// `struct inner { int e; int f; }`, `enum kind { FIRST = 3 }`, `int function(int, int)`.
    fn small() -> Vec<u8> {
        let mut strings = vec![0u8];
        let mut name = |text: &str| {
            let place = u32::try_from(strings.len()).unwrap();
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            place
        };
        let info = |kind: u32, count: u32| kind << 24 | count;
        let words = [
            vec![name("int"), info(1, 0), 4, 32],
            vec![name("char"), info(1, 0), 1, 8],
            vec![0, info(UNION, 2), 4, name("b"), 2, 0, name("c"), 1, 0],
            vec![0, info(STRUCT, 1), 4, 0, 3, 0],
            vec![
                name("inner"),
                info(STRUCT, 2),
                8,
                name("e"),
                1,
                0,
                name("f"),
                1,
                32,
            ],
            vec![name("alias"), info(8, 0), 5],
            vec![
                name("outer"),
                info(STRUCT, 3),
                16,
                name("a"),
                1,
                0,
                0,
                4,
                32,
                name("d"),
                6,
                64,
            ],
            vec![name("kind"), info(ENUM, 1), 4, name("FIRST"), 3],
            vec![0, info(FUNC_PROTO, 2), 1, 0, 1, 0, 1],
            vec![name("function"), info(FUNC, 0), 9],
        ]
        .concat();
        let types: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let header = [0x0001_eb9f, 24, 0, len(&types), len(&types), len(&strings)];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(types);
        bytes.extend(strings);
        bytes
    }

    const NAMES: [&str; 4] = ["function", "inner", "kind", "outer"];

    #[test]
    fn members_are_found_through_nameless_ones_and_other_names() {
        let types = Types::parse(small(), &NAMES).unwrap();
        assert_eq!(types.offset("outer", "a"), Some(0));
        assert_eq!(types.offset("outer", "c"), Some(4));
        assert_eq!(types.offset("outer", "d.f"), Some(12));
        assert_eq!(types.offset("outer", "e"), None);
        assert_eq!(types.offset("oute", "a"), None);
    }

    #[test]
    fn functions_and_enumerators_are_found() {
        let types = Types::parse(small(), &NAMES).unwrap();
        assert_eq!(types.arguments("function"), Some(2));
        assert_eq!(types.arguments("functio"), None);
        assert_eq!(types.value("kind", "FIRST"), Some(3));
        assert_eq!(types.value("kind", "SECOND"), None);
    }

    proptest! {
        #[test]
        fn broken_descriptions_do_no_harm(place in 0usize..400, byte: u8, cut in 0usize..400) {
            let mut bytes = small();
            if let Some(old) = bytes.get_mut(place) {
                *old = byte;
            }
            bytes.truncate(cut);
            if let Some(types) = Types::parse(bytes, &NAMES) {
                let _ = (types.offset("outer", "d.f"), types.arguments("function"));
                let _ = types.value("kind", "FIRST");
            }
        }
    }
}
