//! Validators that judge and answer as real ones do.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::world::{ISSUER, START};
use crate::credential::Credential;
use crate::exchange::Side;

/// Who checks.
#[derive(Clone)]
pub(super) struct Validator {
    pub(super) service: Arc<str>,
    pub(super) server: SocketAddr,
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    /// Kids that it knows. `None`: it cannot get them.
    pub(super) kids: Option<BTreeSet<String>>,
    pub(super) revoked: BTreeSet<u64>,
    /// How far its clock is ahead, in milliseconds.
    pub(super) ahead: i64,
    pub(super) voice: Voice,
    /// When its process started.
    pub(super) started: Option<i64>,
    pub(super) side: Side,
}

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Voice {
    Envoy,
    Golang,
    /// 401, whatever it was.
    Mute,
}

/// What it says of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ruling {
    Good,
    Missing,
    Malformed,
    Issuer,
    Early(i64),
    Expired(i64),
    Audience,
    NoKeys,
    Key,
    Revoked,
}

pub(super) fn validator(service: &str, server: &str, voice: Voice) -> Validator {
    Validator {
        service: service.into(),
        server: server.parse().unwrap(),
        issuers: vec![ISSUER.to_owned()],
        audiences: vec!["api".to_owned()],
        kids: Some(BTreeSet::from(["k1".to_owned()])),
        revoked: BTreeSet::new(),
        ahead: 0,
        voice,
        started: None,
        side: Side::Wire,
    }
}

impl Validator {
    pub(super) fn rule(&self, token: Option<&Credential>, now: i64) -> Ruling {
        let Some(token) = token else {
            return Ruling::Missing;
        };
        let claims = token.claims.as_ref().unwrap();
        let now = START as f64 + (now + self.ahead) as f64 / 1e3;
        let has = |list: &[String], one: &str| list.iter().any(|known| known == one);
        if !token.defects.is_empty() {
            return Ruling::Malformed;
        }
        if !has(&self.issuers, claims.issuer.as_deref().unwrap_or_default()) {
            return Ruling::Issuer;
        }
        let early = [claims.not_before, claims.issued]
            .into_iter()
            .flatten()
            .fold(0.0_f64, |most, time| most.max(time - now));
        if early > 0.0 {
            return Ruling::Early(early as i64);
        }
        let late = claims.expires.map_or(0.0, |time| now - time);
        if late > 0.0 {
            return Ruling::Expired(late as i64);
        }
        if !claims.audience.iter().any(|one| has(&self.audiences, one)) {
            return Ruling::Audience;
        }
        let kid = token
            .header
            .as_ref()
            .and_then(|header| header.kid.as_deref());
        match &self.kids {
            None => Ruling::NoKeys,
            Some(kids) if !kids.contains(kid.unwrap_or_default()) => Ruling::Key,
            Some(_) if self.revoked.contains(&token.fingerprint.unwrap().0) => Ruling::Revoked,
            Some(_) => Ruling::Good,
        }
    }

    pub(super) fn answer(&self, ruling: Ruling) -> (u16, Option<&'static str>, String) {
        let status = match ruling {
            Ruling::Good => return (200, None, String::new()),
            Ruling::Audience if self.voice == Voice::Envoy => 403,
            _ => 401,
        };
        let realm = "Bearer realm=\"http://api/\", error=\"invalid_token\"";
        let (challenge, body) = match (self.voice, ruling) {
            (Voice::Mute, _) => return (401, None, String::new()),
            (_, Ruling::Missing) => ("Bearer realm=\"http://api/\"", "Jwt is missing".to_owned()),
            (Voice::Golang, Ruling::Expired(late)) => (
                realm,
                format!(
                    "token has invalid claims: token is expired by {}m{}s",
                    late / 60,
                    late % 60
                ),
            ),
            (_, Ruling::Good) => (realm, String::new()),
            (_, Ruling::Malformed) => (
                realm,
                "Jwt is not in the form of Header.Payload.Signature".to_owned(),
            ),
            (_, Ruling::Issuer) => (realm, "Jwt issuer is not configured".to_owned()),
            (_, Ruling::Early(_)) => (realm, "Jwt not yet valid".to_owned()),
            (_, Ruling::Expired(_)) => (realm, "Jwt is expired".to_owned()),
            (_, Ruling::Audience) => (realm, "Audiences in Jwt are not allowed".to_owned()),
            (_, Ruling::NoKeys) => (realm, "Jwks remote fetch is failed".to_owned()),
            (_, Ruling::Key) => (
                realm,
                "Jwks doesn't have key to match kid or alg from Jwt".to_owned(),
            ),
            (_, Ruling::Revoked) => (realm, String::new()),
        };
        (status, Some(challenge), body)
    }
}
