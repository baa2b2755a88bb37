//! Statuses as people write them.

use std::str::FromStr;

/// A status or a range of statuses: `401`, `4xx`, `400-499`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    pub(super) fn contain(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is no status: write 401, 4xx or 400-499");
        let number = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|status| (100..1000).contains(status))
                .ok_or_else(wrong)
        };
        if let Some(class) = text.strip_suffix("xx") {
            let first = number(&format!("{class}00"))?;
            return Ok(Self {
                first,
                last: first + 99,
            });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong());
        }
        Ok(Self { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_as_people_write_them() {
        for (text, inside, outside) in [("401", 401, 402), ("4xx", 499, 500), ("300-302", 302, 303)]
        {
            let statuses: Statuses = text.parse().unwrap();
            assert!(statuses.contain(inside), "{text}");
            assert!(!statuses.contain(outside), "{text}");
        }
        for text in [
            "", "x", "40", "4x", "10000", "500-400", "-", "4-xx", "65xx", "xx",
        ] {
            assert!(text.parse::<Statuses>().is_err(), "{text}");
        }
    }
}
