//! What the one who answers is called.

mod naming;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::exchange::{Connection, Side};
use crate::identity::{Listener, Listeners, Process};
use crate::packet::{Handling, UnixEnds};
use crate::redact;

pub use naming::{Address, ID_DIGITS, Naming, checked};

/// Names services: as it was told to, else by the container or systemd unit of the process that was
/// seen to answer or, on this host, that listens, else by that process with its port; else by the
/// server's address.
///
/// No name has the number of a process in it, so it stays the same when a service is started again.
pub struct Services {
    /// What the command line says.
    given: Vec<Naming>,
    /// What the configuration says.
    configured: Vec<Naming>,
    seen: LruCache<SocketAddr, Seen>,
    /// What servers are called of which nothing was seen.
    unseen: LruCache<SocketAddr, Arc<str>>,
    /// By what a unix socket is bound to.
    unix: LruCache<String, Arc<str>>,
    listeners: Option<Listeners>,
}

/// Who was seen at an address, and the name that came of it.
struct Seen {
    process: String,
    known: Option<Arc<Process>>,
    name: Arc<str>,
}

impl Services {
    /// With the names that were given for addresses.
    pub fn new(given: impl IntoIterator<Item = (SocketAddr, String)>) -> Self {
        Self {
            given: given
                .into_iter()
                .map(|(address, name)| Naming::by_address(address, &name))
                .collect(),
            configured: Vec::new(),
            seen: LruCache::sparse(REMEMBERED),
            unseen: LruCache::sparse(REMEMBERED),
            unix: LruCache::sparse(REMEMBERED),
            listeners: None,
        }
    }

    /// Asks this host who listens on a port, where no exchange has told.
    pub fn of_this_host(mut self) -> Self {
        self.listeners = Some(Listeners::default());
        self
    }

    /// Takes names from a configuration, in place of those of the one before.
    pub fn configure(&mut self, names: Vec<Naming>) {
        self.configured = names;
        self.seen.clear();
        self.unseen.clear();
        self.unix.clear();
    }

    /// The name of the server of a connection. `handled`: who handled an exchange at this end, where
    /// that is known.
    ///
    /// A client's end gets the name that was last seen at the server's end of the same address.
    pub fn name(&mut self, connection: &Connection, handled: Option<&Handling>) -> Arc<str> {
        if let Some(ends) = &connection.unix {
            return self.of_unix(connection, ends, handled);
        }
        let server = connection.server;
        if let (Side::Server, Some(handled)) = (connection.side, handled) {
            return self.seen_at(server, handled);
        }
        if let Some(seen) = self.seen.get(&server) {
            return Arc::clone(&seen.name);
        }
        if let Some(name) = self.unseen.get(&server) {
            return Arc::clone(name);
        }
        if let Some(name) = self.by_rule(server, None) {
            self.unseen.put(server, Arc::clone(&name));
            return name;
        }
        let here = connection.side == Side::Server || server.ip().is_loopback();
        let listener = self
            .listeners
            .as_mut()
            .filter(|_| here)
            .and_then(|listeners| listeners.on(server.port()));
        match listener {
            Some(Listener { pid, name, known }) => {
                self.of_process(server, &server.port().to_string(), &name, pid, &known)
            }
            None => {
                let name: Arc<str> = Arc::from(server.to_string());
                // Somebody may listen there later.
                if self.listeners.is_none() {
                    self.unseen.put(server, Arc::clone(&name));
                }
                name
            }
        }
    }

    /// The name of the server of a unix socket: its process with the path, or the path alone.
    fn of_unix(
        &mut self,
        connection: &Connection,
        ends: &UnixEnds,
        handled: Option<&Handling>,
    ) -> Arc<str> {
        let path = ends.path.as_deref().unwrap_or_default();
        match (connection.side, handled) {
            (Side::Server, Some(handled)) => {
                let place = redact::label(path, MAX_NAME);
                let (name, known) = (&handled.name, &handled.process);
                let name = self.of_process(connection.server, &place, name, handled.pid, known);
                self.unix.put(path.to_owned(), Arc::clone(&name));
                name
            }
            _ => match self.unix.get(path) {
                Some(name) => Arc::clone(name),
                None => Arc::from(format!("unix:{}", redact::label(path, MAX_NAME))),
            },
        }
    }

    fn seen_at(&mut self, server: SocketAddr, handled: &Handling) -> Arc<str> {
        let known = &handled.process;
        if let Some(seen) = self.seen.get(&server)
            && seen.process == handled.name
            && (same(&seen.known, known) || !is_whole(known))
        {
            return Arc::clone(&seen.name);
        }
        let name = self.of_process(
            server,
            &server.port().to_string(),
            &handled.name,
            handled.pid,
            known,
        );
        let seen = Seen {
            process: handled.name.clone(),
            known: known.clone(),
            name: Arc::clone(&name),
        };
        self.seen.put(server, seen);
        name
    }

    fn of_process(
        &self,
        server: SocketAddr,
        place: &str,
        process: &str,
        pid: u32,
        known: &Option<Arc<Process>>,
    ) -> Arc<str> {
        let known = known.as_deref();
        if let Some(name) = self.by_rule(server, known) {
            return name;
        }
        if let Some(workload) = known.and_then(|known| known.workload.as_deref()) {
            return Arc::from(redact::label(workload, MAX_NAME));
        }
        let executable = known.and_then(|known| known.executable.as_deref());
        let file = executable.and_then(|path| path.rsplit('/').next());
        let process = if process.is_empty() || has_number(process, pid) {
            file
        } else {
            Some(process)
        };
        match process {
            Some(process) => {
                let process = redact::label(process, MAX_NAME);
                Arc::from(format!("{process}:{place}"))
            }
            None => Arc::from(server.to_string()),
        }
    }

    fn by_rule(&self, server: SocketAddr, known: Option<&Process>) -> Option<Arc<str>> {
        self.given
            .iter()
            .chain(&self.configured)
            .find(|naming| naming.fits(server, known))
            .map(|naming| Arc::clone(&naming.name))
    }
}

/// Whether the same is known, as far as it matters here. It is shared as long as it holds.
fn same(a: &Option<Arc<Process>>, b: &Option<Arc<Process>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.is_like(b),
        (None, None) => true,
        _ => false,
    }
}

/// Whether all was read of a process. Of one that ended before, little is known, and another name
/// for the same service would come of it.
fn is_whole(known: &Option<Arc<Process>>) -> bool {
    known
        .as_ref()
        .is_some_and(|known| known.executable.is_some())
}

/// Whether a name has the number of its process in it: `worker-4121`, `worker4121`. A small number may
/// stand at the end of a word by chance (`python3`).
fn has_number(name: &str, pid: u32) -> bool {
    let number = pid.to_string();
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word == number || (pid >= 1000 && word.ends_with(&number)))
}

/// Whether a service is meant by what a person wrote: its whole name, or the part before the port.
pub fn is_meant(service: &str, written: &str) -> bool {
    service == written
        || service
            .rsplit_once(':')
            .is_some_and(|(name, _)| name == written)
}

/// How many servers' names are remembered, at about 300 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// The longest name of a process, container or unit in the name of a service, in bytes.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests;
