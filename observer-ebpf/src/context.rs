//! The context plane: which thread took up a request or answered it.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::bpf_pidns_info,
    cty::c_void,
    helpers::{
        bpf_get_current_pid_tgid,
        generated::{
            bpf_get_current_cgroup_id, bpf_get_current_comm, bpf_get_ns_current_pid_tgid,
            bpf_get_socket_cookie, bpf_skc_to_tcp_sock,
        },
    },
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use observer_common::{
    connection::{Connection, Moved},
    counter::Counter,
    record::{EGRESS, Executed, Handled, Header, INGRESS, Kind},
};

use crate::{
    emit::{Lost, hand_over, now},
    maps::{connection, count},
    settings,
    unix::unseen,
};

const MSG_PEEK: i32 = 2;

/// After bytes were read from a socket: `(sock, length or error, flags)`.
#[btf_tracepoint(function = "sock_recv_length")]
pub(crate) fn observer_received(ctx: BtfTracePointContext) -> i32 {
    if ctx.arg::<i32>(2) & MSG_PEEK == 0 {
        moved::<INGRESS>(ctx.arg(0), ctx.arg(1));
    }
    0
}

/// After bytes were written to a socket: `(sock, length or error, flags)`.
#[btf_tracepoint(function = "sock_send_length")]
pub(crate) fn observer_sent(ctx: BtfTracePointContext) -> i32 {
    let (socket, len) = (ctx.arg(0), ctx.arg(1));
    if let Whose::Others = moved::<EGRESS>(socket, len) {
        unseen::written(socket, len as u32);
    }
    0
}

/// After bytes were read from a TCP socket: `(sock, msghdr, length, flags)` and what the function gives.
/// For kernels without the tracepoint.
#[fexit(function = "tcp_recvmsg")]
pub(crate) fn observer_received_4(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(3) & MSG_PEEK == 0 {
        moved::<INGRESS>(ctx.arg(0), ctx.arg(4));
    }
    0
}

/// The same on kernels that have `address length` after the flags: most before 7.1.
#[fexit(function = "tcp_recvmsg")]
pub(crate) fn observer_received_5(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(3) & MSG_PEEK == 0 {
        moved::<INGRESS>(ctx.arg(0), ctx.arg(5));
    }
    0
}

/// The same before Linux 5.19, with `nonblock` before the flags too.
#[fexit(function = "tcp_recvmsg")]
pub(crate) fn observer_received_6(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(4) & MSG_PEEK == 0 {
        moved::<INGRESS>(ctx.arg(0), ctx.arg(6));
    }
    0
}

/// After bytes were written to a TCP socket: `(sock, msghdr, length)` and what the function gives.
#[fexit(function = "tcp_sendmsg")]
pub(crate) fn observer_sent_3(ctx: FExitContext) -> i32 {
    moved::<EGRESS>(ctx.arg(0), ctx.arg(3));
    0
}

/// A process starts a program: `(task, old pid, linux_binprm)`, in the task's own context.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn observer_executed(_: BtfTracePointContext) -> i32 {
    let (pid, _) = identity();
    count(Counter::ContextWanted, 1);
    settle(hand_over(Executed {
        header: header(Kind::Executed, 0, INGRESS, 0),
        pid,
        reserved: 0,
        comm: comm(),
    }));
    0
}

/// Whose socket it is that bytes were moved on.
pub(crate) enum Whose {
    /// That of a connection that is known, or one of TCP; or there were no bytes.
    Ours,
    /// One of another kind.
    Others,
}

/// A thread moved bytes: that matters when a segment was handed over since the last time.
#[inline(always)]
pub(crate) fn moved<const WAY: u8>(socket: *mut c_void, len: i32) -> Whose {
    if len <= 0 {
        return Whose::Ours;
    }
    // SAFETY: the tracepoint's socket.
    let Some(connection) = (unsafe { connection(socket) }) else {
        return passed_by(socket, len);
    };
    let (shipped, moved) = if WAY == INGRESS {
        (connection.ingress_shipped, &mut connection.taken_up)
    } else {
        (connection.egress_shipped, &mut connection.answered)
    };
    if shipped == moved.shipped {
        if shipped == 0 && !is_seen(connection) {
            bypassed(connection, len as u32);
        }
        return Whose::Ours;
    }
    let time = now();
    let thread = bpf_get_current_pid_tgid() as u32;
    let unit = Moved::unit(time);
    moved.shipped = shipped;
    if moved.thread == thread && moved.told == unit && moved.late == 0 {
        moved.at = time;
        return Whose::Ours;
    }
    let (pid, tid) = identity();
    count(Counter::ContextWanted, 1);
    let told = hand_over(Handled {
        header: Header {
            // SAFETY: the tracepoint's socket.
            cookie: unsafe { bpf_get_socket_cookie(socket) },
            time,
            payload: 0,
            kind: Kind::Handled as u8,
            direction: WAY,
            role: connection.role,
            flags: 0,
        },
        // SAFETY: no arguments.
        cgroup: unsafe { bpf_get_current_cgroup_id() },
        pid,
        tid,
        comm: comm(),
        bytes: len as u32,
        reserved: 0,
    });
    // A process that has no number for the agent is nobody to refer to.
    let known = told.is_ok() && pid != 0;
    moved.late = 0;
    moved.told = unit;
    moved.thread = if known { thread } else { 0 };
    moved.at = if known { time } else { 0 };
    settle(told);
    Whose::Ours
}

/// Whether a packet with data was seen, or is not to be.
#[inline(always)]
fn is_seen(connection: &Connection) -> bool {
    let wanted =
        !connection.ingress_wanted.is_left_out() && !connection.egress_wanted.is_left_out();
    connection.own != 0 || !wanted || connection.ingress.is_seen() || connection.egress.is_seen()
}

/// Bytes were moved on a connection that was opened under our eyes, and no packet had any. The first
/// ones may have come under the cookie of the listening socket, or wait to be sent with more; if there
/// is never a packet, they went past us.
#[inline(always)]
fn bypassed(connection: &mut Connection, len: u32) {
    connection.unseen_calls = connection.unseen_calls.saturating_add(1);
    connection.unseen_bytes = connection.unseen_bytes.saturating_add(len);
    if connection.unseen_calls > MAY_WAIT {
        count_unseen(connection);
    }
}

/// How many calls in a row are not yet a sign.
const MAY_WAIT: u8 = 3;

/// Counts what was moved without a packet.
#[inline(always)]
pub(crate) fn count_unseen(connection: &mut Connection) {
    if connection.unseen_bytes == 0 || is_seen(connection) {
        return;
    }
    count(Counter::BypassCalls, 1);
    count(Counter::BypassBytes, u64::from(connection.unseen_bytes));
    connection.unseen_bytes = 0;
}

/// Nothing is known of this socket. If it is a TCP socket, its bytes went past us.
#[inline(always)]
fn passed_by(socket: *mut c_void, len: i32) -> Whose {
    // SAFETY: the tracepoint's socket; null comes back if it is not a TCP socket.
    if unsafe { bpf_skc_to_tcp_sock(socket) }.is_null() {
        return Whose::Others;
    }
    count(Counter::BypassCalls, 1);
    count(Counter::BypassBytes, len as u64);
    Whose::Ours
}

/// Process and thread, in the agent's pid namespace; 0 when they have no number there.
#[inline(always)]
pub(crate) fn identity() -> (u32, u32) {
    match settings::pid_namespace() {
        None => {
            let both = bpf_get_current_pid_tgid();
            ((both >> 32) as u32, both as u32)
        }
        Some((device, inode)) => {
            let mut info = bpf_pidns_info { pid: 0, tgid: 0 };
            // SAFETY: `info` has the size that is given.
            let result = unsafe {
                bpf_get_ns_current_pid_tgid(
                    device,
                    inode,
                    &raw mut info,
                    size_of::<bpf_pidns_info>() as u32,
                )
            };
            if result == 0 {
                (info.tgid, info.pid)
            } else {
                (0, 0)
            }
        }
    }
}

/// The name of this thread.
#[inline(always)]
pub(crate) fn comm() -> [u8; 16] {
    let mut name = MaybeUninit::<[u8; 16]>::uninit();
    // SAFETY: the helper writes all sixteen bytes, zeros if it fails.
    unsafe {
        bpf_get_current_comm(name.as_mut_ptr().cast(), 16);
        name.assume_init()
    }
}

#[inline(always)]
pub(crate) fn header(kind: Kind, cookie: u64, direction: u8, role: u8) -> Header {
    Header {
        cookie,
        time: now(),
        payload: 0,
        kind: kind as u8,
        direction,
        role,
        flags: 0,
    }
}

/// Counts what became of a record.
#[inline(always)]
pub(crate) fn settle(result: Result<(), Lost>) {
    match result {
        Ok(()) => count(Counter::ContextSubmitted, 1),
        Err(Lost) => count(Counter::ContextLost, 1),
    }
}
