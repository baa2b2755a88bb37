//! Takes apart whatever stands in Authorization, whole and cut, and looks for what must not come out.

use std::sync::{Arc, LazyLock};

use httparse::Header;
use observer::credential::{ClaimAllowList, FingerprintKey, Inspector, KeySets, Policy};

static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let mut keys = KeySets::default();
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../observer/testdata/keys/jwks.json"
    );
    keys.add(&format!("https://issuer.example/={file}"))
        .expect("the key set of the tests");
    let key = FingerprintKey::random().expect("random bytes");
    Arc::new(Policy::new(key, keys, ClaimAllowList::default()))
});

/// One input.
pub(crate) fn run(value: &[u8]) {
    let mut inspector = Inspector::new(Arc::clone(&POLICY));
    for cut in [false, true] {
        let fields = [Header {
            name: "authorization",
            value,
        }];
        let credential = inspector.inspect(&fields, cut).expect("there is a field");
        assert_eq!(credential.cut, cut);
        let shown = format!("{credential:?}");
        // A long run of the value must not come out as it went in, but for what is shown by design.
        let secret = value
            .rsplit(|byte| *byte == b'.')
            .next()
            .unwrap_or_default();
        if secret.len() > 64 && value.starts_with(b"Bearer eyJ") {
            assert!(
                !shown
                    .as_bytes()
                    .windows(secret.len())
                    .any(|window| window == secret)
            );
        }
    }
}
