//! A scene for each condition. What must be found of it was written down before.

use serde_json::json;

use super::world::{ISSUER, START, Validator, Voice, World, validator};
use crate::history::{Condition, Ending};

fn both(voice: Voice) -> (Validator, Validator) {
    (
        validator("orders", "10.0.0.1:80", voice),
        validator("billing", "10.0.0.2:80", voice),
    )
}

fn learn(to: &mut Validator, kid: &str) {
    to.kids.as_mut().unwrap().insert(kid.to_owned());
}

#[test]
fn a_revoked_token_is_inferred_where_others_of_its_key_go_on() {
    for voice in [Voice::Mute, Voice::Envoy] {
        let mut world = World::default();
        let mut orders = validator("orders", "10.0.0.1:80", voice);
        let token = world.token("k1", 3600);
        world.ask(1, &orders, Some(&token));
        orders.revoked.insert(token.fingerprint.unwrap().0);
        for _ in 0..4 {
            world.traffic(&[&orders], "k1", 3);
            world.ask(1, &orders, Some(&token));
        }
        assert_eq!(
            world.begun(),
            [(Condition::TokenRevokedInferred, "orders")],
            "{voice:?}"
        );
        let begun = &world.changes[0];
        assert_eq!((begun.weight.exchanges, begun.weight.tokens), (3, 1));
        assert_eq!(begun.concern.issuer.as_deref(), Some(ISSUER));
        orders.revoked.clear();
        world.ask(1, &orders, Some(&token));
        assert_eq!(world.ending().unwrap().0, Ending::Healed);
    }
}

#[test]
fn a_validator_that_keeps_old_keys_heals_within_the_time_of_its_cache() {
    let mut world = World::default();
    let (mut orders, mut billing) = both(Voice::Envoy);
    world.traffic(&[&orders, &billing], "k1", 10);
    learn(&mut billing, "k2");
    for _ in 0..50 {
        world.traffic(&[&orders, &billing], "k2", 5);
        world.traffic(&[&orders], "k1", 5);
    }
    assert_eq!(
        world.begun(),
        [(Condition::KeyRotationValidatorStale, "orders")]
    );
    assert_eq!(world.changes[0].concern.kid.as_deref(), Some("k2"));
    learn(&mut orders, "k2");
    world.traffic(&[&orders], "k2", 1);
    let (ending, how) = world.ending().unwrap();
    assert_eq!(ending, Ending::Healed);
    assert!(
        how.contains("fits the cache of Envoy jwt_authn (600 s by default)"),
        "{how}"
    );
    assert_eq!(world.changes.len(), 2);
}

#[test]
fn a_key_that_one_validator_alone_sees_is_understood_when_it_heals() {
    let mut world = World::default();
    let mut orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    world.traffic(&[&orders], "k1", 10);
    world.traffic(&[&orders], "k2", 25);
    assert_eq!(world.begun(), [], "anybody can write a kid");
    learn(&mut orders, "k2");
    world.traffic(&[&orders], "k2", 1);
    assert_eq!(
        world.begun(),
        [(Condition::KeyRotationValidatorStale, "orders")]
    );
    assert!(world.changes[0].weight.exchanges >= 100);
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
}

#[test]
fn an_issuer_that_drops_its_old_key_too_early() {
    let mut world = World::default();
    let (mut orders, mut billing) = both(Voice::Envoy);
    let old: Vec<_> = (0..5).map(|_| world.token("k1", 3600)).collect();
    for token in &old {
        world.ask(1, &orders, Some(token));
        world.ask(1, &billing, Some(token));
    }
    for one in [&mut orders, &mut billing] {
        learn(one, "k2");
    }
    world.wait(60_000);
    world.traffic(&[&orders, &billing], "k2", 20);
    for one in [&mut orders, &mut billing] {
        one.kids.as_mut().unwrap().remove("k1");
    }
    for token in &old {
        world.traffic(&[&orders, &billing], "k2", 1);
        world.ask(1, &orders, Some(token));
        world.ask(2, &billing, Some(token));
    }
    let found = world.begun();
    let stale = Condition::KeyRotationTokenStale;
    assert_eq!(found, [(stale, "orders"), (stale, "billing")]);
    assert!(
        world.changes[0].evidence[2].contains("k2"),
        "{:?}",
        world.changes[0]
    );
}

#[test]
fn a_key_that_is_taken_away_while_nobody_used_another() {
    let mut world = World::default();
    let (mut orders, mut billing) = both(Voice::Envoy);
    for one in [&mut orders, &mut billing] {
        learn(one, "k0");
    }
    world.traffic(&[&orders, &billing], "k0", 5);
    let all: Vec<_> = (0..5).map(|_| world.token("k1", 3600)).collect();
    for token in &all {
        world.ask(1, &orders, Some(token));
        world.ask(1, &billing, Some(token));
    }
    for one in [&mut orders, &mut billing] {
        one.kids.as_mut().unwrap().remove("k1");
    }
    for token in &all {
        world.ask(1, &orders, Some(token));
        world.ask(2, &billing, Some(token));
        world.traffic(&[&orders, &billing], "k0", 1);
    }
    let found = world.begun();
    assert!(!found.is_empty());
    assert!(
        found
            .iter()
            .all(|(one, _)| *one == Condition::KeyCompromiseOrPurge),
        "{found:?}"
    );
}

#[test]
fn a_validator_without_keys() {
    let mut world = World::default();
    let (mut orders, billing) = both(Voice::Envoy);
    world.traffic(&[&orders, &billing], "k1", 5);
    let kids = orders.kids.take();
    world.traffic(&[&orders, &billing], "k1", 10);
    assert_eq!(world.begun(), [(Condition::IssuerKeyOutage, "orders")]);
    orders.kids = kids;
    world.traffic(&[&orders], "k1", 1);
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
}

#[test]
fn a_validator_whose_clock_is_ahead() {
    for voice in [Voice::Envoy, Voice::Golang] {
        let mut world = World::default();
        let (mut orders, billing) = both(voice);
        orders.ahead = 240_000;
        for _ in 0..20 {
            let token = world.token("k1", 300);
            for _ in 0..5 {
                world.ask(1, &orders, Some(&token));
                world.ask(1, &billing, Some(&token));
                world.wait(20_000);
            }
        }
        assert_eq!(
            world.begun(),
            [(Condition::ClockSkewValidatorAhead, "orders")]
        );
        let evidence = &world.changes[0].evidence;
        assert!(
            evidence[1].contains("its clock is 24") || evidence[1].contains("its clock is 239"),
            "{evidence:?}"
        );
        let token = world.token_with("k1", &json!({"iat": START, "exp": world.seconds() + 100}));
        world.ask(1, &orders, Some(&token));
        let verdict = world.verdict.clone().unwrap();
        let quoted = verdict
            .evidence
            .iter()
            .find(|one| one.contains("clock of the answering server is 2"));
        assert!(
            quoted.is_some_and(|one| one.contains("ahead of ours (")),
            "{:?}",
            verdict.evidence
        );
    }
}

#[test]
fn a_validator_whose_clock_is_behind() {
    let mut world = World::default();
    let (mut orders, billing) = both(Voice::Envoy);
    orders.ahead = -30_000;
    for _ in 0..5 {
        let token = world.token("k1", 600);
        for _ in 0..5 {
            world.ask(1, &orders, Some(&token));
            world.ask(1, &billing, Some(&token));
            world.wait(10_000);
        }
    }
    assert_eq!(
        world.begun(),
        [(Condition::ClockSkewValidatorBehind, "orders")]
    );
    orders.ahead = 0;
    let token = world.token("k1", 600);
    world.ask(1, &orders, Some(&token));
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
}

#[test]
fn an_issuer_whose_clock_is_ahead() {
    let mut world = World::default();
    let (orders, billing) = both(Voice::Envoy);
    for _ in 0..5 {
        let issued = world.seconds() + 20;
        let claims = json!({"iat": issued, "nbf": issued, "exp": issued + 600});
        let token = world.token_with("k1", &claims);
        for _ in 0..4 {
            world.ask(1, &orders, Some(&token));
            world.ask(1, &billing, Some(&token));
            world.wait(10_000);
        }
    }
    let found = world.begun();
    assert!(
        found.contains(&(Condition::ClockSkewIssuerAhead, "orders")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|(one, _)| *one == Condition::ClockSkewIssuerAhead),
        "{found:?}"
    );
}

#[test]
fn refresh_and_id_tokens_where_access_tokens_belong() {
    for (claims, condition) in [
        (
            json!({"typ": "Refresh"}),
            Condition::RefreshTokenUsedAsAccess,
        ),
        (json!({"token_use": "id"}), Condition::IdTokenUsedAsAccess),
        (
            json!({"withheld": "at_hash", "scope": null, "aud": "web"}),
            Condition::IdTokenUsedAsAccess,
        ),
    ] {
        let mut world = World::default();
        let mut orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
        orders.audiences = vec!["api".to_owned()];
        world.traffic(&[&orders], "k1", 2);
        for _ in 0..4 {
            let mut claims = claims.clone();
            claims["aud"] = json!("web");
            let token = world.token_with("k1", &claims);
            world.ask(1, &orders, Some(&token));
            world.wait(1000);
        }
        assert_eq!(world.begun(), [(condition, "orders")]);
        // Whoever takes them by design is left alone.
        let mut world = World::default();
        orders.audiences.push("web".to_owned());
        let mut claims = claims.clone();
        claims["aud"] = json!("web");
        let token = world.token_with("k1", &claims);
        world.ask(1, &orders, Some(&token));
        orders.audiences.pop();
        for _ in 0..4 {
            let token = world.token_with("k1", &claims);
            world.ask(1, &orders, Some(&token));
        }
        assert_eq!(world.begun(), []);
    }
}

#[test]
fn tokens_of_another_environment_and_tenant() {
    for (issuer, condition) in [
        (
            "https://id-dev.example.com/realms/prod",
            Condition::WrongEnvironment,
        ),
        (
            "http://id.example.com/realms/prod",
            Condition::WrongEnvironment,
        ),
        (
            "http://localhost:8080/realms/prod",
            Condition::WrongEnvironment,
        ),
        (
            "https://id.example.com/realms/customers",
            Condition::WrongTenant,
        ),
    ] {
        let mut world = World::default();
        let mut orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
        world.traffic(&[&orders], "k1", 2);
        let token = world.token_with("d1", &json!({"iss": issuer}));
        for _ in 0..4 {
            world.ask(1, &orders, Some(&token));
            world.wait(3000);
        }
        assert_eq!(world.begun(), [(condition, "orders")], "{issuer}");
        orders.issuers.push(issuer.to_owned());
        learn(&mut orders, "d1");
        world.ask(1, &orders, Some(&token));
        assert_eq!(world.ending().unwrap().0, Ending::Healed);
    }
    // Strangers make up issuers.
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    world.traffic(&[&orders], "k1", 2);
    for number in 0..50 {
        let issuer = format!("https://evil-{}.test/", number / 10);
        let token = world.token_with("d1", &json!({"iss": issuer}));
        world.ask(1, &orders, Some(&token));
    }
    assert_eq!(world.begun(), []);
}

#[test]
fn a_service_that_refuses_after_a_restart_what_it_accepted() {
    let mut world = World::default();
    let mut orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    orders.started = Some(-3600);
    world.traffic(&[&orders], "k1", 20);
    orders.started = Some(world.now / 1000 + 2);
    orders.audiences = vec!["orders".to_owned()];
    world.wait(4000);
    world.traffic(&[&orders], "k1", 5);
    assert_eq!(world.begun(), [(Condition::ValidatorConfigDrift, "orders")]);
    let evidence = &world.changes[0].evidence;
    assert!(evidence[1].contains("started 2 s before"), "{evidence:?}");
    orders.audiences = vec!["api".to_owned()];
    world.traffic(&[&orders], "k1", 1);
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
}

#[test]
fn replicas_that_disagree() {
    let mut world = World::default();
    let one = validator("orders", "10.0.0.1:80", Voice::Envoy);
    let mut other = validator("orders", "10.0.0.2:80", Voice::Envoy);
    other.audiences = vec!["order".to_owned()];
    world.traffic(&[&one, &other], "k1", 5);
    assert_eq!(world.begun(), [(Condition::ReplicasDisagree, "orders")]);
    assert!(world.changes[0].evidence[0].contains("10.0.0.2:80"));
    other.audiences = one.audiences.clone();
    world.traffic(&[&one, &other], "k1", 1);
    assert_eq!(world.ending().unwrap().0, Ending::Healed);
    // One of them is changed while the other is not.
    other.audiences = vec!["order".to_owned()];
    world.traffic(&[&one, &other], "k1", 5);
    assert_eq!(
        world.begun()[1..],
        [(Condition::ValidatorConfigDrift, "orders")]
    );
    let evidence = &world.changes.last().unwrap().evidence;
    assert!(evidence[2].contains("siblings"), "{evidence:?}");
}
