//! Who is at the ends of a connection over a unix socket.

use aya_ebpf::{
    cty::c_void,
    helpers::generated::{bpf_get_socket_cookie, bpf_probe_read_kernel},
};
use observer_common::{
    connection::{Connection, Role},
    counter::Counter,
    record::{self, INGRESS, Kind, UNIX_NAME},
};

use super::kernel;
use crate::{
    context::{header, settle},
    emit::{Lost, copy_words, hand_over_in_place},
    maps::count,
    settings,
};

/// Notes which end the socket is and who the other is, and hands it over.
#[inline(always)]
pub(crate) fn note(socket: *mut c_void, connection: &mut Connection) {
    let own = socket as u64;
    let peer = other(own);
    let (local, remote) = (name(own), name(peer));
    // An accepted socket has the name of its listener, and who called mostly has none.
    let role = match (local.len, remote.len) {
        (0, 0) => Role::Unknown,
        (_, 0) => Role::Server,
        (0, _) => Role::Client,
        _ => Role::Unknown,
    };
    connection.role = role as u8;
    connection.pair = if role as u8 == Role::Server as u8 {
        peer
    } else {
        own
    };
    // SAFETY: a socket that the verifier knows.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    count(Counter::ContextWanted, 1);
    settle(hand_over_names(
        header(Kind::Unix, cookie, INGRESS, connection.role),
        maker_of_other(own),
        [local, remote],
    ));
}

/// The other end; 0: it is gone.
#[inline(always)]
pub(crate) fn other(sock: u64) -> u64 {
    kernel(sock + u64::from(settings::unix().unix_peer)).unwrap_or(0)
}

/// The process that made the other end, in the first pid namespace; 0: it is not known.
#[inline(always)]
pub(crate) fn maker_of_other(sock: u64) -> u32 {
    let layout = settings::unix();
    let pid: u64 = kernel(sock + u64::from(layout.sock_peer_pid)).unwrap_or(0);
    if pid == 0 {
        0
    } else {
        kernel(pid + u64::from(layout.pid_number)).unwrap_or(0)
    }
}

/// Where the name of a socket lies, and how long it is; 0: it has none.
pub(crate) struct Name {
    pub(crate) from: u64,
    pub(crate) len: u16,
}

/// The name of a socket; one of no length for 0.
#[inline(always)]
pub(crate) fn name(sock: u64) -> Name {
    match find_name(sock) {
        Some(name) => name,
        None => Name { from: 0, len: 0 },
    }
}

#[inline(always)]
fn find_name(sock: u64) -> Option<Name> {
    const FAMILY: u32 = 2;
    const LONGEST: u32 = 108;
    if sock == 0 {
        return None;
    }
    let layout = settings::unix();
    let address: u64 = kernel(sock + u64::from(layout.unix_address))?;
    if address == 0 {
        return None;
    }
    let len = kernel::<u32>(address + u64::from(layout.address_len))?.wrapping_sub(FAMILY);
    if len == 0 || len > LONGEST {
        return None;
    }
    Some(Name {
        from: address + u64::from(layout.address_path),
        len: len as u16,
    })
}

/// Writes the record where it is handed over: on the stack there is no room for it.
#[inline(always)]
fn hand_over_names(header: record::Header, peer: u32, names: [Name; 2]) -> Result<(), Lost> {
    let [local, remote] = names;
    hand_over_in_place(|record: *mut record::Unix| {
        // SAFETY: the record's own memory. The helper fills all of a name, with zeros where there is
        // none to read.
        unsafe {
            copy_words(&header, (&raw mut (*record).header));
            (&raw mut (*record).peer).write_volatile(peer);
            (&raw mut (*record).local_len).write_volatile(local.len);
            (&raw mut (*record).remote_len).write_volatile(remote.len);
            let to = (&raw mut (*record).local).cast();
            bpf_probe_read_kernel(to, UNIX_NAME as u32, local.from as *const c_void);
            let to = (&raw mut (*record).remote).cast();
            bpf_probe_read_kernel(to, UNIX_NAME as u32, remote.from as *const c_void);
        }
    })
}
