//! What is said over unix sockets, at each end: after a thread wrote or read. There are no packets, so the
//! pieces of its memory that the call moved stand for segments, and counts of bytes for sequence numbers.
//! The window rule is the same.

pub(crate) mod unseen;

mod ends;
mod vectors;

use core::mem::MaybeUninit;

use aya_ebpf::{
    cty::c_void,
    helpers::generated::{bpf_get_socket_cookie, bpf_probe_read_kernel},
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use observer_common::{
    connection::{Connection, Way},
    counter::Counter,
    record::{EGRESS, FIRST, INGRESS, UNIX},
    unix::beginning,
    window,
};

use crate::{
    context,
    emit::Lost,
    lifecycle::closed,
    maps::{connection_or_new, count},
    packet::note_kind,
    peek::Memory,
    segment::{Place, ship_memory},
    settings,
};
use vectors::{PIECES, Vectors};

const MSG_PEEK: i32 = 2;

/// After a thread wrote: `(socket, msghdr, length)` and what the function gives.
#[fexit(function = "unix_stream_sendmsg")]
pub(crate) fn observer_unix_sent(ctx: FExitContext) -> i32 {
    passed::<EGRESS>(ctx.arg(0), ctx.arg(1), ctx.arg(3));
    0
}

/// After a thread read: `(socket, msghdr, length, flags)` and what the function gives.
#[fexit(function = "unix_stream_recvmsg")]
pub(crate) fn observer_unix_received(ctx: FExitContext) -> i32 {
    if ctx.arg::<i32>(3) & MSG_PEEK == 0 {
        passed::<INGRESS>(ctx.arg(0), ctx.arg(1), ctx.arg(4));
    }
    0
}

/// Before a socket is given up: `(socket)`.
#[fentry(function = "unix_release")]
pub(crate) fn observer_unix_released(ctx: FEntryContext) -> i32 {
    if let Some(socket) = sock(ctx.arg(0)) {
        closed(socket);
    }
    0
}

/// A thread moved so many bytes.
#[inline(always)]
fn passed<const WAY: u8>(socket: *const c_void, message: *const c_void, result: i32) -> Option<()> {
    if result <= 0 {
        return None;
    }
    let socket = sock(socket)?;
    // SAFETY: a socket that the verifier knows.
    let Some(connection) = (unsafe { connection_or_new(socket) }) else {
        count(Counter::SegmentsWanted, 1);
        count(Counter::LostNoState, 1);
        return None;
    };
    let (own, other) = connection.sides::<WAY>();
    if connection.own != 0 || own.is_done(other) {
        return None;
    }
    if !own.is_seen() && !other.is_seen() {
        ends::note(socket, connection);
    }
    // SAFETY: a socket that the verifier knows.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    let mut vectors = Vectors::moved(message, result as u32)?;
    for _ in 0..=PIECES {
        let Some(piece) = vectors.next() else {
            break;
        };
        observer_unix_piece(connection, cookie, piece.from, piece.len, u32::from(WAY));
    }
    context::moved::<WAY>(socket, result);
    None
}

/// `struct socket` to `struct sock`.
#[inline(always)]
fn sock(socket: *const c_void) -> Option<*mut c_void> {
    // SAFETY: a field of a structure of the kernel that the verifier knows, at the place where this
    // kernel has it.
    let sock = unsafe {
        socket
            .byte_add(settings::unix().socket_sk as usize)
            .cast::<*mut c_void>()
            .read_volatile()
    };
    (!sock.is_null()).then_some(sock)
}

/// A piece, as if it were a segment. A function of its own for the verifier: it looks at it once, and not
/// once for each piece.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn observer_unix_piece(
    connection: *mut Connection,
    cookie: u64,
    from: u64,
    len: u32,
    way: u32,
) -> u32 {
    // SAFETY: null or a value of the map.
    let Some(connection) = (unsafe { connection.as_mut() }) else {
        return 0;
    };
    if len == 0 {
        return 0;
    }
    let piece = Memory { from, len };
    if way == u32::from(INGRESS) {
        segment::<INGRESS>(cookie, connection, &piece);
    } else {
        segment::<EGRESS>(cookie, connection, &piece);
    }
    0
}

#[inline(always)]
fn segment<const WAY: u8>(cookie: u64, connection: &mut Connection, piece: &Memory) {
    let role = connection.role;
    let begins = beginning(connection.pair);
    let Way {
        own,
        other,
        shipped,
        others,
        moved,
        ..
    } = connection.way::<WAY>();
    let seq = if own.is_seen() { own.next() } else { begins };
    let facts = window::Segment {
        seq,
        len: piece.len,
        expected: seq,
        early: false,
    };
    let before = own.kind();
    let decision = window::decide(own, other, &facts, piece, &settings::knobs());
    note_kind(before, own.kind());
    if decision.len == 0 {
        return;
    }
    let first = if *shipped == 0 && others == 0 {
        FIRST
    } else {
        0
    };
    let place = Place {
        way: WAY,
        role,
        flags: first | UNIX,
        moved: moved.whole(others),
    };
    match ship_memory(cookie, seq, piece.from, piece.len, &decision, &place) {
        Ok(cut) => {
            *shipped = shipped.wrapping_add(1);
            if cut > 0 {
                own.lose(cut);
            }
        }
        Err(Lost) => own.lose(decision.len),
    }
}

/// Reads the kernel's memory.
#[inline(always)]
fn kernel<T: Copy>(from: u64) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the value has the size that is given, and any bytes are one.
    unsafe {
        let size = size_of::<T>() as u32;
        if bpf_probe_read_kernel(value.as_mut_ptr().cast(), size, from as *const c_void) != 0 {
            return None;
        }
        Some(value.assume_init())
    }
}
