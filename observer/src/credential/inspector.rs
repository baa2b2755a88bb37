//! From the fields of a request to the credential it showed.

use std::num::NonZeroUsize;
use std::sync::Arc;

use httparse::Header;
use lru::LruCache;

use super::field::{Parts, take_apart};
use super::jwt::{self, Reading};
use super::{Carrier, Credential, Defect, Echo, Fingerprint, Kind, Policy};
use crate::digest::{Digest, DigestKey};
use crate::redact;

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
    seen: LruCache<(Digest, usize, bool), Arc<Credential>>,
}

impl Inspector {
    /// An inspector that has seen nothing.
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            key: DigestKey::default(),
            seen: LruCache::sparse(REMEMBERED),
        }
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
        Some(self.inspect_value(first.value, more + 1, cut))
    }

    fn inspect_value(&mut self, value: &[u8], fields: usize, cut: bool) -> Arc<Credential> {
        // The value as a whole is the key, not the token alone: what is wrong around the token belongs
        // to the credential, too.
        let key = (self.key.of(value), fields, cut);
        if let Some(known) = self.seen.get(&key) {
            return Arc::clone(known);
        }
        let credential = Arc::new(self.read(take_apart(value), fields, cut));
        self.seen.put(key, Arc::clone(&credential));
        credential
    }

    fn read(&self, parts: Parts<'_>, fields: usize, cut: bool) -> Credential {
        let token = parts.token;
        let reading = self.read_token(&parts, cut);
        let scheme = parts
            .scheme
            .map(|scheme| redact::bytes(scheme, 32).to_ascii_lowercase());
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
            // Their shape gives them away wherever they are repeated.
            Kind::Jwt | Kind::Jwe => Echo::default(),
            kind => Echo::of(token, kind == Kind::Basic),
        };
        Credential {
            carrier: Carrier::Authorization,
            scheme,
            kind: reading.kind,
            fingerprint,
            length: token.len(),
            cut,
            header: reading.header,
            claims: reading.claims,
            defects,
            signature: reading.signature,
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
