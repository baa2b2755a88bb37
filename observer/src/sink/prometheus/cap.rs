//! A bound on the values of a label: whoever names things must not fill our memory.

use std::collections::HashSet;

use lru::DefaultHasher;

/// The values of one label.
pub(super) struct Cap {
    known: HashSet<String, DefaultHasher>,
    limit: usize,
}

impl Cap {
    /// At most `limit` values, and [`OTHER`].
    pub(super) fn new(limit: usize) -> Self {
        Self {
            known: HashSet::default(),
            limit,
        }
    }

    /// The value itself, or [`OTHER`] where there are too many.
    pub(super) fn label<'a>(&mut self, value: &'a str) -> &'a str {
        if self.known.contains(value) {
            value
        } else if self.known.len() < self.limit {
            self.known.insert(value.to_owned());
            value
        } else {
            OTHER
        }
    }
}

/// Stands for every value beyond the limit.
pub(super) const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_stay_and_the_others_are_one() {
        let mut cap = Cap::new(2);
        for (value, shown) in [
            ("a", "a"),
            ("b", "b"),
            ("c", OTHER),
            ("a", "a"),
            ("d", OTHER),
        ] {
            assert_eq!(cap.label(value), shown);
        }
    }
}
