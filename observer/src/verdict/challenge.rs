//! `WWW-Authenticate` and `Proxy-Authenticate` (RFC 9110 section 11.6.1), read as servers write them.
//!
//! Real ones hold several challenges in one field, separate attributes with blanks (AWS), leave values
//! unquoted, and put an `error` beside the scheme that it belongs to. So this reads all of that, and
//! keeps each scheme with its own attributes.

use crate::redact;

/// How many challenges and how many attributes of each are read.
const MAX: usize = 16;
/// The longest scheme, in bytes.
const MAX_SCHEME: usize = 32;

/// One challenge.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Challenge {
    /// The scheme in lower case.
    pub(super) scheme: String,
    /// Data after the scheme that is no attribute: a later leg of a handshake.
    pub(super) has_data: bool,
    attributes: Vec<(String, String)>,
}

impl Challenge {
    /// The value of an attribute, without its quotes.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it says what is wrong.
    pub(super) fn has_error(&self) -> bool {
        self.attribute("error").is_some() || self.attribute("error_description").is_some()
    }

    /// A scheme whose first 401 is a step of its handshake.
    pub(super) fn is_handshake(&self) -> bool {
        matches!(
            self.scheme.as_str(),
            "negotiate" | "ntlm" | "kerberos" | "digest"
        )
    }
}

/// The challenges of one field.
pub(super) fn parse(field: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = field;
    while challenges.len() <= MAX {
        let trimmed = rest.trim_start_matches([' ', '\t', ',', ';']);
        let skipped = rest.len() - trimmed.len();
        let after_comma = rest.get(..skipped).is_some_and(|text| text.contains(','));
        rest = trimmed;
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        if word.is_empty() {
            // The end, or neither a scheme nor an attribute: leave one character out.
            let Some(character) = rest.chars().next() else {
                break;
            };
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            continue;
        }
        let fresh = challenges.last_mut().filter(|challenge| {
            !after_comma && challenge.attributes.is_empty() && !challenge.has_data
        });
        let value = after.trim_start_matches([' ', '\t']).strip_prefix('=');
        if let Some(challenge) = fresh.filter(|_| value.is_none() || is_padding(after)) {
            challenge.has_data = true;
            rest = after.trim_start_matches('=');
        } else if let Some(value) = value {
            let (value, after) = attribute(value.trim_start_matches([' ', '\t']));
            if let Some(challenge) = challenges.last_mut().filter(|it| it.attributes.len() < MAX) {
                challenge
                    .attributes
                    .push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            challenges.push(Challenge {
                // Before its capitals are gone, by which a token is known.
                scheme: redact::text(word, MAX_SCHEME).to_ascii_lowercase(),
                ..Challenge::default()
            });
            rest = after;
        }
    }
    challenges
}

/// The value of an attribute, and what comes after it. A quoted pair stands for its second character;
/// a quote that is never closed ends with the field.
fn attribute(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',', ';']).unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.trim_matches('\'').to_owned(), after);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// Whether the text after a word is the padding of base64: `YII=`, `oYG2==,` and not `realm= "x"`.
fn is_padding(text: &str) -> bool {
    let rest = text.trim_start_matches('=');
    rest.len() < text.len()
        && rest
            .chars()
            .next()
            .is_none_or(|c| matches!(c, ' ' | '\t' | ','))
        && !rest.trim_start().starts_with('"')
}

/// `tchar` of RFC 9110 section 5.6.2, and `/` for data.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schemes(field: &str) -> Vec<String> {
        parse(field)
            .into_iter()
            .map(|challenge| challenge.scheme)
            .collect()
    }

    #[test]
    fn keeps_each_scheme_with_its_own_attributes() {
        let field = r#"DPoP algs="ES256", error="use_dpop_nonce", Bearer realm="a, \"b\"", error=invalid_token"#;
        let challenges = parse(field);
        assert_eq!(schemes(field), ["dpop", "bearer"]);
        assert_eq!(challenges[0].attribute("error"), Some("use_dpop_nonce"));
        assert_eq!(challenges[1].attribute("error"), Some("invalid_token"));
        assert_eq!(challenges[1].attribute("realm"), Some("a, \"b\""));
    }

    #[test]
    fn attributes_may_be_separated_by_blanks() {
        let field =
            r#"Bearer scope="" error="invalid_token" error_description="the token has expired""#;
        let [bearer] = parse(field).try_into().unwrap();
        assert_eq!(bearer.attribute("scope"), Some(""));
        assert_eq!(
            bearer.attribute("error_description"),
            Some("the token has expired")
        );
    }

    #[test]
    fn data_is_a_later_leg() {
        assert_eq!(
            schemes("Negotiate, NTLM, Basic realm=x"),
            ["negotiate", "ntlm", "basic"]
        );
        for field in [
            "NTLM TlRMTVNTUAACAAAA",
            "Negotiate YII/abc+d==",
            "Negotiate oYG2=, Basic realm=\"x\"",
        ] {
            assert!(parse(field)[0].has_data, "{field}");
            assert!(!parse(field)[0].scheme.is_empty());
        }
        assert!(!parse("Bearer realm=\"x\"")[0].has_data);
        assert_eq!(
            parse("Bearer realm = \"x\"")[0].attribute("realm"),
            Some("x")
        );
    }

    #[test]
    fn a_token_in_the_place_of_a_scheme_is_not_kept() {
        assert_eq!(schemes("eyJhbGciOiJIUzIaNiJabcdefghijk"), ["[redacted]"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_with_the_field() {
        let [bearer] = parse("Bearer error=\"invalid").try_into().unwrap();
        assert_eq!(bearer.attribute("error"), Some("invalid"));
    }

    proptest! {
        #[test]
        fn anything_is_read_without_end_or_panic(field in any::<String>()) {
            let challenges = parse(&field);
            prop_assert!(challenges.len() <= MAX + 1);
            parse(&format!("Bearer {field}=\"{field}"));
        }
    }
}
