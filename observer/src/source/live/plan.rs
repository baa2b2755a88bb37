//! The programs, and what each is for.

/// A program of the packet plane. Both are essential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Program {
    /// Packets into sockets.
    Ingress,
    /// Packets out of sockets.
    Egress,
}

/// The packet plane.
pub(super) const PACKETS: [Program; 2] = [Program::Ingress, Program::Egress];

impl Program {
    /// Where it is attached, as the kernel calls it.
    pub(super) const fn hook(self) -> &'static str {
        match self {
            Self::Ingress => "cgroup_skb/ingress",
            Self::Egress => "cgroup_skb/egress",
        }
    }

    /// Its name in the object.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "observer_ingress",
            Self::Egress => "observer_egress",
        }
    }
}

/// A tracepoint. None is essential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TracePoint {
    /// A socket changes its state.
    State,
    /// A thread read from a socket.
    Received,
    /// A thread wrote to a socket.
    Sent,
    /// A process started a program.
    Executed,
}

/// In the order in which they are attached.
pub(super) const TRACEPOINTS: [TracePoint; 4] = [
    TracePoint::State,
    TracePoint::Received,
    TracePoint::Sent,
    TracePoint::Executed,
];

impl TracePoint {
    /// The kernel's name of it.
    pub const fn event(self) -> &'static str {
        match self {
            Self::State => "inet_sock_set_state",
            Self::Received => "sock_recv_length",
            Self::Sent => "sock_send_length",
            Self::Executed => "sched_process_exec",
        }
    }

    /// The name of its program in the object.
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::State => "observer_state",
            Self::Received => "observer_received",
            Self::Sent => "observer_sent",
            Self::Executed => "observer_executed",
        }
    }

    /// What is missing without it.
    pub const fn without(self) -> &'static str {
        match self {
            Self::State => {
                "which end of a connection called is known from its requests alone, and its end from \
                 its packets"
            }
            Self::Received | Self::Sent => {
                "the process of an exchange is the owner of its socket in the kernel's table, of \
                 this network namespace only, and traffic that goes past the packet programs is \
                 not noticed"
            }
            Self::Executed => "a process that ends at once may be known by its thread's name only",
        }
    }
}
