//! From the fields of a request to the credential it showed.

use std::num::NonZeroUsize;
use std::sync::Arc;

use httparse::Header;
use lru::LruCache;

use super::carrier::{Form, Found};
use super::field::{Parts, take_apart};
use super::jwt::{self, Reading};
use super::secret::Secret;
use super::{Carrier, Credential, Defect, Echo, Fingerprint, Kind, Policy, Signer, scheme};
use crate::digest::{Digest, DigestKey};

/// How many credentials one inspector remembers. At 1 to 4 KiB each, 8 to 32 MiB.
pub const MAX_REMEMBERED: usize = 8192;
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(MAX_REMEMBERED).unwrap();

/// Takes credentials apart, each distinct one once. One per worker.
///
/// Per request it costs one fast hash over the field; the fingerprint, reading it and checking its
/// signature are done when it is seen for the first time.
pub struct Inspector {
    policy: Arc<Policy>,
    key: DigestKey,
    /// Of the fetched key sets that what is remembered was checked with.
    generation: u64,
    seen: LruCache<Key, Arc<Credential>>,
}

/// The value as a whole, not the token alone: what is wrong around the token belongs to the credential,
/// too. Where it was, how many fields there were, and whether it was cut.
type Key = (Digest, Carrier, usize, bool);

impl Inspector {
    /// An inspector that has seen nothing.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            key: DigestKey::default(),
            generation: 0,
            seen: LruCache::sparse(REMEMBERED),
        }
    }

    /// Forgets what was checked with key sets that are out of date. True when there were any.
    pub fn renew(&mut self) -> bool {
        let generation = self.policy.fetched().generation();
        let is_old = self.generation != generation;
        if is_old {
            self.generation = generation;
            self.seen.clear();
        }
        is_old
    }

    /// The credential among the fields of a request's head. `None`: there is no Authorization field.
    ///
    /// `cut`: the capture ended inside the last of these fields. What is wrong with the end of a
    /// credential in that field is then not said, for the server got more than we did.
    pub fn inspect(&mut self, fields: &[Header<'_>], cut: bool) -> Option<Arc<Credential>> {
        let mut found = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.name.eq_ignore_ascii_case("authorization"));
        let (at, first) = found.next()?;
        let more = found.count();
        let cut = cut && at + 1 == fields.len();
        let key = (
            self.key.of(first.value),
            Carrier::Authorization,
            more + 1,
            cut,
        );
        Some(self.remembered(key, |this| {
            this.read(take_apart(first.value), more + 1, cut)
        }))
    }

    pub(super) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// The credential that travelled in another place.
    pub(super) fn read_found(&mut self, found: &Found<'_>, cut: bool) -> Arc<Credential> {
        let value = found.value.bytes();
        let key = (self.key.of(value), found.carrier.clone(), 1, cut);
        self.remembered(key, |this| {
            let mut credential = this.read(parts(value, found.form), 1, cut);
            if found.carrier == Carrier::Field("x-amzn-oidc-data".into())
                && credential.claims.is_some()
            {
                let is_padding = |defect: &Defect| matches!(defect, Defect::BadBase64 { .. });
                credential.defects.retain(|defect| !is_padding(defect));
            }
            Credential {
                carrier: found.carrier.clone(),
                ..credential
            }
        })
    }

    fn remembered(&mut self, key: Key, read: impl FnOnce(&Self) -> Credential) -> Arc<Credential> {
        if let Some(known) = self.seen.get(&key) {
            return Arc::clone(known);
        }
        let credential = Arc::new(read(self));
        self.seen.put(key, Arc::clone(&credential));
        credential
    }

    fn read(&self, parts: Parts<'_>, fields: usize, cut: bool) -> Credential {
        let inner = parts
            .is("basic")
            .then(|| jwt_in_basic(parts.token))
            .flatten();
        let (sent, is_basic) = (parts.token, parts.is("basic"));
        let token = inner.as_ref().map_or(parts.token, Secret::expose);
        let reading = match inner {
            Some(_) => jwt::read(token, cut, &self.policy),
            None => self.read_token(&parts, cut),
        };
        let scheme = parts.scheme.map(|sent| scheme::shown(sent).to_owned());
        let mut defects = parts.defects;
        if cut {
            // `Bearer` and nothing more is what a cut leaves.
            defects.retain(|defect| !matches!(defect, Defect::Empty | Defect::MissingScheme));
        }
        if fields > 1 {
            defects.push(Defect::Repeated { fields });
        }
        defects.extend(reading.defects);
        let fingerprint: Option<Fingerprint> =
            (!cut && !token.is_empty()).then(|| self.policy.key.fingerprint(&[token]));
        let echo = match reading.kind {
            // It may be the start of a secret.
            _ if scheme.as_deref() == Some(scheme::OTHER) => Echo::of_words(parts.value),
            _ if is_basic => Echo::of_basic(sent, cut),
            _ if parts.rest != sent => Echo::of_words(parts.rest),
            // Their shape gives them away wherever they are repeated.
            Kind::Jwt | Kind::Jwe => Echo::default(),
            _ => Echo::of(sent),
        };
        let claims = reading.claims.as_ref();
        let issuer = claims.and_then(|claims| claims.issuer.as_deref());
        let header = reading.header.as_ref();
        let kid = header.and_then(|header| header.kid.as_deref());
        Credential {
            carrier: Carrier::Authorization,
            scheme,
            kind: reading.kind,
            fingerprint,
            signer: issuer.map(|issuer| Signer::of(issuer, kid)),
            length: token.len(),
            cut,
            header: reading.header,
            claims: reading.claims,
            defects,
            signature: reading.signature,
            proof: reading.proof.map(Arc::new),
            echo,
        }
    }

    fn read_token(&self, parts: &Parts<'_>, cut: bool) -> Reading {
        let is_bearer = parts.is("bearer") || parts.is("dpop") || parts.is("jwt");
        let is_jwt = jwt::looks_like_one(parts.token);
        if is_bearer || (is_jwt && !parts.is("basic")) {
            let mut reading = jwt::read(parts.token, cut, &self.policy);
            if !is_bearer && parts.scheme.is_some() {
                reading.defects.insert(0, Defect::WrongScheme);
            }
            return reading;
        }
        if parts.is("basic") {
            let mut reading = Reading::of(Kind::Basic);
            if is_jwt {
                reading.defects.push(Defect::WrongScheme);
            }
            return reading;
        }
        Reading::of(if parts.scheme.is_none() {
            Kind::Opaque
        } else {
            Kind::Other
        })
    }
}

/// The JWT that stands as the user or the password of Basic credentials (RFC 7617), as oauth2-proxy, GitLab and
/// container registries take it.
fn jwt_in_basic(token: &[u8]) -> Option<Secret> {
    let pair = Secret::of_basic(token)?;
    let mut halves = pair.expose().splitn(2, |byte| *byte == b':');
    let jwt = halves.find(|half| jwt::is_one(half))?;
    Some(Secret::new(jwt.to_vec()))
}

/// A value taken apart. A token that stands alone is not looked at for schemes that it may begin with.
fn parts(value: &[u8], form: Form) -> Parts<'_> {
    let is_scheme = |scheme: &[u8]| {
        value
            .split_at_checked(scheme.len())
            .is_some_and(|(start, _)| start.eq_ignore_ascii_case(scheme))
    };
    if form == Form::Scheme || is_scheme(b"bearer ") || is_scheme(b"basic ") {
        return take_apart(value);
    }
    let token = value.trim_ascii();
    Parts {
        scheme: None,
        token,
        rest: token,
        value: token,
        defects: Vec::new(),
    }
}
