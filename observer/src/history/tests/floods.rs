//! Millions of strangers: memory stays within its bound, and what is wrong elsewhere is still found.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use super::world::{Voice, World, validator};
use crate::credential::Fingerprint;
use crate::event::sample;
use crate::exchange::Side;
use crate::history::memory::{MOST_ENTRIES, TOKENS};
use crate::history::{Condition, MAX_BYTES};
use crate::time::Timestamp;

/// Floods a service with so many distinct tokens, kids, issuers and clients, while `orders` keeps a key for too
/// long. One of so many of the flood is accepted. Gives the most entries and bytes there were.
fn flood(count: u32, flooded: &str, accepted: u32) -> (usize, usize) {
    let mut world = World::default();
    let open = validator(flooded, "10.0.0.1:80", Voice::Mute);
    let orders = validator("orders", "10.0.0.1:80", Voice::Envoy);
    let mut billing = validator("billing", "10.0.0.2:80", Voice::Envoy);
    world.traffic(&[&orders, &billing], "k1", 3);
    billing.kids.as_mut().unwrap().insert("k2".to_owned());
    let mut token = world.token("k1", 3600);
    token.claims.as_mut().unwrap().shown.clear();
    let verdicts = [200, 401].map(|status| {
        world.exchange("/", "10.0.0.8:1", &open, Some(&token), (status, None, ""));
        world.verdict.clone().unwrap()
    });
    let (mut entries, mut bytes) = (0, 0);
    for number in 0..count {
        let claims = token.claims.as_mut().unwrap();
        claims.issuer = Some(format!("https://{}.test", number / 2));
        token.header.as_mut().unwrap().kid = Some(format!("k{number}"));
        token.fingerprint = Some(Fingerprint(spread(number)));
        let mut exchange = sample::exchange();
        exchange.connection.side = Side::Wire;
        exchange.connection.server = open.server;
        exchange
            .connection
            .client
            .set_ip(Ipv4Addr::from(spread(number) as u32).into());
        exchange.completed = world.timestamp(0);
        exchange.request.as_mut().unwrap().credential = Some(Arc::new(token.clone()));
        let refused = number % accepted != 0;
        let verdict = &verdicts[usize::from(refused)];
        exchange.response.as_mut().unwrap().status = if refused { 401 } else { 200 };
        world.take(&exchange, &open.service, verdict);
        if number % (count / 200) == 0 {
            let new = world.token("k2", 3600);
            world.ask(1, &orders, Some(&new));
            world.ask(1, &billing, Some(&new));
            world.wait(100);
            entries = entries.max(world.history.entries());
            bytes = bytes.max(world.history.bytes());
            assert!(bytes <= MAX_BYTES, "{bytes} bytes");
        }
    }
    let wanted = (Condition::KeyRotationValidatorStale, "orders");
    assert!(world.begun().contains(&wanted), "{:?}", world.begun());
    (entries, bytes)
}

fn spread(number: u32) -> u64 {
    u64::from(number + 1_000_000).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[test]
fn strangers_do_not_take_more_than_there_is() {
    let (entries, _) = flood(140_000, "open", 2);
    assert!(entries <= MOST_ENTRIES, "{entries}");
    // What was accepted fills its table, or the flood shows nothing.
    assert!(entries > TOKENS, "{entries}");
}

#[test]
fn whoever_is_flooded_with_what_it_refuses_remembers_what_it_accepted() {
    flood(60_000, "orders", u32::MAX);
}

/// `cargo test --release -p observer --lib -- --ignored ten_million --nocapture`.
#[test]
#[ignore = "takes a minute, with optimisation"]
fn ten_million_strangers() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<usize>()
            .unwrap()
            * 1024
    };
    let before = resident();
    let start = Instant::now();
    let (entries, bytes) = flood(10_000_000, "open", 2);
    let taken = resident() - before;
    println!(
        "{entries} entries, {bytes} bytes of tables, {taken} bytes more resident, {:?}",
        start.elapsed()
    );
    assert!(taken <= MAX_BYTES, "{taken} bytes");
}

/// `cargo test --release -p observer --lib -- --ignored history_costs --nocapture`.
#[test]
#[ignore = "measures, with optimisation"]
fn what_history_costs() {
    let mut world = World::default();
    let orders = validator("orders", "10.0.0.1:80", Voice::Mute);
    let tokens: Vec<_> = (0..1000)
        .map(|_| Arc::new(world.token("k1", 3600)))
        .collect();
    world.exchange(
        "/",
        "10.0.0.8:1",
        &orders,
        Some(&tokens[0]),
        (200, None, ""),
    );
    let verdict = world.verdict.clone().unwrap();
    let mut exchange = sample::exchange();
    exchange.connection.side = Side::Wire;
    exchange.response.as_mut().unwrap().status = 200;
    const TURNS: u32 = 5_000_000;
    let start = Instant::now();
    for number in 0..TURNS {
        // A millisecond each.
        exchange.completed =
            Timestamp::from_nanos(1_700_000_000_000_000_000 + i64::from(number) * 1_000_000);
        let request = exchange.request.as_mut().unwrap();
        request.credential = Some(Arc::clone(&tokens[number as usize * 7 % 1000]));
        world.take(&exchange, &orders.service, &verdict);
    }
    println!("{:?} an exchange", start.elapsed() / TURNS);
}
