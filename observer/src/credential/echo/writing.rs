//! The ways in which an answer may write what it repeats.

/// How often what is written in one way may be written again in another.
const ROUNDS: usize = 3;

/// A text with what is percent-encoded (RFC 3986 section 2.1), or escaped as HTML and JSON do it, undone,
/// where there is any; as it is, and with `+` as a space.
pub(super) fn readings(text: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    if !text.contains(['%', '&', '\\', '+']) {
        return all;
    }
    let with_spaces = text.contains('+').then_some(true);
    for is_spaced in [false].into_iter().chain(with_spaces) {
        let space = |byte| match byte {
            b'+' if is_spaced => b' ',
            byte => byte,
        };
        let mut reading: Vec<u8> = text.bytes().map(space).collect();
        for _ in 0..ROUNDS {
            reading = undone(&reading);
            if all.last() == Some(&reading) {
                break;
            }
            all.push(reading.clone());
        }
    }
    all
}

fn undone(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        let found = match byte {
            b'%' => percent(behind),
            b'&' => entity(behind),
            b'\\' => escape(behind),
            _ => None,
        };
        match found {
            Some((character, length)) => {
                // Beyond ASCII, percent-encoding has single bytes, and the others have characters.
                match (byte, u8::try_from(u32::from(character))) {
                    (b'%', Ok(single)) => out.push(single),
                    _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                rest = behind.get(length..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = behind;
            }
        }
    }
    out
}

/// The character that begins here, and how long it is written.
type Found = Option<(char, usize)>;

fn percent(bytes: &[u8]) -> Found {
    number(bytes.get(..2)?, 16).map(|character| (character, 2))
}

fn entity(bytes: &[u8]) -> Found {
    /// `&#x10FFFF;` is the longest.
    const LONGEST: usize = 9;
    let near = bytes.get(..LONGEST.min(bytes.len()))?;
    let end = near.iter().position(|byte| *byte == b';')?;
    let character = match near.get(..end)? {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((character, end + 1))
}

fn escape(bytes: &[u8]) -> Found {
    let character = match bytes.first()? {
        b'u' => return number(bytes.get(1..5)?, 16).map(|character| (character, 5)),
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        byte @ (b'"' | b'\'' | b'\\' | b'/') => char::from(*byte),
        _ => return None,
    };
    Some((character, 1))
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let digits = str::from_utf8(digits).ok()?;
    // `from_str_radix` takes a sign.
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(number).filter(|_| are_digits)
}
