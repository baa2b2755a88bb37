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
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use observer_common::{
    counter::Counter,
    record::{EGRESS, Executed, Handled, Header, INGRESS, Kind},
};

use crate::{
    emit::{Lost, hand_over, now},
    maps::{connection, count},
    settings,
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
    moved::<EGRESS>(ctx.arg(0), ctx.arg(1));
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

/// A thread moved bytes: that matters when a segment was handed over since the last time.
#[inline(always)]
fn moved<const WAY: u8>(socket: *mut c_void, len: i32) {
    if len <= 0 {
        return;
    }
    // SAFETY: the tracepoint's socket.
    let Some(connection) = (unsafe { connection(socket) }) else {
        return passed_by(socket, len);
    };
    let (shipped, seen) = if WAY == INGRESS {
        (connection.ingress_shipped, &mut connection.taken_up)
    } else {
        (connection.egress_shipped, &mut connection.answered)
    };
    if shipped == *seen {
        return;
    }
    *seen = shipped;
    let role = connection.role;
    let (pid, tid) = identity();
    count(Counter::ContextWanted, 1);
    settle(hand_over(Handled {
        // SAFETY: the tracepoint's socket.
        header: header(
            Kind::Handled,
            unsafe { bpf_get_socket_cookie(socket) },
            WAY,
            role,
        ),
        // SAFETY: no arguments.
        cgroup: unsafe { bpf_get_current_cgroup_id() },
        pid,
        tid,
        comm: comm(),
        bytes: len as u32,
        reserved: 0,
    }));
}

/// No packet of this socket was seen. If it is a TCP socket, its bytes went past us.
#[inline(always)]
fn passed_by(socket: *mut c_void, len: i32) {
    // SAFETY: the tracepoint's socket; null comes back if it is not a TCP socket.
    if unsafe { bpf_skc_to_tcp_sock(socket) }.is_null() {
        return;
    }
    count(Counter::BypassCalls, 1);
    count(Counter::BypassBytes, len as u64);
}

/// Process and thread, in the agent's pid namespace; 0 when they have no number there.
#[inline(always)]
fn identity() -> (u32, u32) {
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
fn comm() -> [u8; 16] {
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
