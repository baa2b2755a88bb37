//! What a request showed to be let in, taken apart without keeping it.
//!
//! Raw tokens never leave this folder. What leaves is a [`Credential`]: a keyed fingerprint, header
//! fields, the claims of an allow-list, the names of the others, and what is wrong with it.

mod allow;
mod carried;
mod carrier;
mod claims;
mod defect;
mod echo;
mod field;
mod form;
mod inspector;
mod issued;
mod json;
mod jwt;
mod keys;
mod policy;
mod proof;
pub(crate) mod scheme;
mod secret;
mod signature;
mod signer;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use allow::ClaimAllowList;
pub(crate) use carried::second;
pub use carried::{Carried, MAX_OTHERS, Places};
pub use carrier::{Carrier, CarrierError, Carriers, Name};
pub use claims::MAX_LIST;
pub use defect::Defect;
pub use echo::Echo;
pub use form::Form;
pub use inspector::{Inspector, MAX_REMEMBERED};
pub use jwt::check;
pub use keys::{Fetched, KeySet, KeySetError, KeySets, MAX_KEYS, State, Unusable};
pub use policy::{FingerprintKey, FingerprintKeyError, Policy};
pub use proof::Proof;
pub use signer::Signer;

use crate::time::Timestamp;

/// A credential without its secret: safe to log, to export and to keep.
///
/// Text in it comes from the wire: it is capped and its control characters are escaped.
#[derive(Clone, Debug, PartialEq)]
// What is looked at for each exchange comes first and lies together: of thousands of tokens none lies in a
// cache of the processor.
#[repr(C)]
pub struct Credential {
    /// What stands for it everywhere else. `None` when it is empty or was cut.
    pub fingerprint: Option<Fingerprint>,
    /// Whose it is, where it names its issuer.
    pub signer: Option<Signer>,
    /// The capture ended inside it: it is cut, which says nothing about what the server got.
    pub cut: bool,
    /// What it is.
    pub kind: Kind,
    /// Where it travelled.
    pub carrier: Carrier,
    /// The authentication scheme in lower case (`bearer`, `basic`, ...), or `other` for one that is not
    /// known: it may be a part of a secret. `None` where the field has no scheme that could be one.
    pub scheme: Option<String>,
    /// How many bytes the token has, as captured.
    pub length: usize,
    /// The JOSE header of a JWT or JWE, where it could be read.
    pub header: Option<JoseHeader>,
    /// The claims of a JWT, where they could be read.
    pub claims: Option<Claims>,
    /// What is wrong with its form, in the order found.
    pub defects: Vec<Defect>,
    /// What the keys at hand say of its signature.
    pub signature: Signature,
    /// What is left of it to check its signature with keys that are learned later. `None`: keys were given,
    /// or there is nothing to check.
    pub proof: Option<Arc<Proof>>,
    /// How its secret is known where a server repeats it.
    pub echo: Echo,
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
    /// `cty`, section 4.1.10: `JWT` where another token is inside (RFC 7519 section 5.2).
    pub cty: Option<String>,
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
