//! Who owns a socket, asked from user space: the kernel's table of sockets (inet_diag) gives the inode
//! of a socket cookie, and /proc the process that has it open.
//!
//! It knows the sockets of one network namespace, the agent's own, and the owner of the moment. The
//! tracepoints know better; this is for kernels that do not have them.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{ExtensionFlags, InetRequest, SocketId, StateFlags},
};
use procfs::process::{FDTarget, all_processes};

use super::diag;

/// A process that has a socket open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// Its number, in the agent's pid namespace.
    pub pid: u32,
    /// What it is called.
    pub name: String,
}

/// Sockets and their owners, looked up together now and then by a thread of its own: the walk through
/// /proc takes long on a large host, and the ring of the kernel must be emptied meanwhile.
pub struct SocketTable {
    owners: HashMap<u64, Owner>,
    looking: Option<Receiver<Found>>,
    next: Instant,
}

/// What a look found, and how long it took.
struct Found {
    owners: HashMap<u64, Owner>,
    took: Duration,
}

/// How long there is no look after one, at least.
const PAUSE: Duration = Duration::from_secs(1);
/// By how much the pause is longer than a look took, at least.
const REST: u32 = 10;

impl SocketTable {
    /// Knows nobody yet.
    pub fn new() -> Self {
        Self {
            owners: HashMap::new(),
            looking: None,
            next: Instant::now(),
        }
    }

    /// Who has the socket with this cookie open. `None`: it is not known, or not yet: ask again with
    /// the next segment.
    pub fn owner(&mut self, cookie: u64) -> Option<&Owner> {
        if let Some(found) = self.looking.as_ref().map(Receiver::try_recv) {
            match found {
                Ok(Found { owners, took }) => {
                    self.owners = owners;
                    self.looking = None;
                    self.next = Instant::now() + PAUSE.max(took * REST);
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.looking = None,
            }
        }
        if !self.owners.contains_key(&cookie)
            && self.looking.is_none()
            && Instant::now() >= self.next
        {
            let (sender, receiver) = mpsc::channel();
            self.next = Instant::now() + PAUSE;
            let started = thread::Builder::new()
                .name("observer-sockets".to_owned())
                .spawn(move || sender.send(look()));
            match started {
                Ok(_) => self.looking = Some(receiver),
                Err(error) => tracing::debug!("no thread to look for owners of sockets: {error}"),
            }
        }
        self.owners.get(&cookie)
    }
}

fn look() -> Found {
    let start = Instant::now();
    let mut inodes = HashMap::new();
    for family in [AF_INET, AF_INET6] {
        if let Err(error) = dump(family, &mut inodes) {
            tracing::debug!("the kernel's socket table could not be read: {error}");
        }
    }
    Found {
        owners: owners(&inodes),
        took: start.elapsed(),
    }
}

impl Default for SocketTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds the inode and cookie of each TCP socket of a family.
fn dump(family: u8, inodes: &mut HashMap<u64, u64>) -> io::Result<()> {
    let socket_id = if family == AF_INET {
        SocketId::new_v4()
    } else {
        SocketId::new_v6()
    };
    let request = SockDiagMessage::InetRequest(InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id,
    });
    diag::dump(request, |found| {
        if let SockDiagMessage::InetResponse(found) = found {
            let cookie = u64::from_ne_bytes(found.header.socket_id.cookie);
            inodes.insert(u64::from(found.header.inode), cookie);
        }
    })
}

/// The owners of sockets, by cookie. `inodes` gives the cookie of an inode.
pub(super) fn owners(inodes: &HashMap<u64, u64>) -> HashMap<u64, Owner> {
    let mut owners = HashMap::new();
    // A process that ends meanwhile, or that we may not look at, has no owner to offer.
    for process in all_processes().into_iter().flatten().flatten() {
        let Ok(pid) = u32::try_from(process.pid()) else {
            continue;
        };
        let mut name = None;
        for open in process.fd().into_iter().flatten().flatten() {
            let FDTarget::Socket(inode) = open.target else {
                continue;
            };
            let Some(cookie) = inodes.get(&inode) else {
                continue;
            };
            let name = name
                .get_or_insert_with(|| process.stat().map(|stat| stat.comm).unwrap_or_default());
            owners.entry(*cookie).or_insert_with(|| Owner {
                pid,
                name: name.clone(),
            });
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn our_own_sockets_are_found_by_their_cookies() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let cookie = rustix::net::sockopt::socket_cookie(&client).unwrap();
        let mut table = SocketTable::new();
        let start = Instant::now();
        while table.owner(cookie).is_none() && start.elapsed() < Duration::from_secs(20) {
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(
            table.owner(cookie).map(|owner| owner.pid),
            Some(std::process::id())
        );
    }

    #[test]
    fn a_cookie_of_nobody_has_no_owner() {
        assert_eq!(SocketTable::new().owner(u64::MAX - 1), None);
    }
}
