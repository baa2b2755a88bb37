//! The helpers of the kernel that the programs may call. All others are refused, and with them all that
//! change a packet, a socket or a process.

use crate::origin::Origin;

/// A helper that reads, or that makes room in the programs' own storage.
pub struct Helper {
    /// Its number in include/uapi/linux/bpf.h.
    pub number: i32,
    pub name: &'static str,
    /// What comes back.
    pub gives: Origin,
    /// The register that says where it writes.
    pub writes: Option<usize>,
}

/// The list.
pub const ALLOWED: [Helper; 21] = [
    gives(1, "map_lookup_elem", Origin::VALUE),
    // Into one of the programs' own maps: there are no others in the object.
    reads(2, "map_update_elem"),
    reads(5, "ktime_get_ns"),
    reads(14, "get_current_pid_tgid"),
    fills(16, "get_current_comm", 1),
    fills(26, "skb_load_bytes", 3),
    reads(46, "get_socket_cookie"),
    reads(79, "skb_cgroup_id"),
    reads(83, "skb_ancestor_cgroup_id"),
    reads(80, "get_current_cgroup_id"),
    gives(95, "sk_fullsock", Origin::KERNEL),
    gives(96, "tcp_sock", Origin::KERNEL),
    gives(107, "sk_storage_get", Origin::VALUE),
    fills(120, "get_ns_current_pid_tgid", 3),
    fills(112, "probe_read_user", 1),
    fills(113, "probe_read_kernel", 1),
    gives(131, "ringbuf_reserve", Origin::RECORD),
    reads(132, "ringbuf_submit"),
    reads(133, "ringbuf_discard"),
    reads(134, "ringbuf_query"),
    gives(137, "skc_to_tcp_sock", Origin::KERNEL),
];

/// The helper of a number, if it is allowed.
pub fn allowed(number: i32) -> Option<&'static Helper> {
    ALLOWED.iter().find(|helper| helper.number == number)
}

const fn reads(number: i32, name: &'static str) -> Helper {
    gives(number, name, Origin::NUMBER)
}

const fn gives(number: i32, name: &'static str, gives: Origin) -> Helper {
    Helper {
        number,
        name,
        gives,
        writes: None,
    }
}

/// It writes to what a register points to.
const fn fills(number: i32, name: &'static str, register: usize) -> Helper {
    Helper {
        number,
        name,
        gives: Origin::NUMBER,
        writes: Some(register),
    }
}
