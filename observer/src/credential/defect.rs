//! What can be wrong with the form of a credential.

use std::fmt;

/// What is wrong with the form of a credential. Never holds any of its bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Defect {
    /// `alg` is `none`, or something that no validator should take.
    AlgNone,
    /// A part is not base64url without padding; `part` is `header`, `payload` or `signature`.
    BadBase64 {
        /// Which part.
        part: &'static str,
    },
    /// A part is not the JSON object it must be.
    BadJson {
        /// Which part.
        part: &'static str,
    },
    /// A claim or header field has a type that the standard does not allow.
    BadType {
        /// Its name.
        name: &'static str,
    },
    /// The value has control characters or blanks where none may be.
    Blank,
    /// `Bearer Bearer eyJ...`.
    DoubledScheme,
    /// A name stands twice in an object: validators disagree on which counts (RFC 7519 section 4).
    DuplicateName {
        /// Which part.
        part: &'static str,
    },
    /// There is a scheme and nothing after it.
    Empty,
    /// A JWT without a scheme before it.
    MissingScheme,
    /// A time claim holds milliseconds: it has 13 digits.
    Milliseconds {
        /// Its name.
        name: &'static str,
    },
    /// A comma or another separator where one credential must stand.
    Separator,
    /// The signature is shorter than its algorithm demands: the token was truncated.
    ShortSignature {
        /// Bytes there are.
        have: usize,
        /// Bytes there must be, at the least.
        want: usize,
    },
    /// A word that stands for no token: `null`, `undefined`, `[object Object]`.
    Placeholder,
    /// There is more than one Authorization field: validators disagree on which counts. The first was
    /// looked at.
    Repeated {
        /// How many there are.
        fields: usize,
    },
    /// More nesting, names or bytes than observer reads; what is beyond was not looked at.
    TooMuch {
        /// What there is too much of.
        what: &'static str,
    },
    /// It is quoted.
    Quoted,
    /// It has another number of parts than a JWS (3) or a JWE (5).
    WrongParts {
        /// How many it has.
        have: usize,
    },
    /// A JWT under a scheme that does not carry one.
    WrongScheme,
}

impl Defect {
    /// The stable id.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::AlgNone => "alg_none",
            Self::BadBase64 { .. } => "bad_base64",
            Self::BadJson { .. } => "bad_json",
            Self::BadType { .. } => "bad_type",
            Self::Blank => "blank",
            Self::DoubledScheme => "doubled_scheme",
            Self::DuplicateName { .. } => "duplicate_name",
            Self::Empty => "empty",
            Self::MissingScheme => "missing_scheme",
            Self::Milliseconds { .. } => "milliseconds",
            Self::Placeholder => "placeholder",
            Self::Quoted => "quoted",
            Self::Repeated { .. } => "repeated",
            Self::Separator => "separator",
            Self::ShortSignature { .. } => "short_signature",
            Self::TooMuch { .. } => "too_much",
            Self::WrongParts { .. } => "wrong_parts",
            Self::WrongScheme => "wrong_scheme",
        }
    }
}

/// A clause that can follow "because": "the signature has 120 bytes and must have 256".
impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgNone => f.write_str("alg is none or no algorithm that signs"),
            Self::BadBase64 { part } => write!(f, "the {part} is not base64url without padding"),
            Self::BadJson { part } => write!(f, "the {part} is not a whole JSON object"),
            Self::BadType { name } => {
                write!(f, "`{name}` is missing or of a type that is not allowed")
            }
            Self::Blank => {
                f.write_str("the field has blanks or control characters inside the token")
            }
            Self::DoubledScheme => f.write_str("the scheme stands twice"),
            Self::DuplicateName { part } => write!(f, "a name stands twice in the {part}"),
            Self::Empty => f.write_str("no token stands after the scheme"),
            Self::MissingScheme => f.write_str("no scheme stands before the token"),
            Self::Milliseconds { name } => write!(f, "`{name}` is in milliseconds, not seconds"),
            Self::Placeholder => {
                f.write_str("a word like null or undefined stands where the token should")
            }
            Self::Quoted => f.write_str("the token is quoted"),
            Self::Repeated { fields } => write!(f, "there are {fields} Authorization fields"),
            Self::Separator => f.write_str("a separator stands where it must not"),
            Self::ShortSignature { have, want } => {
                write!(f, "the signature has {have} bytes and must have {want}")
            }
            Self::TooMuch { what } => write!(f, "it has more {what} than observer reads"),
            Self::WrongParts { have } => write!(f, "it has {have} parts where a signed JWT has 3"),
            Self::WrongScheme => f.write_str("a JWT stands after a scheme that does not carry one"),
        }
    }
}
