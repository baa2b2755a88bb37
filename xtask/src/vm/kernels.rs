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
    /// Tracepoints that it does not have. The live source's tests fail if it has one all the same.
    pub(super) without: &'static [&'static str],
    /// Which tests run.
    pub(super) suites: &'static [Suite],
}

/// A plane as `observer doctor` names it, and the hooks by which it must work.
pub(super) struct Demand {
    pub(super) plane: &'static str,
    pub(super) hooks: &'static [&'static str],
}

/// A test executable, and which of its tests cannot run in a guest.
pub(super) struct Suite {
    pub(super) target: &'static str,
    /// The name of a test, and why it cannot.
    pub(super) not_there: &'static [(&'static str, &'static str)],
}

/// How the names of all packages end: Debian's kernels for guests are small and start fast.
pub(super) const PACKAGE_END: &str = "-cloud-amd64";

/// The table.
pub(crate) const KERNELS: [Kernel; 2] = [
    Kernel {
        series: "6.1",
        package: "linux-image-6.1.0-",
        demands: &[PACKETS, CONNECTIONS, TRAMPOLINES],
        without: &[],
        suites: &[SOURCE],
    },
    Kernel {
        series: "6.12",
        package: "linux-image-6.12.",
        demands: &[PACKETS, CONNECTIONS, SOCKET_CALLS],
        without: &[],
        suites: &[SOURCE],
    },
];

const PACKETS: Demand = Demand {
    plane: "packets",
    hooks: &["cgroup_skb/ingress", "cgroup_skb/egress"],
};

const CONNECTIONS: Demand = Demand {
    plane: "connections",
    hooks: &["tp_btf/inet_sock_set_state"],
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

const SOURCE: Suite = Suite {
    target: "live_source",
    not_there: &[],
};
