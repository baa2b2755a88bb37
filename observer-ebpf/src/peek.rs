//! What the window rule may look at: of a packet, and of a thread's memory.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::__sk_buff,
    cty::c_void,
    helpers::generated::{bpf_probe_read_user, bpf_skb_load_bytes},
};
use observer_common::window::{self, LINE, LINE_WORDS, Mark, PREFIX, Peek};

use crate::{
    headers::{self, Tcp},
    verifier::bounded,
};

/// The data of a segment.
pub(crate) struct Packet<'a> {
    pub(crate) skb: *mut __sk_buff,
    pub(crate) tcp: &'a Tcp,
}

impl Peek for Packet<'_> {
    #[inline(always)]
    fn at(&self, offset: u32) -> (u64, u64, u32) {
        prefix(self.tcp.len.wrapping_sub(offset), |to, len| {
            let from = self.tcp.offset.wrapping_add(offset);
            // SAFETY: the caller's.
            unsafe { bpf_skb_load_bytes(self.skb.cast(), from, to, len) }
        })
    }

    #[inline(always)]
    fn recognise(&self, low: u64, high: u64, known: u32) -> Mark {
        Mark::from_number(observer_recognise(low, high, known) as u8)
    }

    #[inline(always)]
    fn is_of_issuer(&self, offset: u32) -> bool {
        let from = self.tcp.offset.wrapping_add(offset);
        observer_packet_is_of_issuer(self.skb, from, self.tcp.len.wrapping_sub(offset)) != 0
    }

    #[inline(always)]
    fn last(&self) -> u32 {
        let end = self.tcp.offset.wrapping_add(self.tcp.len);
        // There are always four bytes before the end: those of the header at least. Of a short
        // segment the rule takes the lowest bytes alone.
        match headers::load::<4>(self.skb, end.wrapping_sub(4)) {
            Some(bytes) => u32::from_be_bytes(bytes),
            None => 0,
        }
    }
}

/// A piece of a thread's memory.
pub(crate) struct Memory {
    pub(crate) from: u64,
    pub(crate) len: u32,
}

impl Peek for Memory {
    #[inline(always)]
    fn at(&self, offset: u32) -> (u64, u64, u32) {
        prefix(self.len.wrapping_sub(offset), |to, len| {
            let from = self.from.wrapping_add(u64::from(offset));
            // SAFETY: the caller's; the helper checks the address.
            unsafe { bpf_probe_read_user(to, len, from as *const c_void) }
        })
    }

    #[inline(always)]
    fn recognise(&self, low: u64, high: u64, known: u32) -> Mark {
        Mark::from_number(observer_recognise(low, high, known) as u8)
    }

    #[inline(always)]
    fn is_of_issuer(&self, offset: u32) -> bool {
        let from = self.from.wrapping_add(u64::from(offset));
        observer_memory_is_of_issuer(from, self.len.wrapping_sub(offset)) != 0
    }

    #[inline(always)]
    fn last(&self) -> u32 {
        let len = if self.len < 4 { self.len } else { 4 };
        let mut word = MaybeUninit::<u32>::uninit();
        let end = self.from.wrapping_add(u64::from(self.len));
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

/// The first bytes of `rest`, as [`Peek::at`] gives them. `read` copies that many to a place that has
/// room, and gives 0 if it could.
#[inline(always)]
fn prefix(rest: u32, read: impl FnOnce(*mut c_void, u32) -> i64) -> (u64, u64, u32) {
    let len = if rest < PREFIX { rest } else { PREFIX };
    if len == 0 {
        return (0, 0, 0);
    }
    let mut words = MaybeUninit::<[u64; 2]>::uninit();
    let start = words.as_mut_ptr().cast::<u64>();
    // SAFETY: both words are written, the first bytes of them twice. Volatile, because clearing them at
    // once would be a call of memset, a loop of bytes in BPF.
    unsafe {
        start.write_volatile(0);
        start.add(1).write_volatile(0);
        if read(start.cast(), bounded::<{ PREFIX as i32 - 1 }>(len)) != 0 {
            return (0, 0, 0);
        }
        (
            u64::from_le(start.read_volatile()),
            u64::from_le(start.add(1).read_volatile()),
            len,
        )
    }
}

/// Whether the request line in the first bytes of `rest` is of an issuer. `read` as for [`prefix`].
#[inline(always)]
fn is_of_issuer(rest: u32, read: impl FnOnce(*mut c_void, u32) -> i64) -> u32 {
    let len = if rest < LINE { rest } else { LINE };
    if len == 0 {
        return 0;
    }
    let mut line = MaybeUninit::<[u64; LINE_WORDS]>::uninit();
    let start = line.as_mut_ptr().cast::<u64>();
    // SAFETY: all words are written, the first bytes of them twice; volatile as in `prefix`.
    let line = unsafe {
        for word in 0..LINE_WORDS {
            start.add(word).write_volatile(0);
        }
        if read(start.cast(), bounded::<{ LINE as i32 - 1 }>(len)) != 0 {
            return 0;
        }
        line.assume_init_ref()
    };
    u32::from(window::is_of_issuer(line))
}

/// Functions of their own for the verifier, as the next one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn observer_packet_is_of_issuer(skb: *mut __sk_buff, from: u32, rest: u32) -> u32 {
    // SAFETY: the context of the program, and as many bytes as the line has room for.
    is_of_issuer(rest, |to, len| unsafe {
        bpf_skb_load_bytes(skb.cast(), from, to, len)
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn observer_memory_is_of_issuer(from: u64, rest: u32) -> u32 {
    // SAFETY: as many bytes as the line has room for; the helper checks the address.
    is_of_issuer(rest, |to, len| unsafe {
        bpf_probe_read_user(to, len, from as *const c_void)
    })
}

/// A function of its own for the verifier: see [`Peek::recognise`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn observer_recognise(low: u64, high: u64, known: u32) -> u32 {
    u32::from(window::recognise(low, high, known) as u8)
}
