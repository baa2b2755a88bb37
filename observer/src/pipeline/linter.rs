//! Looks at each token once for each service that it was sent to.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::credential::{Credential, Fingerprint, MAX_REMEMBERED};
use crate::exchange::{Exchange, Side};
use crate::verdict::{Linted, lints};

/// How many tokens are remembered to have been looked at: about 64 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(MAX_REMEMBERED).expect("it is not zero");

/// Gives the lints of tokens that were not seen before.
pub(super) struct Linter {
    /// `None`: nobody wants to know.
    seen: Option<LruCache<(Fingerprint, Arc<str>), ()>>,
    /// The latest token and its service, for whoever sends the same again.
    latest: Option<(Arc<Credential>, Arc<str>)>,
}

impl Linter {
    /// `wanted`: whether anybody wants to know.
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            seen: wanted.then(|| LruCache::sparse(REMEMBERED)),
            latest: None,
        }
    }

    /// The lints of the token of an exchange. `None`: it has none, or they were told before, or another end of
    /// the exchange tells them.
    pub(super) fn lint(&mut self, exchange: &Exchange, service: &Arc<str>) -> Option<Vec<Linted>> {
        let seen = self.seen.as_mut()?;
        let credential = exchange.request.as_ref()?.credential.as_ref()?;
        if exchange.connection.side == Side::Client {
            return None;
        }
        let is_latest = self.latest.as_ref().is_some_and(|(latest, at)| {
            Arc::ptr_eq(latest, credential) && Arc::ptr_eq(at, service)
        });
        if is_latest {
            return None;
        }
        self.latest = Some((Arc::clone(credential), Arc::clone(service)));
        let key = (credential.fingerprint?, Arc::clone(service));
        if seen.put(key, ()).is_some() {
            return None;
        }
        Some(lints(credential)).filter(|lints| !lints.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    fn told(linter: &mut Linter, exchange: &Exchange, service: &str) -> usize {
        let lints = linter.lint(exchange, &service.into());
        lints.map_or(0, |lints| lints.len())
    }

    #[test]
    fn a_token_is_told_once_for_each_service() {
        let exchange = sample::exchange();
        let mut linter = Linter::new(true);
        let first = told(&mut linter, &exchange, "a");
        assert!(first > 0);
        assert_eq!(told(&mut linter, &exchange, "a"), 0);
        assert_eq!(told(&mut linter, &exchange, "b"), first);
        assert_eq!(told(&mut linter, &exchange, "a"), 0);
        let mut other = exchange.clone();
        let request = other.request.as_mut().unwrap();
        let mut credential = (**request.credential.as_ref().unwrap()).clone();
        credential.fingerprint = Some(Fingerprint(1));
        request.credential = Some(Arc::new(credential));
        assert_eq!(told(&mut linter, &other, "a"), first);
        other.connection.side = Side::Client;
        assert_eq!(told(&mut linter, &other, "c"), 0);
    }

    #[test]
    fn where_nobody_wants_to_know_nothing_is_looked_at() {
        assert_eq!(told(&mut Linter::new(false), &sample::exchange(), "a"), 0);
    }
}
