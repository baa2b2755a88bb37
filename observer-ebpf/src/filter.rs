//! Whether the operator wants a connection. Asked at its first packet, and after the filter changed.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_skb_ancestor_cgroup_id, bpf_skb_cgroup_id},
};
use observer_common::{
    connection::{Role, Wanted},
    filter::{CGROUPS, DEPTH, Filter, Heard, INCLUDE, NETWORKS, PORTS, says},
};

use crate::{addresses::Addresses, maps};

/// What the filter says of a socket's connection.
#[inline(never)]
pub(crate) fn ask(skb: *mut __sk_buff, ends: &Addresses, role: u8, filter: Filter) -> Wanted {
    let mut heard = Heard::default();
    let generation = filter.generation;
    if filter.kinds & PORTS != 0 {
        let said = |port| says(maps::port(port), generation);
        let server = match role {
            role if role == Role::Server as u8 => said(ends.local_port),
            role if role == Role::Client as u8 => said(ends.remote_port),
            // Of a connection that was open before, nobody knows the server here: the agent will. But it is
            // at one of the two.
            _ => (said(ends.local_port) | said(ends.remote_port)) & INCLUDE,
        };
        heard.hear(PORTS, server);
    }
    if filter.kinds & NETWORKS != 0 {
        let either = maps::network(ends.local) | maps::network(ends.remote);
        heard.hear(NETWORKS, says(either, generation));
    }
    if filter.kinds & CGROUPS != 0 {
        heard.hear(CGROUPS, says(cgroups(skb), generation));
    }
    Wanted::by(generation, heard.is_left_out(filter))
}

/// The cgroup of the socket's creator, and those above it.
#[inline(always)]
fn cgroups(skb: *mut __sk_buff) -> u8 {
    // SAFETY: the context of the program.
    let mut found = maps::cgroup(unsafe { bpf_skb_cgroup_id(skb) });
    for level in 1..DEPTH {
        // SAFETY: as above; 0 comes back when there is none at this level.
        let id = unsafe { bpf_skb_ancestor_cgroup_id(skb, level) };
        if id == 0 {
            break;
        }
        found |= maps::cgroup(id);
    }
    found
}
