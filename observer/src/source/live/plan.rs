//! The programs, and what each is for.

use std::fmt;

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

/// A place in the kernel's code at which a program looks on. None is essential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Probe {
    /// A socket changes its state.
    State,
    /// A process started a program.
    Executed,
    /// A thread read from a socket: the tracepoint of Linux 6.3 and later.
    Received,
    /// A thread wrote to a socket: likewise.
    Sent,
    /// A thread read from a TCP socket: the end of the kernel's function.
    Receive,
    /// A thread wrote to a TCP socket: likewise.
    Send,
    /// A thread wrote to a unix socket.
    UnixSend,
    /// A thread read from a unix socket.
    UnixReceive,
    /// A unix socket is given up.
    UnixRelease,
}

/// What sees unix sockets, all of it.
pub(super) const UNIX: [Probe; 3] = [Probe::UnixRelease, Probe::UnixReceive, Probe::UnixSend];

/// How a program is attached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// To a tracepoint.
    Tracepoint,
    /// To the end of a function, by a trampoline.
    End,
    /// To its start, likewise.
    Start,
}

impl Probe {
    /// The kernel's name of the place.
    pub const fn event(self) -> &'static str {
        match self {
            Self::State => "inet_sock_set_state",
            Self::Executed => "sched_process_exec",
            Self::Received => "sock_recv_length",
            Self::Sent => "sock_send_length",
            Self::Receive => "tcp_recvmsg",
            Self::Send => "tcp_sendmsg",
            Self::UnixSend => "unix_stream_sendmsg",
            Self::UnixReceive => "unix_stream_recvmsg",
            Self::UnixRelease => "unix_release",
        }
    }

    /// How its program is attached.
    pub(super) const fn way(self) -> Way {
        match self {
            Self::State | Self::Executed | Self::Received | Self::Sent => Way::Tracepoint,
            Self::Receive | Self::Send | Self::UnixSend | Self::UnixReceive => Way::End,
            Self::UnixRelease => Way::Start,
        }
    }

    /// The name of its program in the object, for a place with so many arguments.
    pub(super) const fn program(self, arguments: Option<usize>) -> &'static str {
        match self {
            Self::State => "observer_state",
            Self::Executed => "observer_executed",
            Self::Received => "observer_received",
            Self::Sent => "observer_sent",
            // Linux 5.19 took an argument away, and kernels since 6.18 another one.
            Self::Receive => match arguments {
                Some(6) => "observer_received_6",
                Some(4) => "observer_received_4",
                _ => "observer_received_5",
            },
            Self::Send => "observer_sent_3",
            Self::UnixSend => "observer_unix_sent",
            Self::UnixReceive => "observer_unix_received",
            Self::UnixRelease => "observer_unix_released",
        }
    }

    /// What is missing without it.
    pub const fn without(self) -> &'static str {
        match self {
            Self::State => {
                "which end of a connection called is known from its requests alone, and its end from \
                 its packets"
            }
            Self::UnixSend | Self::UnixReceive | Self::UnixRelease => {
                "requests over unix sockets are not seen"
            }
            Self::Executed => "a process that ends at once may be known by its thread's name only",
            Self::Received | Self::Sent | Self::Receive | Self::Send => {
                "the process of an exchange is the owner of its socket in the kernel's table, of \
                 this network namespace only, and traffic that goes past the packet programs is \
                 not noticed"
            }
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way() {
            Way::Tracepoint => "tp_btf",
            Way::End => "fexit",
            Way::Start => "fentry",
        };
        write!(to, "{way}/{}", self.event())
    }
}

/// From where it is known which process took up a request and answered it. The best first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context {
    /// The tracepoints of socket calls: exact, Linux 6.3 and later.
    Tracepoint,
    /// Trampolines at the kernel's functions of TCP: exact, Linux 5.12 and later where it allows them.
    Trampoline,
    /// The kernel's table of sockets and /proc: the owner of the moment.
    SocketTable,
}

impl Context {
    /// The best first.
    pub const ALL: [Self; 3] = [Self::Tracepoint, Self::Trampoline, Self::SocketTable];

    /// What it needs, all of it.
    pub const fn probes(self) -> &'static [Probe] {
        match self {
            Self::Tracepoint => &[Probe::Received, Probe::Sent],
            Self::Trampoline => &[Probe::Receive, Probe::Send],
            Self::SocketTable => &[],
        }
    }

    /// What the operator and events call it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Tracepoint => "tracepoint",
            Self::Trampoline => "trampoline",
            Self::SocketTable => "socket_table",
        }
    }
}
