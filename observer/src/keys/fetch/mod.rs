//! Fetches the key sets of issuers that the operator named, and fetches them again before they are old.
//!
//! The only connections that observer makes, and only when it is asked to. It knows nothing of packets:
//! what it fetched, it puts where signatures are checked.

mod client;
mod rhythm;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::credential::{Fetched, KeySet};

pub use client::{Client, FetchError};
pub use rhythm::Rhythm;

/// Whether something is fetched at a URL, rather than read from a file.
pub fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Where the keys of an issuer are fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remote {
    /// Exactly as `iss` of the tokens has it.
    pub issuer: String,
    /// The key set. `None`: where the issuer's discovery document says.
    pub url: Option<String>,
}

impl Remote {
    /// Of an argument of `--jwks`: `ISSUER=URL`, or a URL alone, which is an issuer that has a discovery
    /// document. `None`: it is neither.
    pub fn of(argument: &str) -> Option<Self> {
        // Both may have signs of their own.
        let signs = argument
            .match_indices('=')
            .map(|(at, _)| argument.split_at(at));
        let pair = |(issuer, rest): (&str, &str)| {
            let url = rest.strip_prefix('=').filter(|url| is_url(url))?;
            (!issuer.is_empty()).then(|| (issuer.to_owned(), url.to_owned()))
        };
        if let Some((issuer, url)) = signs.filter_map(pair).next() {
            return Some(Self {
                issuer,
                url: Some(url),
            });
        }
        (is_url(argument) && !argument.contains('=')).then(|| Self::discovered(argument))
    }

    /// An issuer with a discovery document.
    pub fn discovered(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            url: None,
        }
    }

    /// Fetches the set, and says for how long it may be kept.
    ///
    /// # Errors
    /// There is none, or none that can be used.
    pub fn fetch(&self, client: &Client) -> Result<(KeySet, Option<Duration>), FetchError> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => client.discover(&self.issuer)?,
        };
        let (body, max_age) = client.get(&url)?;
        let set = KeySet::read(&body).map_err(|unusable| FetchError::NotKeys {
            url: crate::redact::url(&url),
            unusable,
        })?;
        Ok((set, max_age))
    }
}

/// Keeps the key sets of issuers up to date.
pub struct Fetcher {
    remotes: Vec<Due>,
    client: Client,
    rhythm: Rhythm,
    fetched: Arc<Fetched>,
}

struct Due {
    remote: Remote,
    /// When it is fetched next.
    at: Instant,
    /// When it was fetched last, and whether that is so long ago that a key may have come since.
    last: Option<(Instant, bool)>,
    failures: u32,
}

impl Fetcher {
    /// Fetches these, and puts what comes there.
    pub fn new(
        remotes: Vec<Remote>,
        client: Client,
        rhythm: Rhythm,
        fetched: Arc<Fetched>,
    ) -> Self {
        let at = Instant::now();
        let due = |remote| Due {
            remote,
            at,
            last: None,
            failures: 0,
        };
        Self {
            remotes: remotes.into_iter().map(due).collect(),
            client,
            rhythm,
            fetched,
        }
    }

    /// Fetches each once.
    ///
    /// # Errors
    /// One could not be fetched.
    pub fn once(self) -> Result<(), FetchError> {
        for Due { remote, .. } in &self.remotes {
            let (set, _) = remote.fetch(&self.client)?;
            self.fetched.put(&remote.issuer, set);
        }
        Ok(())
    }

    /// Fetches them from a thread of its own until the process ends.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(mut self) -> io::Result<()> {
        let thread = thread::Builder::new().name("observer-keys".to_owned());
        thread.spawn(move || {
            loop {
                let wait = self.turn(Instant::now());
                let missed = self.fetched.missed(wait);
                self.hurry(&missed, Instant::now());
            }
        })?;
        Ok(())
    }

    /// Fetches what is due. Gives how long nothing will be.
    fn turn(&mut self, now: Instant) -> Duration {
        let mut next = now + Rhythm::LONGEST;
        for due in &mut self.remotes {
            if due.at <= now {
                due.fetch(&self.client, &self.rhythm, &self.fetched);
            }
            next = next.min(due.at);
            if let Some((last, old)) = &mut due.last
                && !*old
            {
                let until = *last + self.rhythm.cooldown;
                if until <= Instant::now() {
                    *old = true;
                    self.fetched.age(&due.remote.issuer);
                } else {
                    next = next.min(until);
                }
            }
        }
        next.saturating_duration_since(Instant::now())
    }

    /// A key was wanted that the sets of these issuers do not have: they are fetched again soon, and not
    /// more often than the cool-down allows, whatever tokens come.
    fn hurry(&mut self, issuers: &[String], now: Instant) {
        for due in &mut self.remotes {
            let is_meant = issuers.contains(&due.remote.issuer);
            if let (true, 0, Some((last, _))) = (is_meant, due.failures, due.last) {
                due.at = due.at.min((last + self.rhythm.cooldown).max(now));
            }
        }
    }
}

impl Due {
    fn fetch(&mut self, client: &Client, rhythm: &Rhythm, fetched: &Fetched) {
        let issuer = &self.remote.issuer;
        let done = self.remote.fetch(client);
        let now = Instant::now();
        match done {
            Ok((set, max_age)) => {
                fetched.count(issuer, "fetched");
                fetched.put(issuer, set);
                if self.failures > 0 {
                    tracing::warn!(
                        "the keys of {issuer} are fetched again, after {} failures",
                        self.failures
                    );
                }
                self.failures = 0;
                self.last = Some((now, false));
                self.at = now + rhythm.after_success(max_age);
            }
            Err(error) => {
                fetched.count(issuer, error.id());
                if self.failures == 0 {
                    tracing::warn!(
                        "the keys of {issuer} cannot be fetched: {error}. It is tried again, and not said \
                         again; what was fetched before is used until then"
                    );
                }
                self.failures = self.failures.saturating_add(1);
                self.at = now + rhythm.after_failure(self.failures);
            }
        }
    }
}
