//! Scenes at an authorization server, and with key sets that go by.

use serde_json::json;

use super::world::{ISSUER, Voice, World, validator};
use crate::credential::{Credential, Fingerprint, Kind};
use crate::history::Condition;
use crate::oauth::{Action, Grant, Role, Token};

fn token(role: Role, number: u64) -> Token {
    Token {
        role,
        kind: Kind::Opaque,
        fingerprint: Fingerprint(number),
        expires: None,
    }
}

/// A refresh token is exchanged, for an access token and another refresh token.
fn refresh(from: u64, to: Option<(u64, u64)>) -> Grant {
    Grant {
        grant_type: Some("refresh_token".to_owned()),
        presented: vec![token(Role::RefreshToken, from)],
        issued: to.map_or_else(Vec::new, |(access, refresh)| {
            vec![
                token(Role::AccessToken, access),
                token(Role::RefreshToken, refresh),
            ]
        }),
        error: to.is_none().then(|| "invalid_grant".to_owned()),
        ..Grant::new(Action::Issue)
    }
}

fn fingerprint(token: &Credential) -> u64 {
    token.fingerprint.unwrap().0
}

#[test]
fn one_refresh_token_used_twice_at_once() {
    let id = validator("id", "10.0.0.7:80", Voice::Envoy);
    for (pause, wanted) in [
        (300, vec![(Condition::RefreshRace, "id")]),
        (60_000, vec![]),
    ] {
        let mut world = World::default();
        world.grant(1, &id, refresh(11, Some((101, 21))));
        world.wait(pause);
        world.grant(2, &id, refresh(11, None));
        assert_eq!(world.begun(), wanted, "{pause} ms");
    }
    // An issuer that lets both pass, for some seconds.
    let mut world = World::default();
    world.grant(1, &id, refresh(11, Some((101, 21))));
    world.grant(1, &id, refresh(11, Some((102, 22))));
    assert_eq!(world.begun(), []);
}

#[test]
fn a_client_that_keeps_what_was_replaced_is_found_sooner() {
    let mut world = World::default();
    let id = validator("id", "10.0.0.7:80", Voice::Envoy);
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    let (old, new) = (world.token("k1", 60), world.token("k1", 600));
    world.grant(1, &id, refresh(11, Some((fingerprint(&old), 21))));
    world.ask(1, &orders, Some(&old));
    world.wait(50_000);
    world.grant(1, &id, refresh(21, Some((fingerprint(&new), 31))));
    world.wait(12_000);
    for _ in 0..4 {
        world.ask(1, &orders, Some(&old));
        world.wait(3000);
    }
    assert_eq!(world.begun(), [(Condition::StaleClientCache, "orders")]);
    let evidence = &world.changes[0].evidence;
    assert!(
        evidence[2].contains("another was issued in its place"),
        "{evidence:?}"
    );
}

#[test]
fn each_refresh_gives_a_token_that_is_refused() {
    let mut world = World::default();
    let id = validator("id", "10.0.0.7:80", Voice::Envoy);
    let orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    for turn in 0..6 {
        world.traffic(&[&orders], "k1", 2);
        // Nothing in the token says how old it is.
        let token = world.token_with("k1", &json!({"aud": "other", "iat": null}));
        world.grant(
            1,
            &id,
            refresh(11 + turn, Some((fingerprint(&token), 12 + turn))),
        );
        world.ask(1, &orders, Some(&token));
    }
    assert_eq!(world.begun(), [(Condition::RefreshLoop, "orders")]);
}

#[test]
fn an_opaque_refresh_token_is_known_by_its_issuing() {
    let mut world = World::default();
    let id = validator("id", "10.0.0.7:80", Voice::Envoy);
    let orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    let token = world.token_with("k1", &json!({"iss": "https://nobody.test"}));
    world.grant(1, &id, refresh(11, Some((5, fingerprint(&token)))));
    for _ in 0..3 {
        world.ask(1, &orders, Some(&token));
    }
    assert_eq!(
        world.begun(),
        [(Condition::RefreshTokenUsedAsAccess, "orders")]
    );
    assert_eq!(
        world.changes[0].evidence[0],
        "it was seen when it was issued"
    );
}

#[test]
fn a_key_set_that_went_by_shows_that_a_key_is_real() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    world.traffic(&[&orders], "k1", 5);
    world.keys.fetch_of(
        ISSUER,
        "10.0.0.1",
        world.seconds(),
        Some(200),
        &["k1", "k2"],
    );
    world.wait(20_000);
    world.traffic(&[&orders], "k2", 1);
    assert_eq!(
        world.begun(),
        [(Condition::KeyRotationValidatorStale, "orders")]
    );
    let evidence = &world.changes[0].evidence;
    assert!(
        evidence[1].contains("a key set that went by 2"),
        "{evidence:?}"
    );
    assert!(
        evidence[2].contains(" s before, and may keep it for 600 s"),
        "{evidence:?}"
    );
}

#[test]
fn a_validator_whose_fetch_of_the_keys_fails() {
    let mut world = World::default();
    let mut orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    world.traffic(&[&orders], "k1", 5);
    world
        .keys
        .fetch_of(ISSUER, "10.0.0.1", world.seconds(), Some(503), &[]);
    orders.kids = None;
    world.traffic(&[&orders], "k1", 5);
    assert_eq!(world.begun(), [(Condition::IssuerKeyOutage, "orders")]);
    let evidence = &world.changes[0].evidence;
    assert!(evidence[1].contains("and got 503"), "{evidence:?}");
}
