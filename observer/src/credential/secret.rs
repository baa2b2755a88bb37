//! The one type that holds bytes of a token.

use zeroize::Zeroizing;

/// Bytes of a token, or decoded from one. Wiped when dropped; has no `Debug`, `Display`, `Clone` or
/// `Serialize`, so that it cannot leave by accident.
pub(super) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}
