//! JSON objects of strangers, read with bounds.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// More names than this in one object are not remembered.
pub(super) const MAX_NAMES: usize = 256;

/// The top level of an object.
#[derive(Default)]
pub(super) struct Object {
    /// The names in order, with the value where it was wanted. Of a name that stands twice the last
    /// counts, as in most parsers.
    pub(super) members: Vec<(String, Option<Value>)>,
    /// A name stands twice.
    pub(super) duplicate: bool,
    /// There are more than [`MAX_NAMES`] names.
    pub(super) too_many: bool,
}

/// Why bytes are no object that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unreadable {
    /// It nests deeper than the parser goes (128).
    TooDeep,
    /// It ends in the middle.
    Unfinished,
    /// It is something else.
    NotAnObject,
}

/// Reads an object. Values whose name is not `wanted` are skipped, never copied.
pub(super) fn object(bytes: &[u8], wanted: &dyn Fn(&str) -> bool) -> Result<Object, Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    deserializer
        .deserialize_map(Members { wanted })
        .and_then(|object| deserializer.end().map(|()| object))
        .map_err(|error| {
            if error.to_string().starts_with("recursion limit exceeded") {
                Unreadable::TooDeep
            } else if error.is_eof() {
                Unreadable::Unfinished
            } else {
                Unreadable::NotAnObject
            }
        })
}

struct Members<'a> {
    wanted: &'a dyn Fn(&str) -> bool,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some(name) = map.next_key::<String>()? {
            let value = if (self.wanted)(&name) {
                Some(map.next_value()?)
            } else {
                map.next_value::<Skipped>()?;
                None
            };
            if let Some(before) = object.members.iter_mut().find(|(other, _)| *other == name) {
                object.duplicate = true;
                before.1 = value;
            } else if object.members.len() < MAX_NAMES {
                object.members.push((name, value));
            } else {
                object.too_many = true;
            }
        }
        Ok(object)
    }
}

/// A value that is not kept. serde's own `IgnoredAny` knows no limit of depth.
pub(super) struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Skip)
    }
}

struct Skip;

impl<'de> Visitor<'de> for Skip {
    type Value = Skipped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_str<E>(self, _: &str) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_unit<E>(self) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Skipped, A::Error> {
        while elements.next_element::<Skipped>()?.is_some() {}
        Ok(Skipped)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Skipped, A::Error> {
        while members.next_entry::<Skipped, Skipped>()?.is_some() {}
        Ok(Skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Object, Unreadable> {
        object(text.as_bytes(), &|name| name == "a")
    }

    #[test]
    fn keeps_what_is_wanted_and_the_names_of_the_rest() {
        let object = read(r#"{"a":1,"b":{"secret":[1,2]},"a":2}"#).ok().unwrap();
        assert!(object.duplicate && !object.too_many);
        assert_eq!(
            object.members,
            [("a".into(), Some(Value::from(2))), ("b".into(), None)]
        );
    }

    #[test]
    fn says_why_it_cannot_be_read() {
        let deep = format!(r#"{{"b":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(read(&deep).err(), Some(Unreadable::TooDeep));
        assert_eq!(read(r#"{"a":1,"b":"#).err(), Some(Unreadable::Unfinished));
        assert_eq!(read("[1]").err(), Some(Unreadable::NotAnObject));
        assert_eq!(read(r#"{"a":1} x"#).err(), Some(Unreadable::NotAnObject));
        assert_eq!(
            object(b"\"\xff\"", &|_| true).err(),
            Some(Unreadable::NotAnObject)
        );
    }

    #[test]
    fn names_are_bounded() {
        let many: Vec<String> = (0..=MAX_NAMES).map(|n| format!(r#""n{n}":0"#)).collect();
        let object = read(&format!("{{{}}}", many.join(","))).ok().unwrap();
        assert!(object.too_many);
        assert_eq!(object.members.len(), MAX_NAMES);
    }
}
