//! What happens in the stories that take more than a line.

use std::net::Ipv4Addr;

use observer_tests::mint::now;
use serde_json::{Value, json};

use super::stage::{Stage, wait};

/// A service that keeps keys for three seconds has forgotten them after so many.
const FORGOTTEN: f64 = 6.0;
/// A service accepted so many tokens: twice as many as are wanted before it is said what it accepts.
const USUAL: usize = 10;

/// So many times, half a second apart.
pub(super) fn several(
    times: usize,
    mut one: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    for _ in 0..times {
        one()?;
        wait(0.5);
    }
    Ok(())
}

/// Everything that is usual: a token that expires and is renewed, a rotation with time to spare, someone
/// without a token.
pub(super) fn healthy(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let short = stage.token(0, &json!({"exp": now() + 20}))?;
    for second in 0..60 {
        match second {
            20 => stage.publish(&[0, 1])?,
            40 => stage.publish(&[1])?,
            _ => {}
        }
        for role in [0, 1] {
            let key = usize::from(second >= 30);
            stage.ask(role, &stage.token(key, &json!({}))?, true)?;
            if second == 5 {
                stage.ask(role, &short, true)?;
            }
            if matches!(second, 22 | 25) {
                stage.ask(role, &short, false)?;
            }
            if second % 10 == 0 {
                stage.ask(role, "", false)?;
            }
        }
        wait(1.0);
    }
    Ok(())
}

pub(super) fn revoked(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let token = stage.token(0, &json!({"jti": "taken back"}))?;
    stage.ask(0, &token, true)?;
    stage.revoke("taken back")?;
    for _ in 0..5 {
        wait(2.0);
        stage.ask(0, &stage.token(0, &json!({}))?, true)?;
        stage.ask(0, &token, false)?;
    }
    Ok(())
}

pub(super) fn rotated(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    for role in [0, 1, 0, 1] {
        stage.ask(role, &stage.token(0, &json!({}))?, true)?;
    }
    stage.publish(&[0, 1])?;
    for _ in 0..40 {
        let new = stage.token(1, &json!({}))?;
        stage.ask(1, &new, true)?;
        if stage.tries(stage.client, 0, &new)? {
            return Ok(());
        }
        stage.ask(0, &stage.token(0, &json!({}))?, true)?;
        wait(1.0);
    }
    Err("it never asked for the keys again".to_owned())
}

pub(super) fn dropped(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let old: Result<Vec<_>, _> = (0..5).map(|_| stage.token(0, &json!({}))).collect();
    let old = old?;
    for token in &old {
        stage.ask(0, token, true)?;
        stage.ask(1, token, true)?;
    }
    stage.publish(&[0, 1])?;
    both(stage, 1, 6)?;
    stage.publish(&[1])?;
    wait(FORGOTTEN);
    for token in &old {
        both(stage, 1, 1)?;
        stage.ask(0, token, false)?;
        stage.ask(1, token, false)?;
    }
    Ok(())
}

pub(super) fn purged(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0, 1])?;
    both(stage, 0, 2)?;
    let taken: Result<Vec<_>, _> = (0..5).map(|_| stage.token(1, &json!({}))).collect();
    let taken = taken?;
    for token in &taken {
        stage.ask(0, token, true)?;
        stage.ask(1, token, true)?;
    }
    // No other took its place.
    stage.publish(&[0])?;
    wait(FORGOTTEN);
    for token in &taken {
        both(stage, 0, 1)?;
        stage.ask(0, token, false)?;
        stage.ask(1, token, false)?;
    }
    Ok(())
}

/// Tokens of a key that both services let in.
pub(super) fn both(stage: &Stage<'_>, key: usize, times: usize) -> Result<(), String> {
    several(times, || {
        let token = stage.token(key, &json!({}))?;
        stage.ask(0, &token, true)?;
        stage.ask(1, &token, true)
    })
}

pub(super) fn outage(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    several(3, || stage.ask(0, &stage.token(0, &json!({}))?, true))?;
    stage.publish(&[])?;
    wait(FORGOTTEN);
    several(7, || stage.ask(0, &stage.token(0, &json!({}))?, false))?;
    stage.publish(&[0])?;
    stage.ask(0, &stage.token(0, &json!({}))?, true)
}

/// Tokens of the service's own issuer, and then of another.
pub(super) fn elsewhere(stage: &Stage<'_>, issuer: &str) -> Result<(), String> {
    stage.publish(&[0])?;
    several(USUAL, || stage.ask(0, &stage.token(0, &json!({}))?, true))?;
    several(7, || {
        stage.ask(0, &stage.token(0, &json!({"iss": issuer}))?, false)
    })
}

pub(super) fn tenant(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let own = json!({"iss": "https://tenant.lab.test/7f3a/v2.0"});
    let other = json!({"iss": "https://tenant.lab.test/91bc/v2.0"});
    several(USUAL, || stage.ask(0, &stage.token(0, &own)?, true))?;
    several(7, || stage.ask(0, &stage.token(0, &other)?, false))
}

pub(super) fn drift(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    several(USUAL, || stage.ask(0, &stage.token(0, &json!({}))?, true))?;
    stage.start(0, &[("LAB_AUDIENCE", "lab-v2")])?;
    several(10, || stage.ask(0, &stage.token(0, &json!({}))?, false))
}

pub(super) fn loops(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let mut refresh = "the-first-of-loop".to_owned();
    for _ in 0..9 {
        other_passes(stage, &json!({"aud": "loop"}))?;
        let (access, next) = stage.refresh(&refresh)?.ok_or("the issuer gave no token")?;
        stage.ask(0, &access, false)?;
        refresh = next;
        wait(1.0);
    }
    Ok(())
}

pub(super) fn race(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let (_, refresh) = stage
        .refresh("the-first-of-race")?
        .ok_or("the issuer gave no token")?;
    let (access, _) = stage.refresh(&refresh)?.ok_or("the issuer gave no token")?;
    // At once: it would be no race otherwise.
    if stage.refresh(&refresh)?.is_some() {
        return Err("the issuer took a refresh token twice".to_owned());
    }
    stage.ask(0, &access, true)
}

/// A client with tokens that somebody else signed, while others pass.
pub(super) fn failing(stage: &Stage<'_>) -> Result<(), String> {
    stage.publish(&[0])?;
    let forged: Result<Vec<_>, _> = (0..4).map(|_| stage.token(2, &json!({}))).collect();
    let forged = forged?;
    for time in 0..26 {
        stage.ask(0, forged.get(time % 4).map_or("", |token| token), false)?;
        other_passes(stage, &json!({}))?;
        wait(2.7);
    }
    Ok(())
}

/// Another client is let in.
pub(super) fn other_passes(stage: &Stage<'_>, claims: &Value) -> Result<(), String> {
    let [a, b, c, _] = stage.client.octets();
    match stage.tries(Ipv4Addr::new(a, b, c, 99), 0, &stage.token(0, claims)?)? {
        true => Ok(()),
        false => Err("a good token was refused".to_owned()),
    }
}
