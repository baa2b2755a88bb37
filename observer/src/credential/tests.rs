//! The inspection as a whole.

mod keys;

use std::sync::Arc;

use base64::prelude::*;
use httparse::Header;
use proptest::prelude::*;
use serde_json::json;

use super::testing::{ISSUER, good, inspect, inspect_bytes, jwks, policy, signed, token};
use super::*;

fn bearer(token: &str) -> Credential {
    inspect(&format!("Bearer {token}"))
}

#[test]
fn a_good_token_has_no_defect_and_shows_what_is_allowed() {
    let credential = bearer(&good(&json!({
        "aud": ["orders", "billing"], "exp": 1_700_000_000, "nbf": 1.5, "iat": 2, "sub": "jo", "scope": "a b",
        "scp": ["c"], "cnf": {"jkt": "x"}, "email": "jo@example.org",
    })));
    assert_eq!(credential.kind, Kind::Jwt);
    assert_eq!(credential.scheme.as_deref(), Some("bearer"));
    assert_eq!(credential.defects, []);
    assert_eq!(
        credential.signature,
        Signature::Valid {
            kid: Some("rsa-1".into())
        }
    );
    let header = credential.header.unwrap();
    assert_eq!(
        (header.alg.as_deref(), header.kid.as_deref()),
        (Some("RS256"), Some("rsa-1"))
    );
    let claims = credential.claims.unwrap();
    assert_eq!(claims.issuer.as_deref(), Some(ISSUER));
    assert_eq!(claims.audience, ["orders", "billing"]);
    assert_eq!(claims.scopes, ["a", "b", "c"]);
    assert_eq!(
        claims.expiry(),
        Some(Timestamp::from_seconds(1_700_000_000))
    );
    assert_eq!((claims.not_before, claims.issued), (Some(1.5), Some(2.0)));
    assert_eq!(claims.shown.get("cnf"), Some(&json!(["jkt"])));
    assert_eq!(claims.withheld, ["sub", "email"]);
    assert!(claims.subject.is_some());
}

#[test]
fn every_algorithm_that_can_be_checked_is() {
    for (alg, kid) in [("RS256", "rsa-1"), ("ES256", "ec-1"), ("EdDSA", "ed-1")] {
        let payload = json!({"iss": ISSUER, "exp": 1});
        let whole = token(&json!({"alg": alg, "kid": kid}), &payload);
        assert_eq!(
            bearer(&whole).signature,
            Signature::Valid {
                kid: Some(kid.into())
            }
        );
        // Without a kid, every key of the right type is tried.
        let unnamed = token(&json!({"alg": alg}), &payload);
        assert_eq!(
            bearer(&unnamed).signature,
            Signature::Valid {
                kid: Some(kid.into())
            }
        );
        // The signature of another payload.
        let other = token(
            &json!({"alg": alg, "kid": kid}),
            &json!({"iss": ISSUER, "exp": 2}),
        );
        let (start, _) = whole.rsplit_once('.').unwrap();
        let (_, end) = other.rsplit_once('.').unwrap();
        let forged = bearer(&format!("{start}.{end}"));
        assert_eq!(
            forged.signature,
            Signature::Invalid {
                kid: Some(kid.into())
            }
        );
        assert_eq!(forged.defects, []);
    }
}

#[test]
fn a_key_is_only_looked_for_in_the_set_of_the_tokens_issuer() {
    let of = |issuer: &str, kid: &str, alg: &str| {
        bearer(&token(
            &json!({"alg": alg, "kid": kid}),
            &json!({"iss": issuer}),
        ))
        .signature
    };
    let available = vec!["rsa-1".to_owned(), "ec-1".to_owned(), "ed-1".to_owned()];
    assert_eq!(
        of(ISSUER, "gone", "RS256"),
        Signature::KeyNotFound {
            available: available.clone()
        }
    );
    assert_eq!(
        of("https://other.example/", "gone", "RS256"),
        Signature::NotChecked
    );
    assert_eq!(
        of("https://issuer.example", "rsa-1", "RS256"),
        Signature::NotChecked
    );
    // The kid is there, and the key is of another type or for another algorithm.
    assert_eq!(
        of(ISSUER, "rsa-1", "ES256"),
        Signature::KeyNotFound {
            available: available.clone()
        }
    );
    assert_eq!(
        of(ISSUER, "rsa-1", "PS256"),
        Signature::KeyNotFound { available }
    );
    assert_eq!(of(ISSUER, "hmac-1", "HS256"), Signature::NotCheckable);
    let no_issuer = token(&json!({"alg": "RS256", "kid": "gone"}), &json!({}));
    assert_eq!(bearer(&no_issuer).signature, Signature::NotChecked);
}

#[test]
fn names_every_defect_of_a_token() {
    let whole = good(&json!({"exp": 1}));
    let parts: Vec<&str> = whole.split('.').collect();
    let [header, payload, signature] = parts.try_into().unwrap();
    let b64 = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let with_payload = |text: &str| format!("{header}.{}.{signature}", b64(text));
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let cases: Vec<(String, Vec<Defect>)> = vec![
        (
            format!("{header}.{payload}"),
            vec![Defect::WrongParts { have: 2 }],
        ),
        (
            format!("{header}.{}", &payload[..12]),
            vec![
                Defect::WrongParts { have: 2 },
                Defect::BadJson { part: "payload" },
            ],
        ),
        (
            format!("{header}.{payload}."),
            vec![Defect::ShortSignature { have: 0, want: 256 }],
        ),
        (
            format!("{header}.{payload}.{}", &signature[..100]),
            vec![Defect::ShortSignature {
                have: 75,
                want: 256,
            }],
        ),
        (
            format!("{header}.{payload}.{signature}=="),
            vec![Defect::BadBase64 { part: "signature" }],
        ),
        (
            format!("{header}=.{payload}.{signature}"),
            vec![Defect::BadBase64 { part: "header" }],
        ),
        (
            with_payload("[1]"),
            vec![Defect::BadJson { part: "payload" }],
        ),
        (
            with_payload(&deep),
            vec![Defect::TooMuch { what: "nesting" }],
        ),
        (
            with_payload(r#"{"exp":1,"exp":2}"#),
            vec![Defect::DuplicateName { part: "payload" }],
        ),
        (
            with_payload(r#"{"exp":"1"}"#),
            vec![Defect::BadType { name: "exp" }],
        ),
        (
            with_payload(r#"{"aud":{"a":1}}"#),
            vec![Defect::BadType { name: "aud" }],
        ),
        (
            with_payload(r#"{"exp":1700000000000}"#),
            vec![Defect::Milliseconds { name: "exp" }],
        ),
        (
            signed(r#"{"alg":"none"}"#, "{}", "none"),
            vec![Defect::AlgNone],
        ),
        (
            signed(r#"{"alg":7}"#, "{}", "none"),
            vec![Defect::BadType { name: "alg" }],
        ),
        (
            signed(r#"{"typ":"JWT"}"#, "{}", "none"),
            vec![Defect::BadType { name: "alg" }],
        ),
        (
            format!("{}.{payload}.{signature}", b64("{\"alg\":")),
            vec![Defect::BadJson { part: "header" }],
        ),
        (
            format!("eyJ{}", "a".repeat(70_000)),
            vec![Defect::TooMuch { what: "bytes" }],
        ),
    ];
    for (token, defects) in cases {
        let credential = bearer(&token);
        assert_eq!(credential.kind, Kind::Jwt, "{token}");
        assert_eq!(credential.defects, defects, "{token}");
    }
}

#[test]
fn a_padded_token_is_read_all_the_same() {
    let whole = good(&json!({"exp": 1, "aud": "x"}));
    let parts: Vec<&str> = whole.split('.').collect();
    let padded = format!("{}.{}==.{}", parts[0], parts[1], parts[2]);
    assert_eq!(bearer(&padded).claims.unwrap().audience, ["x"]);
}

#[test]
fn tells_the_kinds_apart() {
    assert_eq!(bearer("0123456789abcdef").kind, Kind::Opaque);
    assert_eq!(bearer("a.b.c").kind, Kind::Opaque);
    let jwe = format!(
        "{}.a.b.c.d",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#)
    );
    let credential = bearer(&jwe);
    assert_eq!((credential.kind, credential.defects), (Kind::Jwe, vec![]));
    assert_eq!(credential.header.unwrap().enc.as_deref(), Some("A256GCM"));
    let basic = inspect("Basic dXNlcjpwYXNzd29yZA==");
    assert_eq!(
        (basic.kind, basic.claims, basic.defects),
        (Kind::Basic, None, vec![])
    );
    assert_eq!(inspect("Digest username=\"jo\"").kind, Kind::Other);
    let bare = inspect(&good(&json!({})));
    assert_eq!(
        (bare.kind, bare.scheme, bare.defects),
        (Kind::Jwt, None, vec![Defect::MissingScheme])
    );
    let basic = inspect(&format!("Basic {}", good(&json!({}))));
    assert_eq!(
        (basic.kind, basic.defects),
        (Kind::Basic, vec![Defect::WrongScheme])
    );
}

#[test]
fn a_cut_credential_is_cut_and_nothing_else() {
    let whole = format!("Bearer {}", good(&json!({"exp": 1})));
    for end in 0..whole.len() {
        let credential = inspect_bytes(&whole.as_bytes()[..end], true, true);
        assert!(credential.cut);
        assert_eq!(credential.defects, [], "{end}");
        assert_eq!(credential.fingerprint, None);
        assert_eq!(credential.signature, Signature::NotChecked);
    }
    // Of a cut head, a field that has another after it is whole.
    let fields = [
        Header {
            name: "authorization",
            value: whole.as_bytes(),
        },
        Header {
            name: "x",
            value: b"cut he",
        },
    ];
    assert!(
        !Inspector::new(policy(true))
            .inspect(&fields, true)
            .unwrap()
            .cut
    );
}

#[test]
fn the_same_token_has_the_same_fingerprint_and_is_read_once() {
    let mut inspector = Inspector::new(policy(true));
    let token = good(&json!({"exp": 1}));
    let mut look = |value: &str| {
        let fields = [Header {
            name: "AUTHORIZATION",
            value: value.as_bytes(),
        }];
        inspector.inspect(&fields, false).unwrap()
    };
    let first = look(&format!("Bearer {token}"));
    assert!(Arc::ptr_eq(&first, &look(&format!("Bearer {token}"))));
    let doubled = look(&format!("bearer Bearer {token}"));
    assert_eq!(first.fingerprint, doubled.fingerprint);
    assert_eq!(doubled.defects, [Defect::DoubledScheme]);
    assert_ne!(first.fingerprint, look("Bearer other").fingerprint);
}

#[test]
fn several_fields_are_said_and_none_is_none() {
    let mut inspector = Inspector::new(policy(false));
    let fields = [
        Header {
            name: "Authorization",
            value: b"Bearer abc",
        },
        Header {
            name: "authorization",
            value: b"Bearer def",
        },
    ];
    assert_eq!(
        inspector.inspect(&fields, false).unwrap().defects,
        [Defect::Repeated { fields: 2 }]
    );
    assert!(
        inspector
            .inspect(
                &[Header {
                    name: "Host",
                    value: b"x"
                }],
                false
            )
            .is_none()
    );
}
