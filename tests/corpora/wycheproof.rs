//! The test vectors of Project Wycheproof for signatures of JOSE: signatures that must be taken, and ones
//! that some library took and must not.
//!
//! They have a licence of their own and are no part of the project: `raw/wycheproof` in the folder of
//! the corpora. Without it this test says so and passes.

use std::collections::BTreeMap;

use base64::prelude::*;
use observer::credential::{KeySet, Signature, check};
use serde_json::{Value, json};

use super::listed;

/// Every test with a JWS: taken where it says `valid`, with the key that the test gives, and not taken
/// where it says `invalid`. What differs is in [`DIFFERENCES`], with the reason, and nothing else is.
#[test]
fn signatures_are_taken_and_refused_as_wycheproof_says() {
    let folder = listed::root().join("raw/wycheproof/testvectors_v1");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!(
            "there are no test vectors at {}, so nothing was compared: set OBSERVER_CORPORA",
            folder.display()
        );
        return;
    };
    let documents: Vec<(String, Value)> = files
        .map(|file| {
            let path = file.unwrap().path();
            let document = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().display().to_string(), document)
        })
        .collect();
    let (mut compared, mut differences) = (0, BTreeMap::new());
    for (file, document) in &documents {
        for group in document["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let Some(jws) = test["jws"].as_str() else {
                    continue;
                };
                compared += 1;
                let found = checked(group, jws);
                let taken = matches!(found, Some(Signature::Valid { .. }));
                let valid = test["result"] == "valid";
                if taken != valid {
                    let id = (file.clone(), test["tcId"].as_u64().unwrap());
                    differences.insert(id, (group, jws, valid, found));
                }
            }
        }
    }
    println!("{compared} signatures, {} differ", differences.len());
    assert!(compared > 400, "{compared}");
    for difference in DIFFERENCES {
        for id in difference.tests {
            let key = (difference.file.to_owned(), *id);
            let Some((group, jws, valid, _)) = differences.remove(&key) else {
                let Difference { file, why, .. } = difference;
                panic!("{file} {id} is as Wycheproof says, and this is wrong: {why}");
            };
            assert_eq!(valid, difference.valid, "{} {id}", difference.file);
            match difference.shown_by {
                ShownBy::Reason => {}
                ShownBy::Alg(alg) => {
                    let mut group = group.clone();
                    group["public"]["alg"] = json!(alg);
                    let found = checked(&group, jws);
                    let taken = matches!(found, Some(Signature::Valid { .. }));
                    assert!(taken, "{} {id}: {found:?}", difference.file);
                }
                ShownBy::SameAs(other) => {
                    let mut tests = group["tests"].as_array().unwrap().iter();
                    let other = tests.find(|test| test["tcId"] == other).unwrap();
                    assert_eq!(
                        (&other["result"], &other["jws"]),
                        (&json!("valid"), &json!(jws))
                    );
                }
            }
        }
    }
    let left: Vec<_> = differences
        .iter()
        .map(|(id, (group, _, valid, found))| (id, &group["comment"], valid, found))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// Tests of which we say another thing than Wycheproof, and why.
struct Difference {
    file: &'static str,
    tests: &'static [u64],
    /// What Wycheproof says.
    valid: bool,
    why: &'static str,
    shown_by: ShownBy,
}

/// How the test shows that the reason is the reason.
enum ShownBy {
    /// The reason is about what the check is for.
    Reason,
    /// With this `alg` in the key, the signature is taken.
    Alg(&'static str),
    /// The token is that of another test of the group, which says that it is valid.
    SameAs(u64),
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        file: "json_web_crypto_test",
        tests: &[46],
        valid: false,
        why: "the key is one of those that a faulty chip made (ROCA), and can be found out. The check \
              says whose signature it is, not how good the key is: an issuer that uses such a key \
              issues tokens that its validators take",
        shown_by: ShownBy::Reason,
    },
    Difference {
        file: "json_web_key_test",
        tests: &[7],
        valid: false,
        why: "the same key in a key set",
        shown_by: ShownBy::Reason,
    },
    Difference {
        file: "json_web_key_test",
        tests: &[4],
        valid: false,
        why: "two keys of the set have one kid. The check tries all that have it, as validators do that \
              let an issuer rotate so",
        shown_by: ShownBy::Reason,
    },
    Difference {
        file: "json_web_key_test",
        tests: &[10, 11, 12],
        valid: false,
        why: "the secret is shorter than the hash, and RFC 7518 section 3.2 wants it as long. Short \
              secrets are in use, and what is made with them is taken",
        shown_by: ShownBy::Reason,
    },
    Difference {
        file: "json_web_key_test",
        tests: &[8],
        valid: false,
        why: "the key has 1024 bits, and RFC 7518 section 3.3 wants 2048. Likewise: it is that key's \
              signature, and where validators take it, saying that it is invalid would be wrong",
        shown_by: ShownBy::Reason,
    },
    Difference {
        file: "json_web_signature_test",
        tests: &[346, 350],
        valid: true,
        why: "the key is for PS256 and the token is signed with PS384 (the example of RFC 7520 section \
              4.2, with a key that Wycheproof marked so). A key that names an algorithm is used with \
              no other (RFC 8725 section 3.1)",
        shown_by: ShownBy::Alg("PS384"),
    },
    Difference {
        file: "json_web_signature_test",
        tests: &[347, 351],
        valid: true,
        why: "the key is for ES521, which is no algorithm: ES512 is meant, which signs on P-521. A key \
              for an algorithm that we do not know is not used",
        shown_by: ShownBy::Alg("ES512"),
    },
    Difference {
        file: "json_web_signature_test",
        tests: &[367, 370],
        valid: false,
        why: "the padding that is to be refused has gone out of the vectors: the token is that of test \
              357, which is valid",
        shown_by: ShownBy::SameAs(357),
    },
    Difference {
        file: "json_web_signature_test",
        tests: &[372, 373],
        valid: true,
        why: "a question mark stands in the header or the payload, which decoders that pass over it \
              take. RFC 7515 section 2 knows no such character, and validators differ: such a token is \
              called malformed, and its signature is not looked at",
        shown_by: ShownBy::Reason,
    },
];

/// What the check says with the key of a group. `None`: it has no key that we use.
fn checked(group: &Value, jws: &str) -> Option<Signature> {
    let key = match &group["public"] {
        Value::Null => &group["private"],
        public => public,
    };
    let keys = match key.get("keys") {
        Some(keys) => keys.as_array()?.clone(),
        None => vec![key.clone()],
    };
    // Secrets are given by themselves, for HMAC alone: those in a key set are left where they are.
    let is_secret = |key: &Value| key["alg"].as_str().is_some_and(|alg| alg.starts_with("HS"));
    let set = if keys.iter().all(is_secret) {
        KeySet::secret(&BASE64_URL_SAFE_NO_PAD.decode(keys[0]["k"].as_str()?).ok()?)?
    } else {
        KeySet::read(json!({"keys": keys}).to_string().as_bytes()).ok()?
    };
    Some(check(jws, &set))
}
