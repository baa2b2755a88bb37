//! What the programs share with each other and with the agent.

use aya_ebpf::{
    bindings::{BPF_F_CLONE, BPF_F_NO_PREALLOC, BPF_SK_STORAGE_GET_F_CREATE, bpf_map_type},
    cty::c_void,
    helpers::generated::bpf_sk_storage_get,
    macros::{btf_map, map},
    maps::{PerCpuArray, RingBuf},
};
use observer_common::{
    connection::Connection,
    counter::{COUNTERS, Counter},
};

/// To the agent. The agent sets its size.
#[map]
pub(crate) static RECORDS: RingBuf = RingBuf::with_byte_size(32 * 1024 * 1024, 0);

#[map]
static COUNTS: PerCpuArray<[u64; COUNTERS]> = PerCpuArray::with_max_entries(1, 0);

#[btf_map]
static CONNECTIONS: SocketStorage = SocketStorage::new();

/// The state of a socket's connection, if it has one.
///
/// # Safety
/// `socket` is a socket that the verifier knows: from the context, or from a helper.
#[inline(always)]
pub(crate) unsafe fn connection(socket: *mut c_void) -> Option<&'static mut Connection> {
    // SAFETY: the kernel gives null or a value of the map, which lives as long as the program runs.
    unsafe { CONNECTIONS.get(socket, 0).as_mut() }
}

/// The same, made if there is none. `None` when there is no memory for it.
///
/// # Safety
/// As [`connection`].
#[inline(always)]
pub(crate) unsafe fn connection_or_new(socket: *mut c_void) -> Option<&'static mut Connection> {
    // SAFETY: as above.
    unsafe {
        CONNECTIONS
            .get(socket, u64::from(BPF_SK_STORAGE_GET_F_CREATE))
            .as_mut()
    }
}

/// Adds to a count of this CPU.
#[inline(always)]
pub(crate) fn count(counter: Counter, by: u64) {
    if let Some(counts) = COUNTS.get_ptr_mut(0) {
        // SAFETY: `counter` is a place in the array, and only this CPU writes it. A program that
        // interrupts this one on the same CPU may take a count away from it, never more.
        unsafe {
            let place = counts.cast::<u64>().add(counter as usize);
            *place = (*place).wrapping_add(by);
        }
    }
}

/// A map of `BPF_MAP_TYPE_SK_STORAGE`. aya-ebpf's own takes only the context of an address hook, and
/// has no flags; with `BPF_F_CLONE` an accepted socket inherits what the agent wrote to its listener.
#[repr(C)]
pub(crate) struct SocketStorage {
    r#type: *const [i32; bpf_map_type::BPF_MAP_TYPE_SK_STORAGE as usize],
    key: *const i32,
    value: *const Connection,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; (BPF_F_NO_PREALLOC | BPF_F_CLONE) as usize],
}

// SAFETY: a description for the loader; nobody follows the pointers.
unsafe impl Sync for SocketStorage {}

impl SocketStorage {
    const fn new() -> Self {
        use core::ptr::null;
        Self {
            r#type: null(),
            key: null(),
            value: null(),
            max_entries: null(),
            map_flags: null(),
        }
    }

    #[inline(always)]
    unsafe fn get(&self, socket: *mut c_void, flags: u64) -> *mut Connection {
        let map = core::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: the caller's socket; no initial value.
        unsafe { bpf_sk_storage_get(map, socket, core::ptr::null_mut(), flags) }.cast()
    }
}
