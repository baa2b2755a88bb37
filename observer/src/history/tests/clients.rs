//! Scenes of what clients and whoever is between do.

use serde_json::json;

use super::world::{START, Voice, World, cut, validator};
use crate::history::{Condition, Ending};

#[test]
fn clients_that_go_on_with_an_expired_token() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    let token = world.token("k1", 30);
    for _ in 0..16 {
        world.ask(1, &orders, Some(&token));
        world.wait(10_000);
    }
    assert_eq!(world.begun(), [(Condition::StaleClientCache, "orders")]);
    world.wait(300_000);
    let (ending, how) = world.ending().unwrap();
    assert_eq!(
        (ending, how),
        (Ending::AgedOut, "nothing more was seen of it for 5 min")
    );
}

#[test]
fn a_loop_with_one_token_while_others_pass() {
    let mut world = World::default();
    let mut orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    let token = world.token_with("k1", &json!({"aud": "other"}));
    for _ in 0..20 {
        world.ask(1, &orders, Some(&token));
        world.traffic(&[&orders], "k1", 5);
    }
    assert_eq!(world.begun(), [(Condition::StaleClientCache, "orders")]);
    // Where nobody passes, it is not the client.
    let mut world = World::default();
    orders.audiences.clear();
    for _ in 0..20 {
        world.ask(1, &orders, Some(&token));
        world.wait(5000);
    }
    assert_eq!(world.begun(), []);
}

#[test]
fn new_tokens_of_one_subject_that_are_all_refused() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    for _ in 0..6 {
        world.traffic(&[&orders], "k1", 2);
        let token = world.token_with("k1", &json!({"aud": "other", "subject": 5}));
        world.ask(1, &orders, Some(&token));
    }
    assert_eq!(world.begun(), [(Condition::RefreshLoop, "orders")]);
    assert_eq!(world.changes[0].weight.tokens, 4);
}

#[test]
fn a_client_that_fails_with_one_token_after_the_other() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    for number in 0..30 {
        world.traffic(&[&orders], "k1", 3);
        let old = json!({"aud": "other", "iat": START - 7200, "subject": number});
        let token = world.token_with("k1", &old);
        world.ask(1, &orders, Some(&token));
    }
    assert_eq!(world.begun(), [(Condition::ClientFailing, "orders")]);
    let token = world.token("k1", 60);
    world.ask(1, &orders, Some(&token));
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
}

#[test]
fn one_token_from_many_clients() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    let token = world.token("k1", 3600);
    for client in 0..20 {
        world.ask(client, &orders, Some(&token));
        world.wait(1000);
    }
    assert_eq!(world.begun(), [(Condition::TokenFromManyClients, "orders")]);
    assert_eq!(world.changes[0].weight.clients, 16);
}

#[test]
fn tokens_that_are_cut_at_one_length() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    for (at, length) in [2500, 4090, 3000, 4090, 4090, 4090].into_iter().enumerate() {
        let whole = world.token("k1", 600);
        world.ask(at as u16, &orders, Some(&cut(&whole, length)));
        world.wait(1000);
    }
    assert_eq!(world.begun(), [(Condition::TokenTruncated, "orders")]);
    assert!(
        world.changes[0].evidence[1].contains("4096"),
        "{:?}",
        world.changes[0].evidence
    );
    // One client that tries a cut token again tells of no limit.
    let mut world = World::default();
    let whole = world.token("k1", 600);
    for _ in 0..5 {
        world.ask(1, &orders, Some(&cut(&whole, 4090)));
    }
    assert_eq!(world.begun(), []);
}
