//! What the one who answers is called.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::exchange::{Connection, Side};
use crate::identity::Listeners;
use crate::redact;

/// Names services: as it was told to, else by the process that was seen to answer or, on this host,
/// that listens, with its port; else by the server's address.
pub struct Services {
    given: HashMap<SocketAddr, Arc<str>>,
    seen: LruCache<SocketAddr, Arc<str>>,
    listeners: Option<Listeners>,
}

impl Services {
    /// With the names that were given.
    pub fn new(given: impl IntoIterator<Item = (SocketAddr, String)>) -> Self {
        Self {
            given: given
                .into_iter()
                .map(|(address, name)| (address, Arc::from(name)))
                .collect(),
            seen: LruCache::new(REMEMBERED),
            listeners: None,
        }
    }

    /// Asks this host who listens on a port, where no exchange has told.
    pub fn of_this_host(mut self) -> Self {
        self.listeners = Some(Listeners::default());
        self
    }

    /// The name of the server of a connection. `process` is the name of the process at this end,
    /// where it is known.
    ///
    /// A client's end gets the name that was last seen at the server's end of the same address.
    pub fn name(&mut self, connection: &Connection, process: Option<&str>) -> Arc<str> {
        let server = connection.server;
        if let Some(name) = self.given.get(&server) {
            return Arc::clone(name);
        }
        if let (Side::Server, Some(process)) = (connection.side, process) {
            return self.seen_at(server, process);
        }
        if let Some(name) = self.seen.get(&server) {
            return Arc::clone(name);
        }
        let here = connection.side == Side::Server || server.ip().is_loopback();
        match &mut self.listeners {
            Some(listeners) if here => match listeners.name(server.port()) {
                Some(process) => name_of(process, server),
                None => Arc::from(server.to_string()),
            },
            _ => Arc::from(server.to_string()),
        }
    }

    fn seen_at(&mut self, server: SocketAddr, process: &str) -> Arc<str> {
        if let Some(name) = self.seen.get(&server)
            && let Some((known, _)) = name.rsplit_once(':')
            && known == process
        {
            return Arc::clone(name);
        }
        let name = name_of(process, server);
        self.seen.put(server, Arc::clone(&name));
        name
    }
}

fn name_of(process: &str, server: SocketAddr) -> Arc<str> {
    let process = redact::label(process, MAX_NAME);
    Arc::from(format!("{process}:{}", server.port()))
}

/// Whether a service is meant by what a person wrote: its whole name, or the part before the port.
pub fn is_meant(service: &str, written: &str) -> bool {
    service == written
        || service
            .rsplit_once(':')
            .is_some_and(|(name, _)| name == written)
}

/// How many servers' names are remembered: about 100 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("it is not zero");
/// The longest name of a process in the name of a service, in bytes.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    fn connection(side: Side) -> Connection {
        Connection {
            side,
            ..sample::exchange().connection
        }
    }

    #[test]
    fn a_given_name_wins() {
        let server = connection(Side::Server);
        let mut services = Services::new([(server.server, "orders".to_owned())]);
        assert_eq!(&*services.name(&server, Some("python3")), "orders");
        assert_eq!(&*services.name(&connection(Side::Wire), None), "orders");
    }

    #[test]
    fn a_client_learns_the_name_from_the_server() {
        let mut services = Services::new([]);
        let client = connection(Side::Client);
        assert_eq!(&*services.name(&client, Some("curl")), "10.0.0.1:8080");
        let server = connection(Side::Server);
        assert_eq!(&*services.name(&server, Some("nginx")), "nginx:8080");
        assert_eq!(&*services.name(&client, Some("curl")), "nginx:8080");
        assert_eq!(&*services.name(&server, None), "nginx:8080");
        assert_eq!(&*services.name(&server, Some("caddy")), "caddy:8080");
    }

    #[test]
    fn a_service_is_meant_with_and_without_its_port() {
        assert!(is_meant("nginx:8080", "nginx:8080"));
        assert!(is_meant("nginx:8080", "nginx"));
        assert!(is_meant("orders", "orders"));
        assert!(is_meant("[::1]:80", "[::1]"));
        assert!(!is_meant("nginx:8080", "nginx:80"));
        assert!(!is_meant("nginx:8080", "ngin"));
    }
}
