//! An hour in which nothing is wrong that anybody could not have expected, and of which nothing may be said.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::world::{Validator, Voice, World, validator};
use crate::credential::Credential;

/// A token lives so long, and is renewed so long before it expires, in seconds.
const LIFE: i64 = 300;
const EARLY: i64 = 20;
const CLIENTS: usize = 40;
const MINUTE: i64 = 60_000;

struct Client {
    token: Option<Credential>,
    renew: i64,
    /// It notices that a token has expired by its refusal.
    lazy: bool,
}

/// Pseudo-random numbers: the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn services() -> Vec<Validator> {
    let other = "https://login.partner.example.org/";
    let mut all = vec![
        validator("orders", "10.0.0.1:80", Voice::Envoy),
        validator("orders", "10.0.0.2:80", Voice::Envoy),
        validator("billing", "10.0.0.3:80", Voice::Golang),
        validator("billing", "10.0.0.4:80", Voice::Golang),
        validator("files", "10.0.0.5:80", Voice::Mute),
    ];
    for (at, one) in all.iter_mut().enumerate() {
        one.issuers.push(other.to_owned());
        // Clocks are never quite the same. Tokens are used a second after they are issued, or later.
        one.ahead = [0, 400, -600, 300, 0][at];
        one.started = Some(-7200);
    }
    all
}

fn hour(seed: u64) {
    let mut world = World::default();
    let mut dice = Dice(seed);
    let mut services = services();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|at| Client {
            token: None,
            renew: 0,
            lazy: at % 5 == 0,
        })
        .collect();
    let machine = world.token("k1", 7200);
    let mut kid = "k1";
    let mut refused = 0;
    while world.now < 60 * MINUTE {
        let minute = world.now / MINUTE;
        // A new key is published ten minutes before it is used, and the old one stays.
        if minute == 20 {
            for one in &mut services {
                one.kids = Some(BTreeSet::from(["k1".to_owned(), "k2".to_owned()]));
            }
        }
        if minute == 30 {
            kid = "k2";
        }
        // The replicas of a service are started again, one after the other.
        if minute == 40 || minute == 42 {
            let at = usize::from(minute == 42);
            services[at].started = Some(minute * 60);
        }
        let at = dice.below(CLIENTS as u64) as usize;
        let number = u16::try_from(at).unwrap();
        let to = services[dice.below(5) as usize].clone();
        match dice.below(100) {
            // A scanner without a token, which fails for ever.
            0..4 => drop(world.ask_for("/.env", 999, &to, None)),
            // One token for the pods of a batch job.
            4..8 => drop(world.ask(500 + number % 5, &to, Some(&machine))),
            // Somebody may not do what they want to.
            8..10 => world.exchange(
                "/admin",
                "10.9.0.3:4000",
                &to,
                Some(&machine),
                (403, None, ""),
            ),
            // A deployment, or an overloaded backend.
            10..12 => world.exchange(
                "/orders",
                "10.9.0.3:4000",
                &to,
                Some(&machine),
                (502, None, ""),
            ),
            // Whoever logs out sends another request or two.
            12 => {
                let client = &mut clients[at];
                if let Some(token) = client.token.take() {
                    let mut after = to.clone();
                    after.revoked.insert(token.fingerprint.unwrap().0);
                    for _ in 0..=dice.below(2) {
                        world.ask(number, &after, Some(&token));
                    }
                }
            }
            _ => normal(&mut world, &mut clients[at], number, &to, kid),
        }
        refused += u32::from(world.verdict.as_ref().is_some_and(|it| it.cause.is_some()));
        world.wait(100 + i64::try_from(dice.below(300)).unwrap());
    }
    assert!(refused > 500, "{refused}");
    let found: Vec<_> = world
        .changes
        .iter()
        .map(|change| (change.condition, &change.evidence))
        .collect();
    assert!(found.is_empty(), "seed {seed}: {found:?}");
}

fn normal(world: &mut World, client: &mut Client, number: u16, to: &Validator, kid: &str) {
    let now = world.seconds();
    let is_due = client.token.is_none() || (now >= client.renew && !client.lazy);
    if is_due {
        renew(world, client, number, kid);
    }
    let status = world.ask(number, to, client.token.as_ref());
    if status == 401 {
        // It is tried once more, and then renewed.
        world.wait(50);
        world.ask(number, to, client.token.as_ref());
        renew(world, client, number, kid);
        let status = world.ask(number, to, client.token.as_ref());
        assert_eq!(status, 200);
    }
}

fn renew(world: &mut World, client: &mut Client, number: u16, kid: &str) {
    let now = world.seconds();
    let issuer = match number % 4 {
        0 => "https://login.partner.example.org/",
        _ => super::world::ISSUER,
    };
    let claims = json!({
        "iss": issuer, "iat": now - 1, "nbf": now - 1, "exp": now + LIFE, "subject": number,
    });
    client.token = Some(world.token_with(kid, &claims));
    client.renew = now + LIFE - EARLY;
}

/// Three people log out when few tokens of the new key are in use yet.
#[test]
fn who_logs_out_at_the_wrong_moment_withdraws_no_key() {
    hour(15_261_325_181_561_015_833);
}

/// Several log out one after the other, and nobody else asks in between.
#[test]
fn who_logs_out_after_another_changes_no_service() {
    hour(4_168_914_897_811_243_729);
    hour(2_228_669_016_040_005_661);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_healthy_hour_has_no_condition(seed in any::<u64>()) {
        hour(seed);
    }
}
