//! What may leave of text that came from the wire.
//!
//! Everybody who quotes the wire does it through here. Such text is written by whoever sent it: it
//! can hold terminal escapes, be endless, or echo a token. So control characters are escaped, length
//! is capped, and what looks like a token is replaced. The rules err towards replacing: a lost word
//! of an error message costs less than a leaked token.

mod path;
mod secret;
mod url;

pub use path::{path, template};
pub use url::url;

/// What stands in text for something that may be a token.
pub const REDACTED: &str = "[redacted]";
/// What stands in a path for something that may be a token.
pub const TOKEN: &str = "{token}";
/// What ends text that was capped.
const ELLIPSIS: &str = "…";

/// Free text from the wire (a body, a challenge, a reason): at most `max` bytes, control characters
/// escaped, everything that may be a token, a password or a session id replaced by [`REDACTED`].
pub fn text(raw: &str, max: usize) -> String {
    render(&secret::strip(raw), max)
}

/// [`text`] for bytes that are perhaps not UTF-8: what is not becomes U+FFFD.
pub fn bytes(raw: &[u8], max: usize) -> String {
    text(&String::from_utf8_lossy(raw), max)
}

/// A value that is shown by design (`kid`, `iss`, `aud`, a scope, a host): capped and escaped like
/// [`text`]; only a JWT inside it is replaced, because identifiers look as random as secrets do.
pub fn label(raw: &str, max: usize) -> String {
    if !secret::may_have_jwt(raw) {
        return render(raw, max);
    }
    let stripped = secret::strip_jwt(raw);
    if stripped == raw {
        return render(&stripped, max);
    }
    // Beside a JWT its other parts may stand, whatever separates them.
    render(&secret::strip(&stripped), max)
}

/// Escapes what could move a cursor, hide or reorder text, and caps at `max` bytes.
fn render(raw: &str, max: usize) -> String {
    if raw.len() <= max && raw.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len().min(max));
    let room = max.saturating_sub(ELLIPSIS.len());
    let mut fits = 0;
    for character in raw.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
        if out.len() > max {
            out.truncate(fits);
            if ELLIPSIS.len() <= max {
                out.push_str(ELLIPSIS);
            }
            return out;
        }
        if out.len() <= room {
            fits = out.len();
        }
    }
    out
}

/// Control characters, and the format characters by which text lies about its order or its ends.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_what_moves_the_cursor_or_reorders_text() {
        assert_eq!(text("a\u{1b}[2Jb\r\nc", 99), "a\\u{1b}[2Jb\\r\\nc");
        assert_eq!(text("x\u{202e}y", 99), "x\\u{202e}y");
        assert_eq!(bytes(b"a\xffb", 99), "a\u{fffd}b");
    }

    #[test]
    fn caps_at_a_character_and_says_so() {
        assert_eq!(text("abcdef", 6), "abcdef");
        assert_eq!(text("abcdefg", 6), "abc…");
        assert_eq!(text("ääää", 6), "ä…");
        assert_eq!(text("abc", 2), "");
    }

    #[test]
    fn a_label_keeps_identifiers_but_no_jwt() {
        let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(label(thumbprint, 99), thumbprint);
        assert_eq!(label("k-eyJhbGciOiJub25lIn0.e30.", 99), "k-[redacted].");
        let apart = format!("k:eyJhbGciOiJub25lIn0:{thumbprint}");
        assert_eq!(label(&apart, 99), "k:[redacted]:[redacted]");
    }

    proptest! {
        #[test]
        fn never_longer_than_asked_never_a_control_character(raw in any::<String>(), max in 0usize..80) {
            for out in [text(&raw, max), label(&raw, max)] {
                prop_assert!(out.len() <= max);
                prop_assert!(!out.chars().any(is_unsafe));
            }
        }

        #[test]
        fn a_random_secret_never_shows(
            secret in prop::collection::vec(any::<u8>(), 32..96),
            before in "[ -~]{0,12}[ :=\"'(,]",
            after in "[ \"'),;][ -~]{0,12}",
        ) {
            use base64::prelude::*;
            // Bytes that encode to words are no secret; real ones are not drawn by a shrinker.
            prop_assume!(secret.iter().collect::<std::collections::BTreeSet<_>>().len() > 12);
            for encoded in [BASE64_URL_SAFE_NO_PAD.encode(&secret), BASE64_STANDARD.encode(&secret)] {
                let out = text(&format!("{before}{encoded}{after}"), 4096);
                prop_assert!(!out.contains(&encoded), "{out}");
                prop_assert!(out.contains(REDACTED), "{out}");
            }
        }
    }
}
