//! What becomes of hostile key sets, issuers and kids.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::credential::{Signer, testing};
use crate::event::sample;
use crate::exchange::Excerpt;

/// An exchange that fetched this from a host at a time.
fn fetched(at: i64, host: &str, path: &str, body: &[u8]) -> Exchange {
    let mut exchange = sample::exchange();
    let time = Timestamp::from_seconds(at);
    let request = exchange.request.as_mut().unwrap();
    (request.started, request.finished) = (time, time);
    request.seq = at as u32;
    request.host = Some(host.to_owned());
    request.path = path.to_owned();
    request.credential = None;
    let response = exchange.response.as_mut().unwrap();
    response.status = 200;
    response.excerpt = Excerpt::new(body.to_vec(), true);
    exchange
}

/// An exchange with a token of this issuer and kid.
fn shown_token(at: i64, issuer: &str, kid: &str) -> Exchange {
    let mut exchange = fetched(at, "orders", "/orders", b"");
    let request = exchange.request.as_mut().unwrap();
    let sample = sample::exchange().request.unwrap();
    let mut credential = Credential::clone(sample.credential.as_ref().unwrap());
    credential.claims.as_mut().unwrap().issuer = Some(issuer.to_owned());
    credential.header.as_mut().unwrap().kid = Some(kid.to_owned());
    credential.signer = Some(Signer::of(issuer, Some(kid)));
    request.credential = Some(Arc::new(credential));
    exchange
}

fn service() -> Arc<str> {
    "issuer:8080".into()
}

/// A key set of the test key, under another kid.
fn set(kid: &str) -> Vec<u8> {
    let text = std::fs::read(testing::jwks()).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    let mut key = document["keys"][0].clone();
    key["kid"] = kid.into();
    json!({"keys": [key]}).to_string().into_bytes()
}

#[test]
fn issuers_kids_and_fetches_without_end_leave_those_with_key_sets() {
    let mut keys = Keys::default();
    let real = "https://issuer.example";
    keys.fetch(
        &fetched(1, "issuer.example", "/jwks", &set("real")),
        &service(),
    );
    keys.token(&shown_token(2, real, "real"), Outcome::Accepted);
    for at in 0..2000 {
        let issuer = format!("https://{at}.example");
        keys.token(&shown_token(3 + at, &issuer, "x"), Outcome::Rejected);
        keys.token(
            &shown_token(3 + at, real, &format!("kid-{at}")),
            Outcome::Rejected,
        );
        let host = format!("{at}.elsewhere");
        keys.fetch(&fetched(3 + at, &host, "/jwks", &set("x")), &service());
    }
    let timeline = keys.timeline();
    assert_eq!(timeline.issuers().count(), MAX_ISSUERS);
    assert_eq!(timeline.unclaimed().count(), MAX_FETCHES);
    let issuer = timeline.issuer(real).unwrap();
    assert_eq!(issuer.kids.len(), MAX_KIDS);
    let kid = issuer.kid(Some("real")).unwrap();
    assert_eq!(kid.in_set.unwrap().first, Timestamp::from_seconds(1));
    assert_eq!(kid.accepted.unwrap().last, Timestamp::from_seconds(2));
    assert!(issuer.kid(Some("kid-1999")).is_some());
    assert!(issuer.kid(Some("kid-0")).is_none());
}

#[test]
fn of_the_two_ends_of_a_fetch_one_is_told_with_the_process_of_its_client() {
    let mut keys = Keys::default();
    let at_server = fetched(1, "issuer.example", "/jwks", &set("a"));
    let mut at_client = at_server.clone();
    at_client.connection.side = Side::Client;
    at_client.handled.as_mut().unwrap().name = "gateway".to_owned();
    for exchange in [&at_server, &at_client] {
        keys.fetch(exchange, &service());
    }
    let fetches: Vec<_> = keys.timeline().unclaimed().collect();
    assert_eq!(fetches.len(), 1);
    assert_eq!(fetches[0].client.process.as_deref(), Some("gateway"));
    // The next one is another.
    let later = Timestamp::from_seconds(1).plus(Duration::from_secs(600));
    let mut again = at_server.clone();
    again.request.as_mut().unwrap().started = later;
    keys.fetch(&again, &service());
    assert_eq!(keys.timeline().unclaimed().count(), 2);
}

#[test]
fn sets_without_end_and_documents_in_a_flood_stay_in_bounds() {
    let mut keys = Keys::default();
    for at in 0..300 {
        let host = format!("{at}.example");
        keys.fetch(&fetched(at, &host, "/jwks", &set("x")), &service());
    }
    assert_eq!(keys.learned.sets(), MAX_SETS);
    for version in 0..20 {
        let body = set(&format!("version-{version}"));
        keys.fetch(
            &fetched(1000 + version, "one.example", "/jwks", &body),
            &service(),
        );
    }
    assert_eq!(keys.learned.sets(), MAX_SETS);
    // Within one second, so many are read and no more.
    let results: Vec<bool> = (0..100)
        .map(|at| {
            let host = format!("flood-{at}.example");
            keys.fetch(&fetched(5000, &host, "/jwks", &set("x")), &service());
            let last = keys.timeline().unclaimed().last().unwrap();
            matches!(last.result, Fetched::KeySet { .. })
        })
        .collect();
    assert_eq!(
        results.iter().filter(|read| **read).count(),
        MAX_READ as usize
    );
}

#[test]
fn hostile_documents_are_refused_or_read_in_part() {
    let n = "A".repeat(40_000);
    let same_kid: Vec<Value> = (0..400)
        .map(|_| serde_json::from_slice::<Value>(&set("same")).unwrap()["keys"][0].clone())
        .collect();
    for (body, kids) in [
        (
            json!({"keys": [{"kty": "RSA", "kid": "huge", "n": n, "e": "AQAB"}]}),
            0,
        ),
        (
            json!({"keys": [{"kty": "RSA", "kid": 7}, null, [], {"keys": []}]}),
            0,
        ),
        (json!({"keys": {}}), 0),
        (json!([[[[]]]]), 0),
        (
            json!({"issuer": "x".repeat(5000), "jwks_uri": "https://a/b"}),
            0,
        ),
        (json!({"keys": same_kid}), MAX_NAMED),
    ] {
        let mut keys = Keys::default();
        let body = body.to_string();
        keys.fetch(
            &fetched(1, "a.example", "/jwks", body.as_bytes()),
            &service(),
        );
        let fetch = keys.timeline().unclaimed().next().unwrap();
        let named = match &fetch.result {
            Fetched::KeySet { kids, .. } => kids.len(),
            _ => 0,
        };
        assert_eq!(named, kids, "{:.80}", body);
    }
    // As deep as it goes.
    let deep = "[".repeat(60_000);
    let mut keys = Keys::default();
    keys.fetch(
        &fetched(1, "a.example", "/jwks", deep.as_bytes()),
        &service(),
    );
    assert_eq!(keys.learned.sets(), 0);
}

#[test]
fn how_long_a_set_may_be_kept_is_read() {
    let age = |value: &str| {
        let mut exchange = fetched(1, "a.example", "/jwks", b"");
        let response = exchange.response.as_mut().unwrap();
        response.fields = [(Field::CacheControl, value.to_owned())].into();
        max_age(response)
    };
    assert_eq!(age("public, max-age=300, must-revalidate"), Some(300));
    assert_eq!(age("Max-Age=\"5\""), Some(5));
    assert_eq!(age("max-age=60, no-store"), Some(0));
    assert_eq!(age("max-age=-1"), None);
    assert_eq!(age("private"), None);
}

/// A body that ends with its connection is not known to be whole; one that can be read is.
#[test]
fn a_set_whose_length_nobody_told_is_learned_if_it_is_all_there() {
    let body = set("late");
    let kids = |body: &[u8]| {
        let mut keys = Keys::default();
        let mut exchange = fetched(1, "issuer.example", "/jwks", body);
        exchange.response.as_mut().unwrap().excerpt = Excerpt::new(body.to_vec(), false);
        let place = Place::of_url("issuer.example/jwks").unwrap();
        keys.hint("https://issuer.example", place);
        keys.fetch(&exchange, &service());
        let issuer = keys.timeline().issuer("https://issuer.example");
        issuer.map_or(0, |issuer| issuer.kids.len())
    };
    assert_eq!(kids(&body), 1);
    assert_eq!(kids(&body[..body.len() - 1]), 0);
}
