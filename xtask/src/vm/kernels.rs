//! The kernels that the tests run on besides this machine's, and what must work on each.
//!
//! To add one, add a row. A plane that a row demands and that does not work there fails the layer.

/// A series of kernels, of which the newest package is taken.
pub(crate) struct Kernel {
    /// What it is called here.
    pub(crate) series: &'static str,
    /// How the name of its Debian package starts, up to what changes with every release.
    pub(super) package: &'static str,
    /// What must work.
    pub(super) demands: &'static [Demand],
    /// The sources of the context plane that must work, of which the best is used.
    pub(super) contexts: &'static [&'static str],
    /// Which tests run.
    pub(super) suites: &'static [Suite],
}

impl Kernel {
    /// The planes that must work, as `observer doctor` names them.
    pub(super) fn planes(&self) -> Vec<&'static str> {
        self.demands.iter().map(|demand| demand.plane).collect()
    }
}

/// A plane as `observer doctor` names it, and the hooks by which it must work.
pub(super) struct Demand {
    pub(super) plane: &'static str,
    pub(super) hooks: &'static [&'static str],
}

/// Tests of an executable.
pub(super) struct Suite {
    pub(super) target: &'static str,
    /// Those that run: each has a name that must exist. All, when there is none.
    pub(super) chosen: &'static [&'static str],
    /// The name of one that cannot run in a guest, and why.
    pub(super) not_there: &'static [(&'static str, &'static str)],
}

/// How the names of all packages end: Debian's kernels for guests are small and start fast.
pub(super) const PACKAGE_END: &str = "-cloud-amd64";

/// The table.
pub(crate) const KERNELS: [Kernel; 2] = [
    Kernel {
        series: "6.1",
        package: "linux-image-6.1.0-",
        demands: &[PACKETS, TRAMPOLINES, CONNECTIONS, PROGRAMS, UNIX],
        contexts: &["trampoline", "socket_table"],
        suites: &[SOURCE, LIVE],
    },
    Kernel {
        series: "6.12",
        package: "linux-image-6.12.",
        demands: &[PACKETS, SOCKET_CALLS, CONNECTIONS, PROGRAMS, UNIX],
        contexts: &["tracepoint", "trampoline", "socket_table"],
        suites: &[SOURCE, LIVE],
    },
];

/// Programs of the live tests that none of the suites starts. They would be a third of what each guest
/// unpacks first.
pub(super) const WITHOUT: &[&str] = &["node"];

const PACKETS: Demand = Demand {
    plane: "packets",
    hooks: &["cgroup_skb/ingress", "cgroup_skb/egress"],
};

const CONNECTIONS: Demand = Demand {
    plane: "connections",
    hooks: &["tp_btf/inet_sock_set_state"],
};

const UNIX: Demand = Demand {
    plane: "unix",
    hooks: &[
        "fentry/unix_release",
        "fexit/unix_stream_recvmsg",
        "fexit/unix_stream_sendmsg",
    ],
};

const PROGRAMS: Demand = Demand {
    plane: "programs",
    hooks: &["tp_btf/sched_process_exec"],
};

/// Where there are no tracepoints of socket calls.
const TRAMPOLINES: Demand = Demand {
    plane: "handling",
    hooks: &["fexit/tcp_recvmsg", "fexit/tcp_sendmsg"],
};

/// Since 6.3.
const SOCKET_CALLS: Demand = Demand {
    plane: "handling",
    hooks: &["tp_btf/sock_recv_length", "tp_btf/sock_send_length"],
};

/// All that the kernel programs do by themselves.
const SOURCE: Suite = Suite {
    target: "live_source",
    chosen: &[],
    not_there: &[],
};

/// One test for each part of the kernel that the agent leans on. The others run on the kernel of the
/// machine alone: emulated, all of them would take half an hour.
const LIVE: Suite = Suite {
    target: "live",
    chosen: &[
        // Segments.
        "misbehaviour::pipelined_heads_that_are_cut_anywhere_are_whole",
        // A service that answers before the handshake is over.
        "misbehaviour::requests_inside_a_syn_find_their_connection",
        // Network namespaces, and addresses that the kernel translates.
        "namespaces::both_ends_of_a_redirected_connection_are_seen_with_their_own_addresses",
        // Sockets that were there before.
        "earlier::a_connection_that_was_open_before_is_seen_from_its_next_request_on",
        // Who it was: of a process that ends at once, and of one that stays.
        "validators::curl_is_seen_on_a_connection_of_its_own_for_each_request",
        "identity::a_process_is_named_with_its_executable_and_its_start",
        // Unix sockets, of services as they are.
        "socket_file::what_nginx_says_to_gunicorn_is_seen_or_it_is_said_that_it_is_not",
        // The ring buffer under load, and what stays when the agent is killed.
        "load::every_exchange_of_wrk_is_seen_from_both_sides_or_counted_as_lost",
        "killed::kill_9_leaves_no_program_and_services_go_on",
        // Both of its clocks. Nowhere else: it sets one of them.
        "clock::a_clock_that_is_set_bends_no_duration_and_times_follow",
        // Capabilities.
        "privileges::nobody_with_the_table_sees_all_and_keeps_only_what_is_needed_to_the_end",
    ],
    not_there: &[],
};
