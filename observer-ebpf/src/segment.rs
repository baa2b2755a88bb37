//! Hands segments over, and counts those that could not be.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_RB_NO_WAKEUP, bpf_sock},
    cty::c_void,
    helpers::generated::{
        bpf_get_socket_cookie, bpf_probe_read_user, bpf_skb_cgroup_id, bpf_skb_load_bytes,
    },
};
use observer_common::{
    counter::Counter,
    record::{CLASSES, FIRST, Header, Kind, LISTENER, MAX_PAYLOAD, Segment},
    window::{Decision, Mark},
};

use crate::{
    addresses::{packet_addresses, socket_addresses},
    emit::{Lost, copy_words, now, wake_flags},
    headers::Tcp,
    maps::{RECORDS, count},
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

/// Hands over what the rule wants of a segment. Gives how many of the wanted bytes did not fit.
#[inline(always)]
pub(crate) fn ship(
    skb: *mut __sk_buff,
    socket: *mut bpf_sock,
    tcp: &Tcp,
    decision: &Decision,
    place: &Place,
) -> Result<u32, Lost> {
    // SAFETY: the context of the program.
    let cookie = unsafe { bpf_get_socket_cookie(skb.cast()) };
    let mut record = record(cookie, tcp.seq, tcp.len, decision, place);
    record.tcp_flags = tcp.flags;
    if place.flags & FIRST != 0 {
        // SAFETY: as above.
        record.cgroup = unsafe { bpf_skb_cgroup_id(skb) };
    }
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
    let result = hand_over(&Packet { skb, from }, &record, decision);
    #[cfg(feature = "debug-log")]
    if result.is_ok() {
        aya_log_ebpf::debug!(
            &aya_ebpf::programs::SkBuffContext::new(skb),
            "socket {}, way {}: {} bytes of {} at {}, mark {}",
            cookie,
            place.way,
            record.header.payload,
            tcp.len,
            record.seq,
            record.mark
        );
    }
    result
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
    let record = record(cookie, seq, len, decision, place);
    let from = from.wrapping_add(u64::from(decision.offset));
    hand_over(&Memory(from), &record, decision)
}

/// What a record says of a segment of `len` bytes at `seq`, whatever the bytes are in.
#[inline(always)]
fn record(cookie: u64, seq: u32, len: u32, decision: &Decision, place: &Place) -> Segment {
    let most = MAX_PAYLOAD as u32;
    Segment {
        header: Header {
            cookie,
            time: now(),
            payload: if decision.len < most {
                decision.len
            } else {
                most
            },
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
    }
}

#[inline(always)]
fn hand_over(bytes: &impl Bytes, record: &Segment, decision: &Decision) -> Result<u32, Lost> {
    count(Counter::SegmentsWanted, 1);
    by_class(bytes, record, record.header.payload)?;
    let cut = decision.len.wrapping_sub(record.header.payload);
    if cut > 0 {
        count(Counter::BytesCut, u64::from(cut));
    }
    Ok(cut)
}

/// A mark as a record has it.
#[inline(always)]
fn mark_number(mark: Option<Mark>) -> u8 {
    match mark {
        Some(mark) => mark as u8,
        None => 0,
    }
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
    } else if len <= CLASSES[5] as u32 {
        submit::<{ CLASSES[5] }, { CLASSES[5] as i32 - 1 }>(bytes, record, len)
    } else {
        submit::<{ CLASSES[6] }, { CLASSES[6] as i32 - 1 }>(bytes, record, len)
    }?;
    count(Counter::SegmentsSubmitted, 1);
    Ok(())
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
