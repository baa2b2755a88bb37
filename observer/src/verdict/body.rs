//! What the start of a body says.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde_json::Value;

use crate::exchange::{Field, Response};

/// A compressed body is inflated up to this many bytes.
const MAX_INFLATED: usize = 8 * 1024;
/// How many messages are picked out of a body.
const MAX_MESSAGES: usize = 24;
/// How deep messages are looked for.
const MAX_DEPTH: usize = 5;
/// The members of JSON bodies in which servers say what is wrong.
const NAMES: &[&str] = &[
    "message",
    "msg",
    "detail",
    "details",
    "error",
    "error_description",
    "error_code",
    "error_message",
    "errorMessage",
    "errorType",
    "code",
    "reason",
    "title",
    "description",
    "cause",
    "errors",
    "messages",
    "extensions",
    "fault",
    "faultstring",
    "Message",
    "status",
    "name",
];

/// A body, as far as it was captured and can be read.
#[derive(Default)]
pub(super) struct Body {
    /// The whole text: compact JSON, HTML without its tags, or as it is.
    pub(super) text: String,
    /// The messages in it, in order. Of plain text, the text itself.
    pub(super) messages: Vec<String>,
    /// Why it was not read.
    pub(super) unread: Option<&'static str>,
}

/// Reads the start of the body of an answer.
pub(super) fn read(response: &Response) -> Body {
    let bytes = response.excerpt.bytes();
    let coding = response
        .field(Field::ContentEncoding)
        .unwrap_or_default()
        .trim();
    let text = match coding.to_ascii_lowercase().as_str() {
        "" | "identity" => String::from_utf8_lossy(bytes).into_owned(),
        "gzip" | "x-gzip" => inflate(GzDecoder::new(bytes)),
        "deflate" => Some(inflate(ZlibDecoder::new(bytes)))
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| inflate(DeflateDecoder::new(bytes))),
        _ if bytes.is_empty() => String::new(),
        _ => {
            return Body {
                unread: Some("the body is compressed in a way that observer does not read"),
                ..Body::default()
            };
        }
    };
    if text.is_empty() && !bytes.is_empty() {
        return Body {
            unread: Some("the compressed body could not be read"),
            ..Body::default()
        };
    }
    let text = text.trim();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let mut messages = Vec::new();
        collect(&value, 0, &mut messages);
        return Body {
            text: value.to_string(),
            messages,
            unread: None,
        };
    }
    let text = if text.starts_with('<') {
        without_tags(text)
    } else {
        text.to_owned()
    };
    let messages = if text.is_empty() {
        Vec::new()
    } else {
        vec![text.clone()]
    };
    Body {
        text,
        messages,
        unread: None,
    }
}

/// What there is to inflate, up to the bound; a body that was cut gives what comes before the cut.
fn inflate(mut decoder: impl Read) -> String {
    let mut out = vec![0; MAX_INFLATED];
    let mut length = 0;
    while let Some(room) = out.get_mut(length..).filter(|room| !room.is_empty()) {
        match decoder.read(room) {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    String::from_utf8_lossy(out.get(..length).unwrap_or_default()).into_owned()
}

fn collect(value: &Value, depth: usize, messages: &mut Vec<String>) {
    if depth > MAX_DEPTH || messages.len() >= MAX_MESSAGES {
        return;
    }
    match value {
        Value::String(text) if !text.is_empty() => messages.push(text.clone()),
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| collect(element, depth + 1, messages)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| NAMES.contains(&name.as_str()))
            .for_each(|(_, value)| collect(value, depth + 1, messages)),
        _ => {}
    }
}

/// The text of HTML, blanks drawn together. Titles come through, which is where servers say it.
fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;
    use crate::exchange::Excerpt;
    use crate::time::Timestamp;

    fn body(coding: Option<&str>, bytes: &[u8]) -> Body {
        let time = Timestamp::default();
        read(&Response {
            started: time,
            finished: time,
            seq: 0,
            status: 401,
            fields: coding
                .map(|coding| (Field::ContentEncoding, coding.to_owned()))
                .into_iter()
                .collect(),
            excerpt: Excerpt::new(bytes.to_vec(), true),
        })
    }

    #[test]
    fn picks_messages_out_of_json() {
        let json = br#"{ "error": {"code": "x", "message": "y"}, "user": "secret", "errors": [{"extensions": {"code": "z"}}] }"#;
        let body = body(None, json);
        assert_eq!(body.messages, ["x", "y", "z"]);
        assert!(body.text.starts_with(r#"{"error":{"code":"x","#));
    }

    #[test]
    fn html_and_plain_text_are_one_message() {
        let html =
            b"<html><head><title>401 No</title></head>\n<body><h1>expired</h1></body></html>";
        assert_eq!(body(None, html).messages, ["401 No expired"]);
        assert_eq!(
            body(None, b" Jwt is expired\n").messages,
            ["Jwt is expired"]
        );
        assert!(body(None, b"").messages.is_empty());
    }

    #[test]
    fn compressed_bodies_are_inflated_within_bounds_or_said_to_be_unread() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"Jwt is expired").unwrap();
        assert_eq!(
            body(Some("gzip"), &gzip.finish().unwrap()).text,
            "Jwt is expired"
        );
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"Jwt is expired").unwrap();
        assert_eq!(
            body(Some("Deflate"), &zlib.finish().unwrap()).text,
            "Jwt is expired"
        );
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![b'a'; 10 << 20]).unwrap();
        assert_eq!(
            body(Some("gzip"), &bomb.finish().unwrap()).text.len(),
            MAX_INFLATED
        );
        assert!(body(Some("br"), b"xyz").unread.is_some());
        assert!(body(Some("gzip"), b"not gzip").unread.is_some());
        assert!(body(Some("br"), b"").unread.is_none());
    }

    #[test]
    fn of_a_compressed_body_that_was_cut_what_came_is_read() {
        let numbers = (0..400_u32).map(|number| (number * number * 7919).to_string());
        let said = format!("Jwt is expired {}", numbers.collect::<String>());
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(said.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(said.as_bytes()).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(said.as_bytes()).unwrap();
        let deflate = deflate.finish().unwrap();
        for (coding, whole) in [("gzip", &gzip), ("deflate", &zlib), ("deflate", &deflate)] {
            let mut read = 0;
            for end in 1..whole.len() {
                let body = body(Some(coding), &whole[..end]);
                // Either what came is read, or it is said that it is not.
                assert_ne!(
                    body.text.is_empty(),
                    body.unread.is_none(),
                    "{coding} {end}"
                );
                assert!(
                    said.starts_with(&body.text),
                    "{coding} {end}: {}",
                    body.text
                );
                read += usize::from(body.text.starts_with("Jwt is expired"));
            }
            // The codes of the block come first, and then every byte counts.
            assert!(
                read * 2 > whole.len(),
                "{coding}: {read} of {}",
                whole.len()
            );
        }
    }
}
