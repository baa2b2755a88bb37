//! What the programs share with each other and with the agent.

use core::arch::asm;

use aya_ebpf::{
    bindings::{
        BPF_F_CLONE, BPF_F_NO_PREALLOC, BPF_NOEXIST, BPF_SK_STORAGE_GET_F_CREATE, bpf_map_type,
    },
    cty::c_void,
    helpers::generated::bpf_sk_storage_get,
    macros::{btf_map, map},
    maps::{Array, HashMap, LpmTrie, PerCpuArray, RingBuf, lpm_trie::Key},
};
use observer_common::{
    connection::Connection,
    counter::{COUNTERS, Counter},
    filter::{Filter, NetworkAddress, PLACES},
    unix::{PAIRS, Pair, Unseen},
};

/// To the agent. The agent sets its size.
#[map]
pub(crate) static RECORDS: RingBuf = RingBuf::with_byte_size(32 * 1024 * 1024, 0);

#[map]
static COUNTS: PerCpuArray<[u64; COUNTERS]> = PerCpuArray::with_max_entries(1, 0);

#[btf_map]
static CONNECTIONS: SocketStorage = SocketStorage::new();

#[map]
static FILTER: Array<u64> = Array::with_max_entries(1, 0);
#[map]
static FILTER_PORTS: HashMap<u32, u8> = HashMap::with_max_entries(PLACES, BPF_F_NO_PREALLOC);
#[map]
static FILTER_NETWORKS: LpmTrie<NetworkAddress, u8> =
    LpmTrie::with_max_entries(PLACES, BPF_F_NO_PREALLOC);
#[map]
static FILTER_CGROUPS: HashMap<u64, u8> = HashMap::with_max_entries(PLACES, BPF_F_NO_PREALLOC);

/// Made when used. The agent takes out those that are silent.
#[map]
static UNSEEN: HashMap<Pair, Unseen> = HashMap::with_max_entries(PAIRS, BPF_F_NO_PREALLOC);

/// What the operator wants now.
#[inline(always)]
pub(crate) fn filter() -> Filter {
    Filter::from_word(FILTER.get(0).copied().unwrap_or(0))
}

/// What the map of ports has; 0: nothing.
#[inline(always)]
pub(crate) fn port(port: u16) -> u8 {
    // SAFETY: a byte, which is read at once; nothing else depends on it.
    unsafe { FILTER_PORTS.get(&u32::from(port)) }
        .copied()
        .unwrap_or(0)
}

/// What the map of networks has for the narrowest network of an address; 0: nothing.
#[inline(always)]
pub(crate) fn network(address: NetworkAddress) -> u8 {
    FILTER_NETWORKS
        .get(Key::new(128, address))
        .copied()
        .unwrap_or(0)
}

/// What the map of cgroups has; 0: nothing.
#[inline(always)]
pub(crate) fn cgroup(id: u64) -> u8 {
    // SAFETY: as above.
    unsafe { FILTER_CGROUPS.get(&id) }.copied().unwrap_or(0)
}

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
        // SAFETY: `counter` is a place in the array. Atomic, because a program may interrupt another on
        // the same CPU, and the sums must hold exactly.
        unsafe { add(counts.cast::<u64>().add(counter as usize), by) };
    }
}

/// Adds a call that wrote so many bytes to what a pair said. False: the pair is not known.
#[inline(always)]
pub(crate) fn add_unseen(pair: &Pair, bytes: u32) -> bool {
    let Some(said) = UNSEEN.get_ptr_mut(pair) else {
        return false;
    };
    // SAFETY: fields of a value of the map. Other CPUs may add to them meanwhile.
    unsafe {
        add(&raw mut (*said).bytes, u64::from(bytes));
        add(&raw mut (*said).calls, 1);
    }
    true
}

/// Begins to count a pair. False: it is known, or there is no room.
#[inline(always)]
pub(crate) fn new_unseen(pair: &Pair, first: &Unseen) -> bool {
    UNSEEN.insert(pair, first, u64::from(BPF_NOEXIST)).is_ok()
}

/// # Safety
/// `place` may be written, and is aligned.
#[inline(always)]
unsafe fn add(place: *mut u64, by: u64) {
    // The target has no atomic type, because it has no compare and swap.
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "lock *(u64 *)({place} + 0) += {by}",
            place = in(reg) place,
            by = in(reg) by,
            options(nostack),
        );
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
