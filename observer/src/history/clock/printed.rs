//! Servers that say what time it is for them when they refuse a token.

use std::sync::LazyLock;

use jiff::Timestamp as Moment;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use memchr::memmem::Finder;

/// Reads the time of the server out of what it said, in seconds since 1970 and to the millisecond. `expires`:
/// what `exp` says, from which some count.
pub(in crate::history) fn printed(text: &[u8], expires: Option<f64>) -> Option<f64> {
    current(text).or_else(|| Some(expires? + past(text)?))
}

/// "Current time: 2026-01-01T00:00:00Z" of jjwt, "Current time (UTC): '01/01/2026 00:05:00'" of IDX10222 and
/// IDX10223.
fn current(text: &[u8]) -> Option<f64> {
    let rest = after(text, &WORDS.current)?;
    let rest = after(rest, &WORDS.colon).filter(|after| rest.len() - after.len() <= 16)?;
    let word: Vec<u8> = rest
        .iter()
        .copied()
        .skip_while(|byte| *byte == b'\'' || *byte == b' ')
        .take(LONGEST)
        .take_while(|byte| !b"'\",<\\)".contains(byte))
        .collect();
    let word = std::str::from_utf8(&word).ok()?.trim();
    // A sentence goes on after jjwt's time.
    let first = word.split(' ').next()?.trim_end_matches('.');
    if let Ok(time) = first.parse::<Moment>() {
        return seconds(time);
    }
    let time = DateTime::strptime("%m/%d/%Y %H:%M:%S", word).ok()?;
    seconds(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// "token is expired by 5m0s" of golang-jwt.
fn past(text: &[u8]) -> Option<f64> {
    let rest = after(text, &WORDS.past)?;
    let word: Vec<u8> = rest
        .iter()
        .copied()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
        .collect();
    let mut rest = std::str::from_utf8(&word).ok()?.trim_end_matches('.');
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| letter.is_ascii_alphabetic())?;
        let (number, unit_on) = rest.split_at_checked(digits)?;
        let end = unit_on
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(unit_on.len());
        let (unit, more) = unit_on.split_at_checked(end)?;
        let number: f64 = number.parse().ok()?;
        total += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                _ => return None,
            };
        rest = more;
    }
    (total > 0.0 && total < 1e9).then_some(total)
}

/// The longest time that is read.
const LONGEST: usize = 40;

/// What times stand behind.
struct Words {
    current: Finder<'static>,
    colon: Finder<'static>,
    past: Finder<'static>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    current: Finder::new("Current time"),
    colon: Finder::new(": "),
    past: Finder::new("expired by "),
});

fn after<'a>(text: &'a [u8], word: &Finder<'_>) -> Option<&'a [u8]> {
    text.get(word.find(text)? + word.needle().len()..)
}

fn seconds(time: Moment) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit into 53 bits"
    )]
    let seconds = time.as_millisecond() as f64 / 1e3;
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: f64 = 1_700_000_000.0;

    #[test]
    fn servers_say_what_time_it_is() {
        for (text, time) in [
            ("token is expired by 5m0s", 1_700_000_300.0),
            (
                "token has invalid claims: token is expired by 1h0m2.5s",
                1_700_003_602.5,
            ),
            (
                "JWT expired 300000 milliseconds ago at 2023-11-14T22:13:20.000Z. Current time: \
                 2023-11-14T22:18:20.000Z. Allowed clock skew: 0 milliseconds.",
                1_700_000_300.0,
            ),
            (
                "JWT expired at 2023-11-14T22:13:20Z. Current time: 2023-11-14T22:18:20Z, a difference of \
                 300000 milliseconds.",
                1_700_000_300.0,
            ),
            (
                "IDX10223: Lifetime validation failed. The token is expired. ValidTo (UTC): '11/14/2023 \
                 22:13:20', Current time (UTC): '11/14/2023 22:18:20'.",
                1_700_000_300.0,
            ),
        ] {
            assert_eq!(
                printed(text.as_bytes(), Some(EXPIRES)),
                Some(time),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "token is expired",
            "token is expired by ",
            "token is expired by 5x",
            "token is expired by 5",
            "token is expired by -5m0s",
            "token is expired by 99999999999h",
            "Current time: noon",
            "Current time (UTC): '99/99/2023 22:18:20'",
            "Current time",
            "Current time of the whole of this long sentence: 2023-11-14T22:18:20Z",
            "Current time: \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(printed(text.as_bytes(), Some(EXPIRES)), None, "{text}");
        }
        assert_eq!(printed(b"token is expired by 5m0s", None), None);
    }
}
