//! What is said over unix sockets, at each end: after a thread wrote or read. There are no packets, so the
//! pieces of its memory that the call moved stand for segments, and counts of bytes for sequence numbers.
//! The window rule is the same.

use core::mem::MaybeUninit;

use aya_ebpf::{
    cty::c_void,
    helpers::generated::{bpf_get_socket_cookie, bpf_probe_read_kernel, bpf_probe_read_user},
    macros::{fentry, fexit},
    programs::{FEntryContext, FExitContext},
};
use observer_common::{
    connection::{Connection, Role, Way},
    counter::Counter,
    record::{self, EGRESS, FIRST, INGRESS, Kind, UNIX, UNIX_NAME},
    unix::{NONE, beginning},
    window::{self, Mark, PREFIX, Peek},
};

use crate::{
    context::{header, moved, settle},
    emit::{Lost, Place, copy_words, hand_over_in_place, ship_memory},
    lifecycle::end,
    maps::{connection_or_new, count},
    packet::{note_kind, observer_recognise},
    settings,
    verifier::bounded,
};

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
        end(socket);
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
    let own = if WAY == INGRESS {
        &connection.ingress
    } else {
        &connection.egress
    };
    let other = if WAY == INGRESS {
        &connection.egress
    } else {
        &connection.ingress
    };
    if connection.own != 0 || own.is_done(other) {
        return None;
    }
    if !own.is_seen() && !other.is_seen() {
        first(socket, connection);
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
    moved::<WAY>(socket, result);
    None
}

/// So many vectors of a call are looked at. What follows in more is a hole.
const PIECES: u32 = 8;

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

/// A piece of the thread's memory.
struct Piece {
    from: u64,
    len: u32,
}

/// The pieces that a call has moved, from where its iterator stands now.
struct Vectors {
    /// The vector that the iterator stands in. 0: there is one piece alone, in `piece`.
    here: u64,
    /// How many of its bytes were moved.
    offset: u64,
    /// How many vectors before `here` the next piece lies.
    back: u32,
    /// Where the next piece starts in its vector.
    start: u64,
    /// How many bytes are left.
    left: u32,
    piece: u64,
}

const VECTOR: u64 = 16;

impl Vectors {
    #[inline(always)]
    fn moved(message: *const c_void, len: u32) -> Option<Self> {
        let layout = settings::unix();
        let iter = message as u64 + u64::from(layout.message_iter);
        let kind = u32::from(kernel::<u8>(iter + u64::from(layout.iter_kind))?) & layout.kind_mask;
        let offset: u64 = kernel(iter + u64::from(layout.iter_offset))?;
        let pointer: u64 = kernel(iter + u64::from(layout.iter_vectors))?;
        let mut vectors = Self {
            here: 0,
            offset,
            back: 0,
            start: 0,
            left: len,
            piece: 0,
        };
        if kind == layout.kind_piece && layout.kind_piece != NONE {
            vectors.piece = pointer.wrapping_add(offset).wrapping_sub(u64::from(len));
            return Some(vectors);
        }
        if kind != layout.kind_vectors {
            return None;
        }
        vectors.here = pointer;
        // Backwards to where the call began. The kernel moves on in the vectors and leaves them whole.
        let mut missing = u64::from(len);
        if missing <= offset {
            vectors.start = offset - missing;
            return Some(vectors);
        }
        missing -= offset;
        for back in 1..=PIECES {
            let vector = pointer.wrapping_sub(u64::from(back) * VECTOR);
            let len: u64 = kernel(vector + 8)?;
            if missing <= len {
                vectors.back = back;
                vectors.start = len - missing;
                return Some(vectors);
            }
            missing -= len;
        }
        None
    }

    #[inline(always)]
    fn next(&mut self) -> Option<Piece> {
        if self.left == 0 {
            return None;
        }
        if self.here == 0 {
            let len = core::mem::take(&mut self.left);
            return Some(Piece {
                from: self.piece,
                len,
            });
        }
        let vector = self.here.wrapping_sub(u64::from(self.back) * VECTOR);
        let base: u64 = kernel(vector)?;
        let end = if self.back == 0 {
            self.offset
        } else {
            kernel(vector + 8)?
        };
        let len = end.wrapping_sub(self.start);
        let piece = Piece {
            from: base.wrapping_add(self.start),
            len: if len > u64::from(self.left) {
                self.left
            } else {
                len as u32
            },
        };
        self.left -= piece.len;
        self.start = 0;
        if self.back == 0 {
            self.left = 0;
        } else {
            self.back -= 1;
        }
        Some(piece)
    }
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
    let piece = Piece { from, len };
    if way == u32::from(INGRESS) {
        segment::<INGRESS>(cookie, connection, &piece);
    } else {
        segment::<EGRESS>(cookie, connection, &piece);
    }
    0
}

#[inline(always)]
fn segment<const WAY: u8>(cookie: u64, connection: &mut Connection, piece: &Piece) {
    let role = connection.role;
    let begins = beginning(connection.pair);
    let Way {
        own,
        other,
        shipped,
        others,
        moved,
        ..
    } = if WAY == INGRESS {
        connection.inwards()
    } else {
        connection.outwards()
    };
    let seq = if own.is_seen() { own.next() } else { begins };
    let facts = window::Segment {
        seq,
        len: piece.len,
        expected: seq,
        early: false,
    };
    let before = own.kind();
    let decision = window::decide(own, other, &facts, &Memory { piece }, &settings::knobs());
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

/// What the window rule may look at.
struct Memory<'a> {
    piece: &'a Piece,
}

impl Peek for Memory<'_> {
    #[inline(always)]
    fn at(&self, offset: u32) -> (u64, u64, u32) {
        let rest = self.piece.len.wrapping_sub(offset);
        let len = if rest < PREFIX { rest } else { PREFIX };
        if len == 0 {
            return (0, 0, 0);
        }
        let mut words = MaybeUninit::<[u64; 2]>::uninit();
        let start = words.as_mut_ptr().cast::<u64>();
        // SAFETY: both words are written, the first bytes of them twice; volatile for the reason that
        // packets have. The helper checks the address.
        unsafe {
            start.write_volatile(0);
            start.add(1).write_volatile(0);
            let from = self.piece.from.wrapping_add(u64::from(offset));
            let len_shown = bounded::<{ PREFIX as i32 - 1 }>(len);
            if bpf_probe_read_user(start.cast(), len_shown, from as *const c_void) != 0 {
                return (0, 0, 0);
            }
            (
                u64::from_le(start.read_volatile()),
                u64::from_le(start.add(1).read_volatile()),
                len,
            )
        }
    }

    #[inline(always)]
    fn recognise(&self, low: u64, high: u64, known: u32) -> Mark {
        Mark::from_number(observer_recognise(low, high, known) as u8)
    }

    #[inline(always)]
    fn last(&self) -> u32 {
        let len = if self.piece.len < 4 {
            self.piece.len
        } else {
            4
        };
        let mut word = MaybeUninit::<u32>::uninit();
        let end = self.piece.from.wrapping_add(u64::from(self.piece.len));
        let from = end.wrapping_sub(u64::from(len)) as *const c_void;
        // SAFETY: the word is written, the first bytes of it twice. The helper checks the address.
        let bytes = unsafe {
            let start = word.as_mut_ptr();
            start.write_volatile(0);
            if bpf_probe_read_user(start.cast(), bounded::<3>(len), from) != 0 {
                return 0;
            }
            u32::from_be(start.read_volatile())
        };
        // Of a shorter piece the bytes lie highest.
        bytes >> (8 * (4 - len))
    }
}

/// Notes which end the socket is and who the other is, and hands it over.
#[inline(always)]
fn first(socket: *mut c_void, connection: &mut Connection) {
    let layout = settings::unix();
    let own = socket as u64;
    let peer: u64 = kernel(own + u64::from(layout.unix_peer)).unwrap_or(0);
    let pid: u64 = kernel(own + u64::from(layout.sock_peer_pid)).unwrap_or(0);
    let number: u32 = if pid == 0 {
        0
    } else {
        kernel(pid + u64::from(layout.pid_number)).unwrap_or(0)
    };
    let (local, remote) = (name(own), name(peer));
    // An accepted socket has the name of its listener, and who called mostly has none.
    let role = match (local.len, remote.len) {
        (0, 0) => Role::Unknown,
        (_, 0) => Role::Server,
        (0, _) => Role::Client,
        _ => Role::Unknown,
    };
    connection.role = role as u8;
    connection.pair = if role as u8 == Role::Server as u8 {
        peer
    } else {
        own
    };
    // SAFETY: a socket that the verifier knows.
    let cookie = unsafe { bpf_get_socket_cookie(socket) };
    count(Counter::ContextWanted, 1);
    settle(hand_over_names(
        header(Kind::Unix, cookie, INGRESS, connection.role),
        number,
        [local, remote],
    ));
}

/// Where the name of a socket lies, and how long it is; 0: it has none.
struct Name {
    from: u64,
    len: u16,
}

#[inline(always)]
fn name(sock: u64) -> Name {
    match find_name(sock) {
        Some(name) => name,
        None => Name { from: 0, len: 0 },
    }
}

#[inline(always)]
fn find_name(sock: u64) -> Option<Name> {
    const FAMILY: u32 = 2;
    const LONGEST: u32 = 108;
    if sock == 0 {
        return None;
    }
    let layout = settings::unix();
    let address: u64 = kernel(sock + u64::from(layout.unix_address))?;
    if address == 0 {
        return None;
    }
    let len = kernel::<u32>(address + u64::from(layout.address_len))?.wrapping_sub(FAMILY);
    if len == 0 || len > LONGEST {
        return None;
    }
    Some(Name {
        from: address + u64::from(layout.address_path),
        len: len as u16,
    })
}

/// Writes the record where it is handed over: on the stack there is no room for it.
#[inline(always)]
fn hand_over_names(header: record::Header, peer: u32, names: [Name; 2]) -> Result<(), Lost> {
    let [local, remote] = names;
    hand_over_in_place(|record: *mut record::Unix| {
        // SAFETY: the record's own memory. The helper fills all of a name, with zeros where there is
        // none to read.
        unsafe {
            copy_words(&header, (&raw mut (*record).header));
            (&raw mut (*record).peer).write_volatile(peer);
            (&raw mut (*record).local_len).write_volatile(local.len);
            (&raw mut (*record).remote_len).write_volatile(remote.len);
            let to = (&raw mut (*record).local).cast();
            bpf_probe_read_kernel(to, UNIX_NAME as u32, local.from as *const c_void);
            let to = (&raw mut (*record).remote).cast();
            bpf_probe_read_kernel(to, UNIX_NAME as u32, remote.from as *const c_void);
        }
    })
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
