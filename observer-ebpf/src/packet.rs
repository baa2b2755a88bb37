//! The packet plane: what was said, at each socket of the host. Both programs give 1 on every path: no
//! packet is ever held back.

use aya_ebpf::{
    bindings::{__sk_buff, bpf_sock},
    helpers::generated::{bpf_sk_fullsock, bpf_tcp_sock},
    macros::cgroup_skb,
    programs::SkBuffContext,
};
use observer_common::{
    connection::{Connection, Role, Way},
    counter::Counter,
    record::{self, FIRST, LISTENER},
    window::{self, Decision, Kind, Side},
};

use crate::{
    addresses::{packet_addresses, socket_addresses},
    emit::Lost,
    filter,
    headers::{self, FIN, RST, SYN, Tcp},
    maps::{self, connection, connection_or_new, count},
    peek::Packet,
    segment::{Place, ship},
    settings,
};

#[cgroup_skb(ingress)]
pub(crate) fn observer_ingress(ctx: SkBuffContext) -> i32 {
    look::<{ record::INGRESS }>(ctx.skb.skb);
    1
}

#[cgroup_skb(egress)]
pub(crate) fn observer_egress(ctx: SkBuffContext) -> i32 {
    look::<{ record::EGRESS }>(ctx.skb.skb);
    1
}

const SOCK_STREAM: u32 = 1;
const IPPROTO_TCP: u32 = 6;
const TCP_LISTEN: u32 = 10;

/// `None` is how a packet that does not matter is left: nothing depends on it.
#[inline(always)]
fn look<const WAY: u8>(skb: *mut __sk_buff) -> Option<()> {
    let socket = stream_socket(skb)?;
    // SAFETY: a field of a socket that the verifier knows.
    let state = unsafe { (&raw const (*socket).state).read_volatile() };
    if state == TCP_LISTEN {
        return listened::<WAY>(skb, socket);
    }
    // SAFETY: `stream_socket` gives a full socket.
    let known = unsafe { connection(socket.cast()) };
    if let Some(connection) = &known {
        if connection.own != 0 || is_done::<WAY>(connection) && settings::closing_is_seen() {
            return None;
        }
        let said = connection.wanted::<WAY>();
        if said.is_left_out() && said.is_of(maps::filter().generation) {
            return None;
        }
    }
    let Some(tcp) = headers::parse(skb) else {
        count(Counter::Unparsed, 1);
        return None;
    };
    if let Some(connection) = &known {
        if tcp.len == 0 || is_done::<WAY>(connection) {
            return ended::<WAY>(skb, socket, &tcp, connection);
        }
    }
    if tcp.len == 0 {
        return None;
    }
    let connection = match known {
        Some(connection) => connection,
        // SAFETY: as above.
        None => match unsafe { connection_or_new(socket.cast()) } {
            Some(connection) => connection,
            None => {
                count(Counter::SegmentsWanted, 1);
                count(Counter::LostNoState, 1);
                return None;
            }
        },
    };
    segment::<WAY>(skb, socket, &tcp, connection)
}

/// The packet's socket, if it is a TCP socket of an application.
#[inline(always)]
fn stream_socket(skb: *mut __sk_buff) -> Option<*mut bpf_sock> {
    // SAFETY: a field of the context; the verifier makes us check it for null.
    let socket = unsafe { (&raw const (*skb).__bindgen_anon_2.sk).read_volatile() };
    if socket.is_null() {
        return None;
    }
    // SAFETY: null or a full socket comes back, of which all fields may be read.
    let socket = unsafe { bpf_sk_fullsock(socket) };
    if socket.is_null() {
        return None;
    }
    // SAFETY: as above.
    let (kind, protocol) = unsafe {
        (
            (&raw const (*socket).type_).read_volatile(),
            (&raw const (*socket).protocol).read_volatile(),
        )
    };
    // A raw socket gets copies of TCP packets too.
    (kind == SOCK_STREAM && protocol == IPPROTO_TCP).then_some(socket)
}

#[inline(always)]
fn is_done<const WAY: u8>(connection: &Connection) -> bool {
    let (own, other) = connection.sides::<WAY>();
    own.is_done(other)
}

/// A segment with data.
#[inline(always)]
fn segment<const WAY: u8>(
    skb: *mut __sk_buff,
    socket: *mut bpf_sock,
    tcp: &Tcp,
    connection: &'static mut Connection,
) -> Option<()> {
    // SAFETY: a full socket; null comes back if it is not TCP.
    let state = unsafe { bpf_tcp_sock(socket) };
    if state.is_null() {
        return None;
    }
    // SAFETY: fields of a TCP socket that the verifier knows.
    let (expected, received) = unsafe {
        if WAY == record::INGRESS {
            (
                (&raw const (*state).rcv_nxt).read_volatile(),
                (&raw const (*state).bytes_received).read_volatile(),
            )
        } else {
            ((&raw const (*state).snd_nxt).read_volatile(), 0)
        }
    };
    let role = connection.role;
    let facts = window::Segment {
        seq: tcp.seq,
        len: tcp.len,
        // With Fast Open `snd_nxt` is still that of the SYN.
        expected: if tcp.flags & SYN != 0 {
            tcp.seq
        } else {
            expected
        },
        early: role == Role::Server as u8 && received > 0,
    };
    let Way {
        own,
        other,
        shipped,
        others,
        wanted,
        moved,
    } = connection.way::<WAY>();

    let filter = maps::filter();
    if !wanted.is_of(filter.generation) {
        let was_left_out = wanted.is_left_out();
        *wanted = filter::ask(skb, &socket_addresses(socket), role, filter);
        if wanted.is_left_out() {
            return None;
        }
        if was_left_out {
            own.resume(facts.expected);
        }
    }

    let before = own.kind();
    let decision = window::decide(own, other, &facts, &Packet { skb, tcp }, &settings::knobs());
    note_kind(before, own.kind());
    if decision.len == 0 {
        return ended::<WAY>(skb, socket, tcp, connection);
    }
    let place = Place {
        way: WAY,
        role,
        flags: if *shipped == 0 && others == 0 {
            FIRST
        } else {
            0
        },
        moved: moved.whole(others),
    };
    match ship(skb, socket, tcp, &decision, &place) {
        Ok(cut) => {
            *shipped = shipped.wrapping_add(1);
            if cut > 0 {
                own.lose(cut);
            }
        }
        Err(Lost) => own.lose(decision.len),
    }
    Some(())
}

#[inline(always)]
pub(crate) fn note_kind(before: Kind, after: Kind) {
    if before as u8 == after as u8 {
        return;
    }
    match after {
        Kind::Tls => count(Counter::Tls, 1),
        Kind::Http2 => count(Counter::Http2, 1),
        Kind::Upgraded => count(Counter::Upgraded, 1),
        Kind::Foreign => count(Counter::Foreign, 1),
        Kind::Unknown | Kind::Http => {}
    }
}

/// A segment of which no data is wanted. The end of a connection is handed over if nothing else tells
/// of it.
#[inline(always)]
fn ended<const WAY: u8>(
    skb: *mut __sk_buff,
    socket: *mut bpf_sock,
    tcp: &Tcp,
    connection: &Connection,
) -> Option<()> {
    if settings::closing_is_seen() || !connection.is_told() || tcp.flags & (FIN | RST) == 0 {
        return None;
    }
    let place = Place {
        way: WAY,
        role: connection.role,
        flags: 0,
        moved: 0,
    };
    let (own, _) = connection.sides::<WAY>();
    let (skipped, lost) = own.missing();
    let decision = Decision {
        skipped,
        lost,
        ..Decision::default()
    };
    ship(skb, socket, tcp, &decision, &place).ok().map(drop)
}

/// Data under the cookie of a listening socket (TCP_DEFER_ACCEPT, Fast Open, a request on the
/// handshake's last segment). The rule's state is the child's, and there is no child yet: what starts
/// like a head is handed over, as far as a request's window goes.
#[inline(always)]
fn listened<const WAY: u8>(skb: *mut __sk_buff, socket: *mut bpf_sock) -> Option<()> {
    if WAY != record::INGRESS {
        return None;
    }
    let tcp = headers::parse(skb)?;
    if tcp.len == 0 {
        return None;
    }
    // SAFETY: a full socket.
    if let Some(connection) = unsafe { connection(socket.cast()) } {
        if connection.own != 0 {
            return None;
        }
    }
    let filter = maps::filter();
    if filter.generation != 0 {
        let ends = packet_addresses(skb);
        if filter::ask(skb, &ends, Role::Server as u8, filter).is_left_out() {
            return None;
        }
    }
    let mut own = Side::default();
    let facts = window::Segment {
        seq: tcp.seq,
        len: tcp.len,
        expected: tcp.seq,
        early: false,
    };
    let decision = window::decide(
        &mut own,
        &Side::default(),
        &facts,
        &Packet { skb, tcp: &tcp },
        &settings::knobs(),
    );
    if decision.len == 0 {
        return None;
    }
    let place = Place {
        way: WAY,
        role: Role::Server as u8,
        flags: LISTENER,
        moved: 0,
    };
    ship(skb, socket, &tcp, &decision, &place).ok().map(drop)
}
