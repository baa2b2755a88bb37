//! Who serves TLS here, as far as that shows without a look at any traffic.

use procfs::net::{TcpState, tcp, tcp6};
use serde::Serialize;

use crate::identity::Listeners;
use crate::redact;

/// A port of TLS that somebody listens on.
#[derive(Serialize)]
pub(super) struct TlsPort {
    /// Who listens, with the port.
    service: String,
    /// How many connections are established there now.
    connections: usize,
}

impl TlsPort {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self {
            service,
            connections,
        } = self;
        let noun = if *connections == 1 {
            "connection"
        } else {
            "connections"
        };
        format!("{service}: {connections} TLS {noun} now, contents not readable yet")
    }
}

/// Ports on which servers speak TLS by custom: HTTPS and its usual alternatives, the Kubernetes API, its
/// kubelets. What is spoken elsewhere shows when `observer run` sees it.
const PORTS: [u16; 5] = [443, 8443, 9443, 6443, 10250];

/// The ports of TLS in the network namespace of this process.
pub(super) fn ports() -> Vec<TlsPort> {
    let tables = [tcp(), tcp6()];
    let established = |port: u16| {
        let entries = tables.iter().flatten().flatten();
        entries
            .filter(|entry| entry.state == TcpState::Established)
            .filter(|entry| entry.local_address.port() == port)
            .count()
    };
    let mut listeners = Listeners::default();
    PORTS
        .into_iter()
        .filter_map(|port| {
            let listener = listeners.on(port)?;
            let name = redact::label(&listener.name, MAX_NAME);
            Some(TlsPort {
                service: format!("{name}:{port}"),
                connections: established(port),
            })
        })
        .collect()
}

/// The longest name of a process that is shown, in bytes.
const MAX_NAME: usize = 64;
