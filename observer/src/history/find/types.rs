//! Tokens that are no access tokens.

use crate::credential::Credential;
use crate::history::active::Beginning;
use crate::history::condition::Condition;
use crate::history::sighting::Why;

use super::Find;

/// The index of refresh tokens among what is no access token.
pub(in crate::history) const REFRESH: usize = 0;
/// The index of ID tokens.
pub(in crate::history) const ID: usize = 1;

/// So many refusals are wanted.
const WANTED: u32 = 3;

/// What a token is by its claims, where it is no access token: [`REFRESH`] or [`ID`], and what says so.
pub(in crate::history) fn kind_of(credential: &Credential) -> Option<(usize, String)> {
    let claims = credential.claims.as_ref()?;
    if let Some((name, value)) = claims.marked(&["refresh", "offline", "refresh_token"]) {
        return Some((REFRESH, format!("the claim {name} is {value}")));
    }
    if let Some((name, value)) = claims.marked(&["id", "id_token"]) {
        return Some((ID, format!("the claim {name} is {value}")));
    }
    // RFC 9068 marks access tokens; ID tokens have these claims (OpenID Connect Core section 2) and no scope.
    let typ = credential.header.as_ref()?.typ.as_deref();
    if typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt")) || !claims.scopes.is_empty() {
        return None;
    }
    let has = |name: &str| {
        claims.shown.contains_key(name) || claims.withheld.iter().any(|one| one == name)
    };
    let own = ["at_hash", "c_hash", "nonce"]
        .into_iter()
        .find(|name| has(name))?;
    Some((
        ID,
        format!("it has the claim {own} and no scope, as ID tokens do"),
    ))
}

impl Find<'_> {
    /// Whether the token is one that belongs elsewhere, and the service takes none such.
    pub(super) fn types(&mut self) -> bool {
        let scene = self.scene;
        if matches!(
            self.why,
            Why::Expired | Why::Early | Why::Keys | Why::Policy
        ) {
            return false;
        }
        let credential = scene.sighting.credential();
        let seen = self.birth().and_then(|birth| birth.kind);
        let seen = seen.map(|kind| (kind, "it was seen when it was issued".to_owned()));
        let Some((kind, says)) = seen.or_else(|| kind_of(credential?)) else {
            return false;
        };
        let condition = match kind {
            REFRESH => Condition::RefreshTokenUsedAsAccess,
            _ => Condition::IdTokenUsedAsAccess,
        };
        let key = scene.key(condition, 0);
        if self.again(key) {
            return true;
        }
        let service = self.memory.services.entry(scene.at.service, scene.at.shelf);
        let takes = service.takes.get(kind).copied().unwrap_or_default();
        let Some(row) = service.refused.get_mut(kind).filter(|_| !takes) else {
            return false;
        };
        row.add(scene.clock, self.why, scene.token, scene.client);
        if row.count < WANTED {
            return false;
        }
        let mut evidence = vec![says];
        if self.why == Why::Audience {
            evidence.push(
                "the service names the audience, which is the client's in an ID token".to_owned(),
            );
        }
        let beginning = Beginning::of(scene.issuer(), row, evidence);
        self.begin(key, beginning)
    }
}
