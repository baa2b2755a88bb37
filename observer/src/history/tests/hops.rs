//! Tokens that are lost between two hops.

use super::world::{Validator, Voice, World, cut, validator};
use crate::credential::Credential;
use crate::history::Condition;

const CHALLENGE: Option<&str> = Some("Bearer realm=\"http://api/\"");
const MISSING: &str = "Jwt is missing";
const MALFORMED: &str = "Jwt is not in the form of Header.Payload.Signature";

#[test]
fn tokens_that_are_lost_or_damaged_between_two_hops() {
    for (damaged, condition) in [
        (false, Condition::HeaderStrippedBetweenHops),
        (true, Condition::HeaderAlteredBetweenHops),
    ] {
        let mut world = World::default();
        let edge = validator("edge", "10.0.0.1:80", Voice::Mute);
        let orders = validator("orders", "10.0.0.2:80", Voice::Envoy);
        for _ in 0..4 {
            let token = world.token("k1", 600);
            let broken = cut(&token, 700);
            let second = damaged.then_some(&broken);
            let text = if damaged { MALFORMED } else { MISSING };
            world.exchange(
                "/orders",
                "10.0.0.1:5000",
                &orders,
                second,
                (401, CHALLENGE, text),
            );
            world.exchange(
                "/orders",
                "10.9.9.9:5000",
                &edge,
                Some(&token),
                (401, CHALLENGE, text),
            );
            world.wait(1000);
        }
        let found = world.begun();
        assert!(found.contains(&(condition, "orders")), "{found:?}");
        assert!(
            !found.iter().any(|(_, service)| *service == "edge"),
            "{found:?}"
        );
    }
}

/// Two edges on one address: one takes the token away, and one damages it.
struct Edges {
    strips: Validator,
    stripped: Validator,
    alters: Validator,
    altered: Validator,
}

impl Edges {
    fn new() -> Self {
        let of =
            |name: &str, port: u16| validator(name, &format!("127.0.0.1:{port}"), Voice::Envoy);
        Self {
            strips: of("strips", 80),
            stripped: of("stripped", 81),
            alters: of("alters", 82),
            altered: of("altered", 83),
        }
    }

    /// Both are asked for the same, the second so many milliseconds after the first, which takes ten.
    fn ask(&self, world: &mut World, apart: i64) {
        let tokens = [world.token("k1", 600), world.token("k1", 600)];
        let broken = cut(&tokens[1], 700);
        let mut refusals = [
            (3, 6, &self.stripped, None, MISSING),
            (0, 10, &self.strips, Some(&tokens[0]), MISSING),
            (
                apart + 3,
                apart + 6,
                &self.altered,
                Some(&broken),
                MALFORMED,
            ),
            (apart, apart + 10, &self.alters, Some(&tokens[1]), MALFORMED),
        ];
        refusals.sort_by_key(|(_, answered, ..)| *answered);
        for (asked, answered, to, token, text) in refusals {
            refuse(world, (asked, answered), to, token, text);
        }
        world.wait(1000);
    }
}

fn refuse(
    world: &mut World,
    (asked, answered): (i64, i64),
    to: &Validator,
    token: Option<&Credential>,
    text: &str,
) {
    let from = "127.0.0.1:5000";
    let mut exchange = world.exchange_of("/orders", from, to, token, (401, CHALLENGE, text));
    let request = exchange.request.as_mut().unwrap();
    (request.started, request.finished) = (world.timestamp(asked), world.timestamp(asked));
    let response = exchange.response.as_mut().unwrap();
    (response.started, response.finished) = (world.timestamp(answered), world.timestamp(answered));
    exchange.completed = response.finished;
    world.see(&exchange, &to.service);
}

#[test]
fn two_edges_on_one_address_are_told_apart() {
    let (mut world, edges) = (World::default(), Edges::new());
    for _ in 0..4 {
        edges.ask(&mut world, 20);
    }
    let found = world.begun();
    for wanted in [
        (Condition::HeaderStrippedBetweenHops, "stripped"),
        (Condition::HeaderAlteredBetweenHops, "altered"),
    ] {
        assert!(found.contains(&wanted), "{found:?}");
    }
    assert_eq!(of_hops(&found), 2, "{found:?}");
}

#[test]
fn where_two_edges_ask_at_once_nobody_knows_whose_hop_it_was() {
    let (mut world, edges) = (World::default(), Edges::new());
    for _ in 0..8 {
        edges.ask(&mut world, 1);
    }
    let found = world.begun();
    assert_eq!(of_hops(&found), 0, "{found:?}");
}

#[test]
fn a_token_that_arrived_whole_was_not_lost() {
    let (mut world, edges) = (World::default(), Edges::new());
    for _ in 0..4 {
        let token = world.token("k1", 600);
        // Somebody without a token asks through the same edge.
        for (time, token) in [((1, 4), Some(&token)), ((2, 5), None)] {
            refuse(&mut world, time, &edges.stripped, token, MISSING);
        }
        refuse(&mut world, (0, 10), &edges.strips, Some(&token), MISSING);
        world.wait(1000);
    }
    let found = world.begun();
    assert_eq!(of_hops(&found), 0, "{found:?}");
}

fn of_hops(found: &[(Condition, &str)]) -> usize {
    let is_of_hops = |condition: &Condition| {
        matches!(
            condition,
            Condition::HeaderStrippedBetweenHops | Condition::HeaderAlteredBetweenHops
        )
    };
    found
        .iter()
        .filter(|(condition, _)| is_of_hops(condition))
        .count()
}
