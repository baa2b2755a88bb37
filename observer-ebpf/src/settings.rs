//! What the agent decides before it loads the programs. Read-only from then on, so the verifier knows
//! the values and prunes what they make unreachable.

use aya_ebpf::Global;
use observer_common::{unix::Layout, window::Knobs};

#[unsafe(no_mangle)]
static REQUEST_WINDOW: Global<u32> = Global::new(Knobs::DEFAULT.request);
#[unsafe(no_mangle)]
static ANSWER_WINDOW: Global<u32> = Global::new(Knobs::DEFAULT.answer);
#[unsafe(no_mangle)]
static ISSUER_WINDOW: Global<u32> = Global::new(Knobs::DEFAULT.issuer);
#[unsafe(no_mangle)]
static REFUSAL_WINDOW: Global<u32> = Global::new(Knobs::DEFAULT.refusal);
#[unsafe(no_mangle)]
static REFUSAL_BODY: Global<u32> = Global::new(Knobs::DEFAULT.refusal_body);
#[unsafe(no_mangle)]
static HELLO_WINDOW: Global<u32> = Global::new(Knobs::DEFAULT.hello);
#[unsafe(no_mangle)]
static PATIENCE: Global<u32> = Global::new(Knobs::DEFAULT.patience);
/// The reader is woken when this many bytes wait for it; it looks by itself now and then.
#[unsafe(no_mangle)]
static WAKE_AT: Global<u64> = Global::new(1);
/// 1: closing is seen by its tracepoint, so FIN and RST need not be handed over.
#[unsafe(no_mangle)]
static LIFECYCLE: Global<u32> = Global::new(0);
/// The device and inode of the agent's pid namespace; 0 when it is the first one, whose numbers the
/// kernel gives without asking.
#[unsafe(no_mangle)]
static PID_NAMESPACE_DEVICE: Global<u64> = Global::new(0);
#[unsafe(no_mangle)]
static PID_NAMESPACE_INODE: Global<u64> = Global::new(0);
/// The agent's process, in its pid namespace.
#[unsafe(no_mangle)]
static OWN_PID: Global<u32> = Global::new(0);

// See `observer_common::unix::Layout`.
#[unsafe(no_mangle)]
static UNIX_SOCKET_SK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_MESSAGE_ITER: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_ITER_KIND: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_ITER_OFFSET: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_ITER_VECTORS: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_KIND_MASK: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_KIND_VECTORS: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_KIND_PIECE: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_UNIX_ADDRESS: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_UNIX_PEER: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_ADDRESS_LEN: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_ADDRESS_PATH: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_SOCK_PEER_PID: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_PID_NUMBER: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_SOCK_FAMILY: Global<u32> = Global::new(0);
#[unsafe(no_mangle)]
static UNIX_SOCK_TYPE: Global<u32> = Global::new(0);

#[inline(always)]
pub(crate) fn knobs() -> Knobs {
    Knobs {
        request: REQUEST_WINDOW.load(),
        answer: ANSWER_WINDOW.load(),
        issuer: ISSUER_WINDOW.load(),
        refusal: REFUSAL_WINDOW.load(),
        refusal_body: REFUSAL_BODY.load(),
        hello: HELLO_WINDOW.load(),
        patience: PATIENCE.load(),
    }
}

#[inline(always)]
pub(crate) fn wake_at() -> u64 {
    WAKE_AT.load()
}

#[inline(always)]
pub(crate) fn closing_is_seen() -> bool {
    LIFECYCLE.load() != 0
}

/// The device and inode of the agent's pid namespace, unless it is the first one.
#[inline(always)]
pub(crate) fn pid_namespace() -> Option<(u64, u64)> {
    let inode = PID_NAMESPACE_INODE.load();
    if inode == 0 {
        None
    } else {
        Some((PID_NAMESPACE_DEVICE.load(), inode))
    }
}

#[inline(always)]
pub(crate) fn own_pid() -> u32 {
    OWN_PID.load()
}

/// Where the kernel keeps what is said over a unix socket.
#[inline(always)]
pub(crate) fn unix() -> Layout {
    Layout {
        socket_sk: UNIX_SOCKET_SK.load(),
        message_iter: UNIX_MESSAGE_ITER.load(),
        iter_kind: UNIX_ITER_KIND.load(),
        iter_offset: UNIX_ITER_OFFSET.load(),
        iter_vectors: UNIX_ITER_VECTORS.load(),
        kind_mask: UNIX_KIND_MASK.load(),
        kind_vectors: UNIX_KIND_VECTORS.load(),
        kind_piece: UNIX_KIND_PIECE.load(),
        unix_address: UNIX_UNIX_ADDRESS.load(),
        unix_peer: UNIX_UNIX_PEER.load(),
        address_len: UNIX_ADDRESS_LEN.load(),
        address_path: UNIX_ADDRESS_PATH.load(),
        sock_peer_pid: UNIX_SOCK_PEER_PID.load(),
        pid_number: UNIX_PID_NUMBER.load(),
        sock_family: UNIX_SOCK_FAMILY.load(),
        sock_type: UNIX_SOCK_TYPE.load(),
    }
}
