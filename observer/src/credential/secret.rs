//! The one type that holds bytes of a token.

use base64::prelude::*;
use zeroize::Zeroizing;

/// Bytes of a token, or decoded from one. Wiped when dropped; has no `Debug`, `Display`, `Clone` or
/// `Serialize`, so that it cannot leave by accident.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The user and the password of Basic credentials (RFC 7617), with the colon between them. Some clients
    /// leave the padding out.
    pub(super) fn of_basic(pair: &[u8]) -> Option<Self> {
        let decoded = BASE64_STANDARD
            .decode(pair)
            .or_else(|_| BASE64_STANDARD_NO_PAD.decode(pair));
        decoded.ok().map(Self::new)
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}
