//! Takes apart whatever stands in Authorization, whole and cut, and looks for what must not come out.

use std::sync::{Arc, LazyLock};

use httparse::Header;
use observer::credential::{
    Carried, ClaimAllowList, Echo, FingerprintKey, Inspector, KeySets, MAX_OTHERS, Places, Policy,
};
use observer::oauth::{Action, Grant, MAX_TOKENS};

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
    elsewhere(&mut inspector, value);
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

/// The same bytes wherever else credentials travel.
fn elsewhere(inspector: &mut Inspector, value: &[u8]) {
    let names = [
        "cookie",
        "sec-websocket-protocol",
        "proxy-authorization",
        "x-any",
        "dpop",
    ];
    let fields = names.map(|name| Header { name, value });
    let text = String::from_utf8_lossy(value);
    for cut in [false, true] {
        let carried = inspector.all(Places {
            target: &text,
            fields: &fields,
            authorization: None,
            cut,
        });
        assert!(carried.others.len() <= MAX_OTHERS);
        let form = inspector.form(&text, carried, value, !cut);
        let mut grant = form.grant.unwrap_or_else(|| Grant::new(Action::Issue));
        inspector.issued(&mut grant, value, &Echo::default());
        assert!(grant.presented.len() <= MAX_TOKENS && grant.issued.len() <= MAX_TOKENS);
        inspector.form("/", Carried::default(), value, cut);
    }
}
