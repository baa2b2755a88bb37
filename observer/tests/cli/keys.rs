//! Keys that go by: what is learned of them, and what `keys` tells.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jsonwebtoken::{Algorithm, EncodingKey};
use observer_tests::mint::Signer;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://issuer.example/realms/a";
const DISCOVERY: &str = "/realms/a/.well-known/openid-configuration";
const CERTS: &str = "/realms/a/protocol/openid-connect/certs";

/// One exchange, so many seconds after the start.
struct Said {
    at: u64,
    host: &'static str,
    path: &'static str,
    token: Option<String>,
    head: String,
    body: Vec<u8>,
}

impl Said {
    fn json(at: u64, host: &'static str, path: &'static str, body: &Value) -> Self {
        Self {
            at,
            host,
            path,
            token: None,
            head: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                   Cache-Control: public, max-age=600\r\n"
                .to_owned(),
            body: body.to_string().into_bytes(),
        }
    }

    /// A service refuses a token, and says this.
    fn refused(at: u64, token: String, description: &str) -> Self {
        Self {
            at,
            host: "orders.example",
            path: "/orders",
            token: Some(token),
            head: format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\", \
                 error_description=\"{description}\"\r\n"
            ),
            body: Vec::new(),
        }
    }

    fn accepted(at: u64, token: String) -> Self {
        Self {
            head: "HTTP/1.1 200 OK\r\n".to_owned(),
            ..Self::refused(at, token, "")
        }
    }

    fn talk(&self, port: usize) -> Conversation {
        let mut talk = Conversation::new(&format!("10.0.0.9:{}", 40_000 + port), "10.0.0.1:8080");
        let token = self.token.as_ref();
        let token = token.map_or_else(String::new, |it| format!("Authorization: Bearer {it}\r\n"));
        let head = format!("{}Content-Length: {}\r\n\r\n", self.head, self.body.len());
        talk.wait(Duration::from_secs(self.at))
            .handshake()
            .client(format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\n{token}\r\n",
                self.path, self.host
            ))
            .server([head.as_bytes(), &self.body].concat())
            .close();
        talk
    }
}

fn capture(said: &[Said]) -> Capture {
    Capture::of(said.iter().enumerate().map(|(port, said)| said.talk(port)))
}

/// The key set of the issuer: `rsa-1`, `ec-1` and `ed-1`, and two keys that nobody can use.
fn set() -> Value {
    serde_json::from_str(include_str!("../../testdata/keys/jwks.json")).unwrap()
}

/// A token of the issuer's own key, good for an hour.
fn good(kid: &str) -> String {
    let key = include_bytes!("../../testdata/keys/rsa2048.der");
    let signer = Signer::new(Some(kid), EncodingKey::from_rsa_der(key), Algorithm::RS256);
    let claims = json!({"iss": ISSUER, "aud": "orders", "exp": 1_700_003_600});
    signer.sign(&json!({}), &claims).unwrap()
}

/// The same with other claims under the signature.
fn forged() -> String {
    let token = good("rsa-1");
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        unreachable!()
    };
    let claims =
        observer_tests::mint::part(&json!({"iss": ISSUER, "aud": "orders", "exp": 1_700_003_601}));
    format!("{header}.{claims}.{signature}")
}

fn verdicts(capture: &Capture, options: &[&str]) -> Vec<Value> {
    let desk = Desk::new();
    let file = desk.file("a.pcap", capture.pcap());
    let mut arguments = vec!["replay", "--events", "-", "--only", "rejected"];
    arguments.extend(options);
    arguments.push(&file);
    let done = run(arguments);
    assert_eq!(done.code, 0, "{}", done.err);
    let events = done.out.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["verdict"].clone()
    });
    events.collect()
}

fn keys(capture: &Capture, options: &[&str]) -> String {
    let desk = Desk::new();
    let file = desk.file("a.pcap", capture.pcap());
    let done = run([&["keys"], options, &[&file]].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    done.out
}

fn timeline(capture: &Capture) -> Value {
    serde_json::from_str(&keys(capture, &["--json"])).unwrap()
}

fn has_evidence(verdict: &Value, part: &str) -> bool {
    let evidence = verdict["evidence"].as_array().unwrap();
    evidence
        .iter()
        .any(|one| one.as_str().unwrap().contains(part))
}

#[test]
fn a_set_that_goes_by_is_evidence_and_never_proof() {
    let said = [
        Said::json(0, "issuer.example", CERTS, &set()),
        Said::refused(1, forged(), "The signature is invalid"),
        Said::refused(2, good("rsa-1"), "The signature is invalid"),
        Said::refused(3, good("rsa-9"), "The signature is invalid"),
        Said::refused(4, forged(), "no"),
    ];
    for options in [&[][..], &["--threads", "4"]] {
        let verdicts = verdicts(&capture(&said), options);
        let [invalid, valid, unknown, vague] = &verdicts[..] else {
            panic!("{verdicts:#?}")
        };
        for verdict in [invalid, valid, unknown] {
            assert_eq!(verdict["cause"], "signature_invalid", "{verdict:#}");
            assert_eq!(verdict["certainty"], "stated", "{verdict:#}");
            assert!(
                has_evidence(verdict, "for which nobody vouches"),
                "{verdict:#}"
            );
            assert!(has_evidence(
                verdict,
                "issuer.example/realms/a/protocol/openid-connect/certs at 2023-11-14T22:13:20"
            ));
        }
        assert!(
            has_evidence(invalid, "the signature is not that of the key rsa-1"),
            "{invalid:#}"
        );
        assert!(
            has_evidence(valid, "the signature is that of the key rsa-1"),
            "{valid:#}"
        );
        assert!(has_evidence(unknown, "has no key rsa-9"), "{unknown:#}");
        // Of what may be, it is the first.
        assert_eq!(vague["certainty"], "candidates", "{vague:#}");
        assert_eq!(vague["candidates"][0], "signature_invalid", "{vague:#}");
    }
}

#[test]
fn a_set_of_another_issuer_is_not_asked() {
    let said = [
        Said::json(0, "other.example", CERTS, &set()),
        Said::json(0, "issuer.example", "/realms/b/jwks", &set()),
        Said::refused(1, forged(), "The signature is invalid"),
    ];
    let capture = capture(&said);
    let verdicts = verdicts(&capture, &[]);
    assert!(!has_evidence(&verdicts[0], "on the wire"), "{verdicts:#?}");
    let timeline = timeline(&capture);
    assert_eq!(
        timeline["unclaimed"].as_array().unwrap().len(),
        2,
        "{timeline:#}"
    );
}

#[test]
fn a_discovery_document_or_a_hint_says_whose_a_set_is() {
    let set_elsewhere = || Said::json(1, "keys.internal:8080", "/jwks", &set());
    let discovery = json!({"issuer": ISSUER, "jwks_uri": "http://keys.internal:8080/jwks"});
    let refused = || Said::refused(2, forged(), "The signature is invalid");
    let told = [
        Said::json(0, "issuer.example", DISCOVERY, &discovery),
        set_elsewhere(),
        refused(),
    ];
    let part = "the signature is not that of the key rsa-1";
    assert!(has_evidence(&verdicts(&capture(&told), &[])[0], part));
    let untold = capture(&[set_elsewhere(), refused()]);
    assert!(!has_evidence(&verdicts(&untold, &[])[0], part));
    let hint = format!("{ISSUER}=keys.internal:8080/jwks");
    assert!(has_evidence(
        &verdicts(&untold, &["--keys-at", &hint])[0],
        part
    ));
}

#[test]
fn given_keys_come_before_those_that_go_by() {
    let desk = Desk::new();
    let file = desk.file("jwks.json", set().to_string());
    let mut false_set = set();
    false_set["keys"][0]["n"] = "x".repeat(342).into();
    let said = [
        Said::json(0, "issuer.example", CERTS, &false_set),
        Said::refused(1, forged(), "The signature is invalid"),
    ];
    let verdicts = verdicts(&capture(&said), &["--jwks", &format!("{ISSUER}={file}")]);
    assert_eq!(verdicts[0]["certainty"], "proven", "{verdicts:#?}");
    assert!(!has_evidence(&verdicts[0], "on the wire"), "{verdicts:#?}");
}

#[test]
fn compressed_sets_are_read_and_bombs_and_cut_ones_are_not() {
    let compressed = |body: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(body).unwrap();
        let mut said = Said::json(0, "issuer.example", CERTS, &Value::Null);
        said.head.push_str("Content-Encoding: gzip\r\n");
        said.body = gzip.finish().unwrap();
        said
    };
    let result = |capture: &Capture| timeline(capture)["unclaimed"][0]["result"].clone();
    let whole = compressed(set().to_string().as_bytes());
    let kids = json!({"key_set": {"keys": 5, "kids": ["rsa-1", "ec-1", "ed-1"]}});
    assert_eq!(result(&capture(&[whole])), kids);
    let bomb = compressed(&vec![b' '; 32 << 20]);
    let unread = |why: &str| json!({"unread": why});
    assert_eq!(
        result(&capture(&[bomb])),
        unread("the compressed body is broken or too large")
    );
    let cut = "the body was not seen whole";
    let many: Vec<Value> = (0..2000)
        .map(|at| json!({"kty": "EC", "kid": format!("{at:0>60}")}))
        .collect();
    let too_many = Said::json(0, "issuer.example", CERTS, &json!({"keys": many}));
    assert_eq!(result(&capture(&[too_many])), unread(cut));
    let short = capture(&[Said::json(0, "issuer.example", CERTS, &set())]).snap_len(700);
    assert_eq!(result(&short), unread(cut));
}

#[test]
fn the_timeline_says_when_a_kid_was_first_and_last_seen_and_who_fetched_it() {
    let mut second = set();
    second["keys"].as_array_mut().unwrap().remove(0);
    let capture = capture(&[
        Said::json(0, "issuer.example", CERTS, &set()),
        Said::accepted(1, good("rsa-1")),
        Said::accepted(5, good("rsa-1")),
        Said::refused(7, good("rsa-2"), "no key"),
        Said::json(9, "issuer.example", CERTS, &second),
    ]);
    let timeline = timeline(&capture);
    let issuer = &timeline["issuers"][0];
    assert_eq!(issuer["issuer"], ISSUER, "{timeline:#}");
    let kid = |name: &str| {
        let mut kids = issuer["kids"].as_array().unwrap().iter();
        kids.find(|kid| kid["kid"] == name).unwrap()
    };
    assert_eq!(kid("rsa-1")["accepted"]["count"], 2);
    assert_eq!(
        kid("rsa-1")["accepted"]["first"],
        "2023-11-14T22:13:21.000400Z"
    );
    assert_eq!(
        kid("rsa-1")["accepted"]["last"],
        "2023-11-14T22:13:25.000400Z"
    );
    assert_eq!(kid("rsa-1")["in_set"]["count"], 1);
    assert_eq!(
        kid("rsa-1")["in_set"]["first"],
        "2023-11-14T22:13:20.000400Z"
    );
    assert_eq!(kid("ec-1")["in_set"]["count"], 2);
    assert_eq!(kid("rsa-2")["refused"]["count"], 1);
    assert_eq!(kid("rsa-2")["in_set"], Value::Null);
    let fetches = issuer["fetches"].as_array().unwrap();
    assert_eq!(fetches.len(), 2, "{timeline:#}");
    assert_eq!(fetches[1]["max_age"], 600);
    assert_eq!(fetches[1]["client"]["address"], "10.0.0.9");
    assert_eq!(fetches[1]["service"], "10.0.0.1:8080");
    let text = keys(&capture, &[]);
    for part in [
        ISSUER,
        "rsa-1\n",
        "accepted     2023-11-14T22:13:21.000400Z to 2023-11-14T22:13:25.000400Z, 2 times",
        "10.0.0.9 fetched issuer.example/realms/a/protocol/openid-connect/certs from 10.0.0.1:8080: \
         200, 4 keys (ec-1, ed-1); may be kept 600 s",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

/// As the kernel programs ship it: a set of up to 64 KiB whole, a larger one cut.
#[test]
fn live_windows_hold_large_sets() {
    let with_certificates = |length: usize| {
        let mut set = set();
        set["keys"][0]["x5c"] = json!(["M".repeat(length)]);
        Said::json(0, "issuer.example", CERTS, &set)
    };
    let invalid = "the signature is not that of the key rsa-1";
    for (set, learned) in [
        (Said::json(0, "issuer.example", CERTS, &set()), true),
        (with_certificates(50_000), true),
        (with_certificates(70_000), false),
    ] {
        let length = set.body.len();
        let refused = Said::refused(1, forged(), "The signature is invalid");
        let verdicts = verdicts(&capture(&[set, refused]), &["--as-live"]);
        assert_eq!(has_evidence(&verdicts[0], invalid), learned, "{length}");
    }
}
