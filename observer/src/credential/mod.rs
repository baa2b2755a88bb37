//! What a request showed to be let in, taken apart without keeping it.
//!
//! Raw tokens never leave this folder. What leaves is a [`Credential`]: a keyed fingerprint, header
//! fields, the claims of an allow-list, the names of the others, and what is wrong with it.

use std::fmt;

use crate::time::Timestamp;

/// A credential without its secret: safe to log, to export and to keep.
///
/// Text in it comes from the wire: it is capped and its control characters are escaped.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// Where it travelled.
    pub carrier: Carrier,
    /// The authentication scheme in lower case (`bearer`, `basic`, ...), at most 32 bytes. `None`
    /// where the field has no scheme that could be one.
    pub scheme: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// What stands for it everywhere else. `None` when it is empty or was cut.
    pub fingerprint: Option<Fingerprint>,
    /// How many bytes the token has, as captured.
    pub length: usize,
    /// The capture ended inside it: it is cut, which says nothing about what the server got.
    pub cut: bool,
    /// The JOSE header of a JWT or JWE, where it could be read.
    pub header: Option<JoseHeader>,
    /// The claims of a JWT, where they could be read.
    pub claims: Option<Claims>,
    /// What is wrong with its form, in the order found.
    pub defects: Vec<Defect>,
    /// What the keys at hand say of its signature.
    pub signature: Signature,
}

/// Where a credential travelled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Carrier {
    /// The `Authorization` field.
    Authorization,
}

/// What a credential is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// `Basic`, RFC 7617. Neither user nor password is kept.
    Basic,
    /// Five parts, RFC 7516: its claims are not readable.
    Jwe,
    /// Three parts with a JOSE header, RFC 7519; or something that was meant to be one.
    Jwt,
    /// A bearer token that says nothing to us.
    Opaque,
    /// Another scheme, named by `scheme`.
    Other,
}

/// The first 16 hexadecimal digits of HMAC-SHA-256 of the token under the fingerprint key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The fields of a JOSE header that are kept.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JoseHeader {
    /// `alg`, RFC 7515 section 4.1.1.
    pub alg: Option<String>,
    /// `kid`, section 4.1.4.
    pub kid: Option<String>,
    /// `typ`, section 4.1.9.
    pub typ: Option<String>,
    /// `enc` of a JWE.
    pub enc: Option<String>,
    /// The names of the other fields.
    pub others: Vec<String>,
}

/// The claims that a verdict needs, and those that the allow-list lets out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    /// `iss`, where it is a string.
    pub issuer: Option<String>,
    /// `aud`: RFC 7519 allows a string or an array of strings.
    pub audience: Vec<String>,
    /// `exp` in seconds since the Unix epoch; fractions allowed.
    pub expires: Option<f64>,
    /// `nbf`, likewise.
    pub not_before: Option<f64>,
    /// `iat`, likewise.
    pub issued: Option<f64>,
    /// The names in `scope` (RFC 8693: separated by blanks) and `scp` (a string or an array).
    pub scopes: Vec<String>,
    /// Allowed claims as JSON, for the event.
    pub shown: serde_json::Map<String, serde_json::Value>,
    /// The names of the claims that are not shown.
    pub withheld: Vec<String>,
    /// The keyed hash of `sub`, to count whom it concerns.
    pub subject: Option<Fingerprint>,
}

impl Claims {
    /// `exp` as a time of the data; `None` where it is absent or no sane number.
    pub fn expiry(&self) -> Option<Timestamp> {
        let seconds = self.expires?;
        let sane = seconds.is_finite() && seconds.abs() < 9.0e9;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded to what fits just above"
        )]
        sane.then(|| Timestamp::from_nanos((seconds * 1e9) as i64))
    }
}

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

/// What the keys at hand say of a signature.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Signature {
    /// The signature is not the key's.
    Invalid {
        /// The key it was checked with.
        kid: Option<String>,
    },
    /// The key set of this issuer has no key with this kid (and algorithm).
    KeyNotFound {
        /// The kids that the set has, at most 8.
        available: Vec<String>,
    },
    /// A symmetric algorithm, or one that we cannot check.
    NotCheckable,
    /// There is no key set for this issuer, or no signature to check.
    #[default]
    NotChecked,
    /// The signature is the key's.
    Valid {
        /// The key.
        kid: Option<String>,
    },
}
