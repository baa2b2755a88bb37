//! Times and sizes as people write them.

use std::time::Duration;

/// A time: `30`, `30s`, `5m`, `1h30m`. Not zero.
///
/// # Errors
/// It is none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time: write it as 30s, 5m or 1h30m");
    let seconds = text.parse().map(Duration::from_secs).ok();
    seconds
        .or_else(|| Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(wrong)
}

/// A size in bytes: `65536`, `256KiB`, `32MiB`, `1GiB`.
///
/// # Errors
/// It is none, or too large to count.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write it as 256KiB, 32MiB or 1GiB");
    let (number, unit) = match text.find(|first: char| !first.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let factor: u64 = match unit {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(wrong)
}

/// The size of the ring buffer: a power of two, 64 KiB or more.
///
/// # Errors
/// It is none that the kernel takes.
pub(crate) fn ring(text: &str) -> Result<u32, String> {
    bytes(text)
        .ok()
        .and_then(|bytes| u32::try_from(bytes).ok())
        .filter(|bytes| bytes.is_power_of_two() && *bytes >= 64 << 10)
        .ok_or_else(|| {
            format!("{text:?} is no size of a ring: write a power of two such as 4MiB or 32MiB")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("30", 30), ("30s", 30), ("5m", 300), ("1h30m", 5400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "-1s", "soon", "1x"] {
            assert!(duration(text).unwrap_err().contains("30s"), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, size) in [("0", 0), ("3KiB", 3072), ("64MiB", 64 << 20)] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["", "MiB", "4MB", "-1", "18014398509481984KiB"] {
            assert!(bytes(text).unwrap_err().contains("32MiB"), "{text}");
        }
    }

    #[test]
    fn rings_are_powers_of_two() {
        for (text, size) in [("65536", 1 << 16), ("4MiB", 4 << 20), ("1GiB", 1 << 30)] {
            assert_eq!(ring(text), Ok(size), "{text}");
        }
        for text in ["", "3MiB", "4MB", "8GiB", "4", "-1"] {
            assert!(ring(text).unwrap_err().contains("4MiB"), "{text}");
        }
    }
}
