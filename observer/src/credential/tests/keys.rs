//! Checks with key sets and secrets.

use super::*;

#[test]
fn a_key_set_that_cannot_be_used_says_why() {
    let file = |content: &str| {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, content).unwrap();
        path
    };
    let add = |content: &str| {
        let path = file(content);
        KeySets::default()
            .add(&format!("https://i/?a=b={}", path.display()))
            .unwrap_err()
    };
    assert!(matches!(
        KeySets::default().add("nothing"),
        Err(KeySetError::Argument { .. })
    ));
    assert!(matches!(
        KeySets::default().add("https://i/=/nonexistent"),
        Err(KeySetError::Read { .. })
    ));
    assert!(matches!(
        add("{\n  oops"),
        KeySetError::Unusable {
            unusable: Unusable::NotJson { line: 2, .. },
            ..
        }
    ));
    assert!(matches!(
        add("{\"issuer\":\"x\"}"),
        KeySetError::Unusable {
            unusable: Unusable::NotAKeySet,
            ..
        }
    ));
    assert!(matches!(
        add("{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}"),
        KeySetError::Unusable {
            unusable: Unusable::NoUsableKey { keys: 1 },
            ..
        }
    ));
    assert!(matches!(
        add(&" ".repeat(1 << 21)),
        KeySetError::TooLarge { .. }
    ));
    let mut sets = KeySets::default();
    sets.add(&format!("{ISSUER}={}", jwks().display())).unwrap();
    assert_eq!(sets.of(ISSUER).unwrap().kids(8), ["rsa-1", "ec-1", "ed-1"]);
}

/// A policy with one secret of [`ISSUER`], in a file of these bytes.
fn with_secret(content: &[u8]) -> Result<(Arc<Policy>, Option<String>), KeySetError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let mut sets = KeySets::default();
    let hint = sets.add_secret(&format!("{ISSUER}={}", file.path().display()))?;
    let key = FingerprintKey::random().unwrap();
    let policy = Policy::new(key, sets, ClaimAllowList::default());
    Ok((Arc::new(policy), hint))
}

#[test]
fn a_mac_is_checked_with_a_given_secret_alone() {
    let secret = b"correct horse battery staple";
    let token = |alg: &str| {
        let header = BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": "k"}).to_string());
        let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"iss": ISSUER}).to_string());
        let message = format!("{header}.{claims}");
        let algorithm = alg.parse().unwrap();
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
        format!("Bearer {message}.{mac}")
    };
    let state = |policy: &Arc<Policy>, value: &str| {
        let fields = [Header {
            name: "authorization",
            value: value.as_bytes(),
        }];
        let mut inspector = Inspector::new(Arc::clone(policy));
        inspector.inspect(&fields, false).unwrap().signature.clone()
    };
    let (right, _) = with_secret(&[secret.as_slice(), b"\r\n"].concat()).unwrap();
    let (wrong, _) = with_secret(b"another").unwrap();
    for alg in ["HS256", "HS384", "HS512"] {
        let token = token(alg);
        assert_eq!(state(&right, &token), Signature::Valid { kid: None });
        assert_eq!(state(&wrong, &token), Signature::Invalid { kid: None });
        assert_eq!(state(&policy(true), &token), Signature::NotCheckable);
    }
    // A secret is no public key.
    let public = good(&json!({}));
    assert_eq!(
        state(&right, &format!("Bearer {public}")),
        Signature::NotChecked
    );
}

#[test]
fn a_secret_that_others_may_read_is_said_and_an_empty_one_refused() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "secret").unwrap();
    let argument = format!("i={}", file.path().display());
    for (mode, is_open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file.path(), permissions).unwrap();
        let hint = KeySets::default().add_secret(&argument).unwrap();
        assert_eq!(hint.is_some(), is_open, "{mode:o}");
        assert!(!hint.unwrap_or_default().contains("secret\""));
    }
    for content in [&b""[..], b"\n", &[b'x'; 4097]] {
        assert!(matches!(
            with_secret(content),
            Err(KeySetError::SecretLength { .. })
        ));
    }
    assert!(matches!(
        KeySets::default().add_secret("x"),
        Err(KeySetError::SecretArgument { .. })
    ));
}

/// Key and token were made with OpenSSL.
#[test]
fn es512_is_checked() {
    let jwk = json!({
        "kty": "EC", "crv": "P-521", "alg": "ES512", "kid": "five",
        "x": "AANXaOUduMdpS8-gUpWnnGcXqwnqx6e556qth63VViSSKAgLx4ME2sBg81lKSHpOX_S3oxKHOFH7MgRSTJllRrTj",
        "y": "AbwpFs2GJ69-0Txj9qi3sg9_8gv6PiKPKTzOS5tJetmqv1U5ub1nWxNXM1Favyn4-NO6ybG6L2cCuEtqmUSOhpzY",
    });
    let set = KeySet::read(json!({"keys": [jwk]}).to_string().as_bytes()).unwrap();
    // What is signed need not be JSON.
    let token = concat!(
        "eyJhbGciOiJFUzUxMiIsImtpZCI6ImZpdmUifQ.UGF5bG9hZA.",
        "AWHRrCbPAbFmRiglRrwKDJnd3k0tlUYwZUlGdxxns2EVokXQQmJBjPbr0L4YZ67_aGAcpPkqEzkgdBYdQucjXqTR",
        "AL41nCg5GFruvX4hmTgR3ubJjyXQ67ifhjQSU5ULrd8Jr7kjNl0pdgnNQyAxABNL4P6KxtrrZVLa2hG4ozKWqeGI",
    );
    let kid = Some("five".to_owned());
    assert_eq!(check(token, &set), Signature::Valid { kid: kid.clone() });
    let bent = token.replace("UGF5bG9hZA", "cGF5bG9hZA");
    assert_eq!(check(&bent, &set), Signature::Invalid { kid });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn hostile_bytes_never_panic(value in prop::collection::vec(any::<u8>(), 0..400), cut: bool) {
        inspect_bytes(&value, true, cut);
        let whole = [b"Bearer eyJ".as_slice(), &value].concat();
        inspect_bytes(&whole, true, cut);
    }

    #[test]
    fn a_bent_token_never_panics_and_never_shows_its_secret(
        at in 0usize..900, byte: u8, secret in "[A-Za-z0-9]{24,40}", cut: bool,
    ) {
        let mut value = format!("Bearer {}", good(&json!({"canary": secret, "sub": secret, "exp": 1}))).into_bytes();
        let signature: Vec<u8> = value.rsplit(|b| *b == b'.').next().unwrap().to_vec();
        let at = at % value.len();
        value[at] = byte;
        let debug = format!("{:?}", inspect_bytes(&value, true, cut));
        prop_assert!(!debug.contains(&secret));
        prop_assert!(!debug.contains(&String::from_utf8_lossy(&signature).into_owned()));
    }
}
