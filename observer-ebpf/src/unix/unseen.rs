//! How much was said over unix sockets, and by whom to whom, on kernels that show no more of it: those
//! that refuse trampolines. The tracepoints of socket calls fire there for unix sockets too.

use core::mem::MaybeUninit;

use aya_ebpf::{cty::c_void, helpers::generated::bpf_probe_read_kernel};
use observer_common::{
    counter::Counter,
    record::UNIX_NAME,
    unix::{Pair, Unseen},
};

use super::ends::{maker_of_other, name, other};
use crate::{
    context::{comm, identity},
    maps::{self, count},
    settings,
};

const AF_UNIX: u16 = 1;
const SOCK_STREAM: u16 = 1;

/// A thread wrote so many bytes to a socket that is not of TCP. Reading is not counted: what one end
/// reads the other wrote.
#[inline(always)]
pub(crate) fn written(socket: *mut c_void, len: u32) {
    if !is_unix_stream(socket) {
        return;
    }
    let (pid, _) = identity();
    if pid == settings::own_pid() {
        return;
    }
    note(socket as u64, pid, len);
    // Afterwards: who reads the sum first and then the pairs finds in them all that is in the sum.
    count(Counter::UnixUnseenCalls, 1);
    count(Counter::UnixUnseenBytes, u64::from(len));
}

#[inline(always)]
fn is_unix_stream(socket: *mut c_void) -> bool {
    let layout = settings::unix();
    if layout.sock_family == 0 {
        return false;
    }
    // SAFETY: fields of a structure of the kernel that the verifier knows, at the places where this
    // kernel has them.
    let (family, kind) = unsafe {
        let at = |place: u32| socket.byte_add(place as usize).cast::<u16>();
        (
            at(layout.sock_family).read_volatile(),
            at(layout.sock_type).read_volatile(),
        )
    };
    family == AF_UNIX && kind == SOCK_STREAM
}

/// Notes who said it to whom, by the name of the server's socket. Sockets without one, those of
/// `socketpair`, are in the sum alone. A function of its own: it has much on its stack.
#[inline(never)]
fn note(sock: u64, pid: u32, len: u32) {
    // An accepted socket has the name of its listener, and who called mostly has none.
    let mut place = name(sock);
    if place.len == 0 {
        place = name(other(sock));
    }
    if place.len == 0 {
        return;
    }
    let pair = Pair {
        place: place.from,
        pid,
        peer: maker_of_other(sock),
    };
    if maps::add_unseen(&pair, len) {
        return;
    }
    let mut first = MaybeUninit::<Unseen>::uninit();
    let to = first.as_mut_ptr();
    // SAFETY: all of it is written: the helper fills all of a name, with zeros where it cannot read.
    let first = unsafe {
        (&raw mut (*to).bytes).write_volatile(u64::from(len));
        (&raw mut (*to).calls).write_volatile(1);
        (&raw mut (*to).comm).write(comm());
        (&raw mut (*to).path_len).write_volatile(u64::from(place.len));
        bpf_probe_read_kernel(
            (&raw mut (*to).path).cast(),
            UNIX_NAME as u32,
            place.from as *const c_void,
        );
        first.assume_init_ref()
    };
    if !maps::new_unseen(&pair, first) {
        // Another thread was faster, or there is no room.
        maps::add_unseen(&pair, len);
    }
}
