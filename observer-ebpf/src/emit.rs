//! Hands records over, and counts those that could not be.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, bpf_sock},
    cty::c_void,
    helpers::generated::{
        bpf_get_socket_cookie, bpf_ktime_get_ns, bpf_probe_read_user, bpf_skb_cgroup_id,
        bpf_skb_load_bytes,
    },
};
use observer_common::{
    counter::Counter,
    record::{CLASSES, FIRST, Header, Kind, LISTENER, MAX_PAYLOAD, Segment},
    window::Decision,
};

use crate::{
    headers::{self, Tcp},
    maps::{RECORDS, count},
    packet::mark_number,
    settings,
    verifier::bounded,
};

/// Where a segment was seen.
pub(crate) struct Place {
    /// A record's `direction`.
    pub(crate) way: u8,
    /// A record's `role`.
    pub(crate) role: u8,
    /// A record's `flags`.
    pub(crate) flags: u8,
    /// A record's `moved`.
    pub(crate) moved: u64,
}

/// It was wanted, and is lost. It is counted already.
pub(crate) struct Lost;

/// Hands over what the rule wants of a segment. Gives how many of the wanted bytes did not fit.
#[inline(always)]
pub(crate) fn ship(
    skb: *mut __sk_buff,
    socket: *mut bpf_sock,
    tcp: &Tcp,
    decision: &Decision,
    place: &Place,
) -> Result<u32, Lost> {
    count(Counter::SegmentsWanted, 1);
    let most = MAX_PAYLOAD as u32;
    let len = if decision.len < most {
        decision.len
    } else {
        most
    };
    let mut record = describe(skb, tcp, decision, place, len);
    let ends = if place.flags & LISTENER != 0 {
        packet_addresses(skb)
    } else {
        socket_addresses(socket)
    };
    record.local = ends.local;
    record.remote = ends.remote;
    record.local_port = ends.local_port;
    record.remote_port = ends.remote_port;
    let from = tcp.offset.wrapping_add(decision.offset);
    by_class(&Packet { skb, from }, &record, len)?;
    #[cfg(feature = "debug-log")]
    aya_log_ebpf::debug!(
        &aya_ebpf::programs::SkBuffContext::new(skb),
        "socket {}, way {}: {} bytes of {} at {}, mark {}",
        record.header.cookie,
        place.way,
        len,
        tcp.len,
        record.seq,
        record.mark
    );
    let cut = decision.len.wrapping_sub(len);
    if cut > 0 {
        count(Counter::BytesCut, u64::from(cut));
    }
    Ok(cut)
}

/// The same of a thread's memory: of the piece of `len` bytes at `from`, which starts at `seq`.
#[inline(always)]
pub(crate) fn ship_memory(
    cookie: u64,
    seq: u32,
    from: u64,
    len: u32,
    decision: &Decision,
    place: &Place,
) -> Result<u32, Lost> {
    count(Counter::SegmentsWanted, 1);
    let most = MAX_PAYLOAD as u32;
    let copied = if decision.len < most {
        decision.len
    } else {
        most
    };
    let record = Segment {
        header: Header {
            cookie,
            time: now(),
            payload: copied,
            kind: Kind::Segment as u8,
            direction: place.way,
            role: place.role,
            flags: place.flags,
        },
        skipped: decision.skipped,
        lost: decision.lost,
        moved: place.moved,
        cgroup: 0,
        local: [0; 16],
        remote: [0; 16],
        seq: seq.wrapping_add(decision.offset),
        wire_len: len.wrapping_sub(decision.offset),
        local_port: 0,
        remote_port: 0,
        tcp_flags: 0,
        mark: mark_number(decision.mark),
        reserved: 0,
        http2: [0; 2],
    };
    let from = from.wrapping_add(u64::from(decision.offset));
    by_class(&Memory(from), &record, copied)?;
    let cut = decision.len.wrapping_sub(copied);
    if cut > 0 {
        count(Counter::BytesCut, u64::from(cut));
    }
    Ok(cut)
}

/// Where copied bytes come from.
trait Bytes {
    /// Copies them. `len` was shown to fit.
    unsafe fn copy(&self, to: *mut c_void, len: u32) -> i64;
}

struct Packet {
    skb: *mut __sk_buff,
    from: u32,
}

impl Bytes for Packet {
    #[inline(always)]
    unsafe fn copy(&self, to: *mut c_void, len: u32) -> i64 {
        // SAFETY: the caller's.
        unsafe { bpf_skb_load_bytes(self.skb.cast(), self.from, to, len) }
    }
}

struct Memory(u64);

impl Bytes for Memory {
    #[inline(always)]
    unsafe fn copy(&self, to: *mut c_void, len: u32) -> i64 {
        // SAFETY: the caller's; the helper checks the address.
        unsafe { bpf_probe_read_user(to, len, self.0 as *const c_void) }
    }
}

/// Hands a record over with its bytes, in the smallest class that holds them.
#[inline(always)]
fn by_class(bytes: &impl Bytes, record: &Segment, len: u32) -> Result<(), Lost> {
    if len == 0 {
        submit::<8, 0>(bytes, record, 0)
    } else if len <= CLASSES[0] as u32 {
        submit::<{ CLASSES[0] }, { CLASSES[0] as i32 - 1 }>(bytes, record, len)
    } else if len <= CLASSES[1] as u32 {
        submit::<{ CLASSES[1] }, { CLASSES[1] as i32 - 1 }>(bytes, record, len)
    } else if len <= CLASSES[2] as u32 {
        submit::<{ CLASSES[2] }, { CLASSES[2] as i32 - 1 }>(bytes, record, len)
    } else if len <= CLASSES[3] as u32 {
        submit::<{ CLASSES[3] }, { CLASSES[3] as i32 - 1 }>(bytes, record, len)
    } else if len <= CLASSES[4] as u32 {
        submit::<{ CLASSES[4] }, { CLASSES[4] as i32 - 1 }>(bytes, record, len)
    } else {
        submit::<{ CLASSES[5] }, { CLASSES[5] as i32 - 1 }>(bytes, record, len)
    }?;
    count(Counter::SegmentsSubmitted, 1);
    Ok(())
}

#[inline(always)]
fn describe(
    skb: *mut __sk_buff,
    tcp: &Tcp,
    decision: &Decision,
    place: &Place,
    len: u32,
) -> Segment {
    Segment {
        header: Header {
            // SAFETY: the context of the program.
            cookie: unsafe { bpf_get_socket_cookie(skb.cast()) },
            time: now(),
            payload: len,
            kind: Kind::Segment as u8,
            direction: place.way,
            role: place.role,
            flags: place.flags,
        },
        skipped: decision.skipped,
        lost: decision.lost,
        moved: place.moved,
        cgroup: if place.flags & FIRST != 0 {
            // SAFETY: the context of the program.
            unsafe { bpf_skb_cgroup_id(skb) }
        } else {
            0
        },
        local: [0; 16],
        remote: [0; 16],
        seq: tcp.seq.wrapping_add(decision.offset),
        wire_len: tcp.len.wrapping_sub(decision.offset),
        local_port: 0,
        remote_port: 0,
        tcp_flags: tcp.flags,
        mark: mark_number(decision.mark),
        reserved: 0,
        http2: [0; 2],
    }
}

/// The two ends of a connection, as a record has them.
#[derive(Default)]
pub(crate) struct Addresses {
    pub(crate) local: [u8; 16],
    pub(crate) remote: [u8; 16],
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
}

const AF_INET6: u32 = 10;

/// The addresses as the application knows them, before any NAT of this host.
///
/// All fields are read whatever the family: of two branches that end in a read the compiler makes one
/// read at a place that varies, which the kernel refuses.
#[inline(always)]
pub(crate) fn socket_addresses(socket: *mut bpf_sock) -> Addresses {
    // SAFETY: fields of a full socket that the verifier knows. Volatile, each by itself: the kernel
    // rewrites every access, and takes no wider ones.
    unsafe {
        let (local, remote) = (&raw const (*socket).src_ip6, &raw const (*socket).dst_ip6);
        let local_v6 = [
            (&raw const (*local)[0]).read_volatile(),
            (&raw const (*local)[1]).read_volatile(),
            (&raw const (*local)[2]).read_volatile(),
            (&raw const (*local)[3]).read_volatile(),
        ];
        let remote_v6 = [
            (&raw const (*remote)[0]).read_volatile(),
            (&raw const (*remote)[1]).read_volatile(),
            (&raw const (*remote)[2]).read_volatile(),
            (&raw const (*remote)[3]).read_volatile(),
        ];
        let local_v4 = (&raw const (*socket).src_ip4).read_volatile();
        let remote_v4 = (&raw const (*socket).dst_ip4).read_volatile();
        // The socket's own port is in the machine's byte order, its peer's in the network's.
        let local_port = (&raw const (*socket).src_port).read_volatile() as u16;
        let remote_port = u16::from_be((&raw const (*socket).dst_port).read_volatile());
        let (local, remote) = if (&raw const (*socket).family).read_volatile() == AF_INET6 {
            (v6(local_v6), v6(remote_v6))
        } else {
            (mapped(local_v4), mapped(remote_v4))
        };
        Addresses {
            local,
            remote,
            local_port,
            remote_port,
        }
    }
}

/// The addresses of an incoming packet: a listening socket has no peer.
#[inline(always)]
pub(crate) fn packet_addresses(skb: *mut __sk_buff) -> Addresses {
    let Some(header) = headers::find(skb) else {
        return Addresses::default();
    };
    let (remote, local) = if header.v6 {
        (
            headers::load(skb, 8).unwrap_or_default(),
            headers::load(skb, 24).unwrap_or_default(),
        )
    } else {
        (
            mapped(u32::from_ne_bytes(
                headers::load(skb, 12).unwrap_or_default(),
            )),
            mapped(u32::from_ne_bytes(
                headers::load(skb, 16).unwrap_or_default(),
            )),
        )
    };
    let ports: [u8; 4] = headers::load(skb, header.offset).unwrap_or_default();
    Addresses {
        local,
        remote,
        local_port: u16::from_be_bytes([ports[2], ports[3]]),
        remote_port: u16::from_be_bytes([ports[0], ports[1]]),
    }
}

/// `::ffff:a.b.c.d`. The argument is in the byte order of the network.
#[inline(always)]
fn mapped(address: u32) -> [u8; 16] {
    v6([0, 0, 0xffffu32.to_be(), address])
}

#[inline(always)]
fn v6(words: [u32; 4]) -> [u8; 16] {
    // SAFETY: sixteen bytes either way.
    unsafe { core::mem::transmute(words) }
}

/// A record of a size class. `N` is a power of two and `MASK` is `N - 1`.
#[repr(C, align(8))]
struct Class<const N: usize> {
    record: Segment,
    payload: [u8; N],
}

#[inline(always)]
fn submit<const N: usize, const MASK: i32>(
    bytes: &impl Bytes,
    record: &Segment,
    len: u32,
) -> Result<(), Lost> {
    let Some(mut entry) = RECORDS.reserve::<Class<N>>(0) else {
        count(Counter::LostRingFull, 1);
        return Err(Lost);
    };
    let class = entry.as_mut_ptr();
    if len > 0 {
        // SAFETY: at most `N` bytes are written into a payload of `N` bytes.
        let result = unsafe {
            let payload = (&raw mut (*class).payload).cast();
            bytes.copy(payload, bounded::<MASK>(len))
        };
        if result != 0 {
            entry.discard(u64::from(BPF_RB_NO_WAKEUP));
            count(Counter::LostUnreadable, 1);
            return Err(Lost);
        }
    }
    // SAFETY: the entry is large enough, and aligned to words.
    unsafe { copy_words(record, (&raw mut (*class).record)) };
    entry.submit(wake_flags());
    Ok(())
}

/// Hands over a record that `write` makes where it lies. Counts nothing.
#[inline(always)]
pub(crate) fn hand_over_in_place<T: 'static>(write: impl FnOnce(*mut T)) -> Result<(), Lost> {
    let Some(mut entry) = RECORDS.reserve::<T>(0) else {
        return Err(Lost);
    };
    write(entry.as_mut_ptr());
    entry.submit(wake_flags());
    Ok(())
}

/// Hands over a record without payload. Counts nothing.
#[inline(always)]
pub(crate) fn hand_over<T: 'static>(record: T) -> Result<(), Lost> {
    let Some(mut entry) = RECORDS.reserve::<T>(0) else {
        return Err(Lost);
    };
    // SAFETY: the entry is large enough, and aligned to words.
    unsafe { copy_words(&record, entry.as_mut_ptr()) };
    entry.submit(wake_flags());
    Ok(())
}

/// Copies a record without padding by words. Volatile, because the compiler would make it a call of
/// memcpy, a loop of bytes in BPF.
///
/// # Safety
/// `to` may be written, and both are aligned to eight bytes.
#[inline(always)]
pub(crate) unsafe fn copy_words<T>(from: &T, to: *mut T) {
    let from = core::ptr::from_ref(from).cast::<u64>();
    let to = to.cast::<u64>();
    for word in 0..size_of::<T>() / 8 {
        // SAFETY: `word` is inside both.
        unsafe { to.add(word).write_volatile(from.add(word).read()) };
    }
}

/// Nanoseconds of CLOCK_MONOTONIC.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_ktime_get_ns() }
}

/// Waking the reader costs more than the record. It looks by itself now and then, so it is woken only
/// when much has come together.
#[inline(always)]
fn wake_flags() -> u64 {
    let flags = if RECORDS.query(u64::from(BPF_RB_AVAIL_DATA)) >= settings::wake_at() {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    };
    u64::from(flags)
}
