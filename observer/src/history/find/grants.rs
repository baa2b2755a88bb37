//! What the traffic of authorization servers tells: which token came when, in the place of which, and who used
//! a refresh token twice.

use std::time::Duration;

use crate::history::active::{Active, Beginning};
use crate::history::condition::Condition;
use crate::history::few::Few;
use crate::history::memory::{Birth, Memory};
use crate::history::scene::Scene;
use crate::oauth::{Action, Grant, Role};

use super::{ID, REFRESH};

/// Two uses of a refresh token are a race within this. Later it is a reuse, which the server names.
const RACE: Duration = Duration::from_secs(10);

/// Takes what an authorization server was asked and gave.
pub(in crate::history) fn take(
    scene: &Scene<'_>,
    grant: &Grant,
    memory: &mut Memory,
    active: &mut Active,
) {
    match grant.action {
        Action::Issue => {
            let chain = exchanged(scene, grant, memory, active);
            issued(scene, grant, chain, memory);
        }
        Action::Revoke => {
            let revoked = grant.presented(Role::Token).map(|token| token.0 | 1);
            if let Some(token) = revoked.filter(|_| grant.error.is_none()) {
                birth(scene, token, memory).revoked = Some(scene.clock);
            }
        }
        Action::Introspect => {}
    }
}

/// A refresh token was used: whether twice at once. Gives what its tokens descend from.
fn exchanged(
    scene: &Scene<'_>,
    grant: &Grant,
    memory: &mut Memory,
    active: &mut Active,
) -> Option<u64> {
    let presented = grant
        .presented(Role::RefreshToken)
        .filter(|_| grant.is_refresh())?;
    let presented = presented.0 | 1;
    let failed = grant.error.is_some();
    let known = memory.refreshes.entry(presented, scene.at.shelf);
    if known.chain == 0 {
        known.chain = presented;
    }
    let chain = known.chain;
    let before = known.used.replace((scene.clock, scene.client, failed));
    let replaced = std::mem::take(&mut known.access);
    if !failed && replaced != 0 {
        birth(scene, replaced, memory).replaced = Some(scene.clock);
    }
    let Some((time, client, before_failed)) = before else {
        return Some(chain);
    };
    // One of them won.
    let is_race = scene.clock.since(time) <= RACE && failed != before_failed;
    let key = scene.key(Condition::RefreshRace, 0);
    if is_race && !active.again(key, scene.clock, presented, scene.client) {
        let mut clients = Few::of(scene.client);
        clients.add(client, 2);
        let apart = scene.clock.since(time).as_millis();
        let mut evidence = vec![format!(
            "one refresh token was used twice within {apart} ms, and one of the two was refused"
        )];
        evidence.push(match client == scene.client {
            true => "both came from the same address".to_owned(),
            false => "they came from different addresses".to_owned(),
        });
        let beginning = Beginning {
            concern: scene.service(),
            since: time,
            exchanges: 2,
            tokens: Few::of(presented),
            clients,
            evidence,
        };
        active.begin(key, scene.clock, beginning);
    }
    Some(chain)
}

/// Tokens came: remembers what each is, and from what it descends.
fn issued(scene: &Scene<'_>, grant: &Grant, chain: Option<u64>, memory: &mut Memory) {
    let role = |role: Role| grant.issued(role).map(|token| token.0 | 1);
    let (access, refresh) = (role(Role::AccessToken), role(Role::RefreshToken));
    let chain = chain.or(refresh).unwrap_or(0);
    for (token, kind) in [
        (access, None),
        (refresh, Some(REFRESH)),
        (role(Role::IdToken), Some(ID)),
    ] {
        if let Some(token) = token {
            let birth = birth(scene, token, memory);
            birth.kind = kind;
            birth.issued = Some(scene.clock);
            birth.chain = chain;
        }
    }
    // Without a new one, the old refresh token goes on.
    let presented = grant.presented(Role::RefreshToken).map(|token| token.0 | 1);
    if let Some((refresh, access)) = refresh.or(presented).zip(access) {
        let known = memory.refreshes.entry(refresh, scene.at.shelf);
        (known.chain, known.access) = (chain, access);
    }
}

fn birth<'a>(scene: &Scene<'_>, token: u64, memory: &'a mut Memory) -> &'a mut Birth {
    let token = memory.tokens.refused(token, scene.at.shelf);
    token.birth.get_or_insert_default()
}
