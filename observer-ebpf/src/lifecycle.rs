//! Opening and closing of connections.

use aya_ebpf::{
    cty::c_void,
    helpers::generated::{bpf_get_socket_cookie, bpf_skc_to_tcp_sock},
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use observer_common::{
    connection::{Moved, Role},
    counter::Counter,
    record::{INGRESS, Kind},
    window::Side,
};

use crate::{
    context::{count_unseen, header, settle},
    emit::hand_over,
    maps::{connection, connection_or_new, count},
};

const TCP_ESTABLISHED: i32 = 1;
const TCP_SYN_SENT: i32 = 2;
const TCP_SYN_RECV: i32 = 3;
const TCP_CLOSE: i32 = 7;

/// A socket changes its state: `(sock, old state, new state)`.
#[btf_tracepoint(function = "inet_sock_set_state")]
pub(crate) fn observer_state(ctx: BtfTracePointContext) -> i32 {
    let (socket, old, new) = (
        ctx.arg::<*mut c_void>(0),
        ctx.arg::<i32>(1),
        ctx.arg::<i32>(2),
    );
    match (old, new) {
        (TCP_SYN_SENT, TCP_ESTABLISHED) => opened(socket, Role::Client),
        (TCP_SYN_RECV, TCP_ESTABLISHED) => opened(socket, Role::Server),
        (_, TCP_CLOSE) => closed(socket),
        _ => {}
    }
    0
}

/// Notes which end the socket is. It is told with the first segment that is handed over: most
/// connections are not ours, and nobody need hear of them.
#[inline(always)]
fn opened(socket: *mut c_void, role: Role) {
    // SAFETY: the tracepoint's socket; null comes back if it is not a TCP socket.
    if unsafe { bpf_skc_to_tcp_sock(socket) }.is_null() {
        return;
    }
    // SAFETY: the tracepoint's socket.
    if let Some(connection) = unsafe { connection_or_new(socket) } {
        connection.role = role as u8;
    }
}

/// A socket is given up, and with it its connection.
#[inline(always)]
pub(crate) fn closed(socket: *mut c_void) {
    // SAFETY: the tracepoint's socket.
    let Some(connection) = (unsafe { connection(socket) }) else {
        return;
    };
    count_unseen(connection);
    let (told, role) = (connection.is_told(), connection.role);
    // The socket may be connected anew, to another peer.
    connection.ingress = Side::default();
    connection.egress = Side::default();
    connection.ingress_shipped = 0;
    connection.egress_shipped = 0;
    connection.taken_up = Moved::default();
    connection.answered = Moved::default();
    connection.unseen_calls = 0;
    connection.role = 0;
    if !told {
        return;
    }
    count(Counter::ContextWanted, 1);
    // SAFETY: the tracepoint's socket.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    settle(hand_over(header(Kind::Closed, cookie, INGRESS, role)));
}
