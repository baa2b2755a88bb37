//! Which programs are attached to a cgroup, as the kernel tells.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use aya::programs::loaded_programs;

/// A program at the root of cgroup v2.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Foreign {
    /// The kernel's number of it.
    pub id: u32,
    /// Its name, up to 15 bytes; empty when it has none.
    pub name: String,
    /// Where it is attached, as bpftool calls it.
    pub hook: &'static str,
}

/// The kinds of attachment to a cgroup that may touch what we see, with the numbers of
/// include/uapi/linux/bpf.h.
const HOOKS: [(u32, &str); 16] = [
    (0, "cgroup_inet_ingress"),
    (1, "cgroup_inet_egress"),
    (2, "cgroup_inet_sock_create"),
    (3, "cgroup_sock_ops"),
    (6, "cgroup_device"),
    (8, "cgroup_inet4_bind"),
    (9, "cgroup_inet6_bind"),
    (10, "cgroup_inet4_connect"),
    (11, "cgroup_inet6_connect"),
    (12, "cgroup_inet4_post_bind"),
    (13, "cgroup_inet6_post_bind"),
    (14, "cgroup_udp4_sendmsg"),
    (15, "cgroup_udp6_sendmsg"),
    (18, "cgroup_sysctl"),
    (21, "cgroup_getsockopt"),
    (22, "cgroup_setsockopt"),
];

/// Lists the programs that are attached to a cgroup directly.
pub(super) fn programs(cgroup: &File) -> io::Result<Vec<Foreign>> {
    let mut found = Vec::new();
    for (number, hook) in HOOKS {
        for id in attached(cgroup, number)? {
            found.push(Foreign {
                id,
                name: name(id),
                hook,
            });
        }
    }
    Ok(found)
}

fn name(id: u32) -> String {
    loaded_programs()
        .flatten()
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The start of `union bpf_attr` for BPF_PROG_QUERY. The kernel takes it at this length.
#[repr(C)]
#[derive(Default)]
struct Query {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

/// How many programs of a kind are listed. The kernel allows 64 at one place.
const MOST: usize = 64;

#[expect(unsafe_code, reason = "neither aya nor rustix has this call")]
fn attached(cgroup: &File, attach_type: u32) -> io::Result<Vec<u32>> {
    const BPF_PROG_QUERY: libc::c_int = 16;
    let mut ids = [0u32; MOST];
    let mut query = Query {
        target: u32::try_from(cgroup.as_raw_fd()).unwrap_or(u32::MAX),
        attach_type,
        ids: ids.as_mut_ptr() as u64,
        count: MOST as u32,
        ..Query::default()
    };
    // SAFETY: `query` has the length that is given, and `ids` room for as many as it says; both live
    // through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_QUERY,
            &raw mut query,
            size_of::<Query>(),
        )
    };
    if result < 0 {
        let error = io::Error::last_os_error();
        // A kernel that does not know the kind has none of it attached.
        return match error.raw_os_error() {
            Some(libc::EINVAL) => Ok(Vec::new()),
            _ => Err(error),
        };
    }
    let count = usize::try_from(query.count).unwrap_or(0);
    Ok(ids.iter().take(count).copied().collect())
}
