//! Who is connected with whom over unix sockets, and who listens: from the kernel's table of them and
//! /proc, for the network namespace of the agent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::io;

use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{SOCK_STREAM, TCP_LISTEN},
    unix::{ShowFlags, StateFlags, UnixRequest, nlas::UnixDiagName},
};

use super::diag;
use super::sockets::{Owner, owners};

/// Processes that may speak over a socket with a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnixPair {
    /// Who called. `None`: nobody is connected now, or it is not known who.
    pub client: Option<Owner>,
    /// Who answers: it has the server's end open, or it listens. `None`: it is not known.
    pub server: Option<Owner>,
    /// The path that the server is bound to, an abstract name after `@`.
    pub path: String,
    /// How many connections they have now; 0: somebody listens, and nobody is connected.
    pub connections: usize,
}

/// All pairs of sockets of streams that have a name, those with most connections first. Pairs of which
/// this process is one are left out.
///
/// # Errors
/// The kernel does not give its table.
pub fn unix_pairs() -> io::Result<Vec<UnixPair>> {
    let sockets = sockets()?;
    let inodes = sockets.keys().map(|inode| (*inode, *inode)).collect();
    Ok(pairs(&sockets, &owners(&inodes), std::process::id()))
}

struct Socket {
    listens: bool,
    name: Option<String>,
    peer: Option<u64>,
}

fn sockets() -> io::Result<HashMap<u64, Socket>> {
    let request = SockDiagMessage::UnixRequest(UnixRequest {
        state_flags: StateFlags::all(),
        inode: 0,
        show_flags: ShowFlags::NAME | ShowFlags::PEER,
        cookie: [0xff; 8],
    });
    let mut sockets = HashMap::new();
    diag::dump(request, |found| {
        let SockDiagMessage::UnixResponse(found) = found else {
            return;
        };
        if found.header.kind != SOCK_STREAM {
            return;
        }
        let socket = Socket {
            listens: found.header.state == TCP_LISTEN,
            name: found.name().map(text),
            peer: found.peer().map(u64::from),
        };
        sockets.insert(u64::from(found.header.inode), socket);
    })?;
    Ok(sockets)
}

fn text(name: &UnixDiagName) -> String {
    match name {
        UnixDiagName::Pathname(path) => path.to_string_lossy().into_owned(),
        UnixDiagName::Abstract(name) => format!("@{}", String::from_utf8_lossy(name)),
    }
}

fn pairs(sockets: &HashMap<u64, Socket>, owners: &HashMap<u64, Owner>, own: u32) -> Vec<UnixPair> {
    let mut pairs = BTreeMap::new();
    for (inode, socket) in sockets {
        let Some(path) = &socket.name else {
            continue;
        };
        let server = owners.get(inode);
        // An accepted socket has the name of its listener, and who called mostly has none.
        let client = socket.peer.and_then(|peer| owners.get(&peer));
        let by_us = [server, client]
            .iter()
            .flatten()
            .any(|owner| owner.pid == own);
        if by_us || socket.peer.is_none() && !socket.listens {
            continue;
        }
        let pid = |owner: Option<&Owner>| owner.map(|owner| owner.pid);
        let pair = pairs
            .entry((path, pid(client), pid(server)))
            .or_insert_with(|| UnixPair {
                client: client.cloned(),
                server: server.cloned(),
                path: path.clone(),
                connections: 0,
            });
        pair.connections += usize::from(!socket.listens);
    }
    let mut pairs: Vec<UnixPair> = pairs.into_values().collect();
    let connected: Vec<String> = pairs
        .iter()
        .filter(|pair| pair.connections > 0)
        .map(|pair| pair.path.clone())
        .collect();
    pairs.retain(|pair| pair.connections > 0 || !connected.contains(&pair.path));
    pairs.sort_by_key(|pair| Reverse(pair.connections));
    pairs
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn who_is_connected_and_who_listens_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (busy, idle) = (path("busy.sock"), path("idle.sock"));
        let listener = UnixListener::bind(&busy).unwrap();
        let _idle = UnixListener::bind(&idle).unwrap();
        let connections: Vec<_> = (0..2)
            .map(|_| {
                let client = UnixStream::connect(&busy).unwrap();
                (client, listener.accept().unwrap())
            })
            .collect();
        let sockets = sockets().unwrap();
        let inodes = sockets.keys().map(|inode| (*inode, *inode)).collect();
        let owners = owners(&inodes);
        let ours = |path: &str, own: u32| -> Vec<_> {
            let all = pairs(&sockets, &owners, own);
            all.into_iter().filter(|pair| pair.path == path).collect()
        };
        let pid = |owner: &Option<Owner>| owner.as_ref().map(|owner| owner.pid);
        let own = std::process::id();
        let [pair] = &*ours(&busy, 0) else {
            panic!("not one pair");
        };
        assert_eq!(
            (pid(&pair.client), pid(&pair.server)),
            (Some(own), Some(own))
        );
        assert_eq!(pair.connections, connections.len());
        let [pair] = &*ours(&idle, 0) else {
            panic!("not one listener");
        };
        assert_eq!((pid(&pair.client), pid(&pair.server)), (None, Some(own)));
        assert_eq!(pair.connections, 0);
        // And of ourselves nothing is told.
        assert_eq!(ours(&busy, own), []);
    }
}
