//! Packets of this host, from the kernel programs of `observer-ebpf`.
//!
//! [`Live::attach`] loads them and attaches them to the root of cgroup v2; [`Live::read`] takes what
//! they hand over. Only the packet programs are essential: without the other probes less is known of
//! who handled an exchange, which [`Live::missing`] says.

mod btf;
mod cgroup;
mod clock;
mod container;
mod counters;
mod decode;
mod features;
mod filter;
mod listener;
mod load;
mod plan;
mod query;
mod sync;
mod unix;
mod unseen;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use aya::maps::MapError;
use observer_common::connection::{CONNECTION_SIZE, OWN_OFFSET};
use observer_common::window::Knobs;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub use cgroup::CgroupError;
pub use container::{Mount, no_processes};
pub use counters::Counters;
pub use features::{Features, Tried};
pub use load::LoadError;
pub use plan::{Context, Probe};
pub use query::Foreign;

use crate::filter::KernelFilter;
use crate::packet::Batch;
use crate::totals::{HostClock, UnixUnseen};
use decode::Decoder;
use filter::Wanted;
use load::Attached;
use unseen::Unseen;

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// How large the ring buffer is in bytes: a power of two, at least a page. It is memory of the
    /// kernel that counts as ours.
    pub ring_bytes: u32,
    /// How much of heads and bodies is copied. No window is larger than 64 KiB.
    pub knobs: Knobs,
    /// Where the process of an exchange comes from. `None`: the best that works.
    pub context: Option<Context>,
    /// What is left out from the first packet on. [`Live::set_filter`] replaces it.
    pub filter: KernelFilter,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            ring_bytes: 32 * 1024 * 1024,
            knobs: Knobs::DEFAULT,
            context: None,
            filter: KernelFilter::default(),
        }
    }
}

/// How long a reader that does other things too may wait in [`Live::read`].
pub const GLANCE: Duration = Duration::from_millis(50);

/// The kernel programs, attached. Dropping it detaches them.
pub struct Live {
    attached: Attached,
    wanted: Wanted,
    decoder: Decoder,
    /// Whether much was there the last time.
    busy: bool,
}

impl Live {
    /// Loads the programs and attaches them.
    ///
    /// # Errors
    /// The packet programs cannot be loaded or attached; what else cannot is in [`Live::missing`].
    pub fn attach(options: &LiveOptions) -> Result<Self, LiveError> {
        if !container::knows_processors() {
            return Err(LiveError::Processors);
        }
        let root = cgroup::root().map_err(LoadError::from)?;
        let (attached, wanted) = load::attach(options, &root)?;
        Ok(Self {
            decoder: Decoder::new(attached.context, Some(root.path)),
            wanted,
            attached,
            busy: false,
        })
    }

    /// Adds what came to the batch, and moves its clock. Waits until something came, but not longer
    /// than `timeout`. Stops at about [`ENOUGH`] bytes.
    ///
    /// # Errors
    /// The ring buffer cannot be waited for.
    pub fn read(&mut self, batch: &mut Batch, timeout: Duration) -> Result<(), LiveError> {
        let until = Instant::now() + timeout;
        loop {
            if !self.busy {
                // Records are not announced one by one. A short rest lets some come together, and
                // nobody waits for them longer than this.
                thread::sleep(REST.min(timeout));
            }
            let before = batch.stored();
            let mut emptied = false;
            while batch.stored() - before < ENOUGH && batch.items().len() < MANY {
                let Some(record) = self.attached.records.next() else {
                    emptied = true;
                    break;
                };
                self.decoder.take(&record, batch);
            }
            self.busy = batch.stored() - before >= MUCH;
            #[cfg(feature = "kernel-log")]
            self.attached.log.flush();
            // While records wait, time has come no further than they have.
            if emptied {
                self.decoder.pass(batch);
            }
            self.wanted.follow().map_err(LiveError::filter)?;
            if let Some(unseen) = &mut self.attached.unseen {
                unseen.look(&self.attached.counts);
            }
            let left = until.saturating_duration_since(Instant::now());
            if !batch.is_empty() || left.is_zero() {
                return Ok(());
            }
            self.wait(left.min(GLANCE))?;
        }
    }

    /// Leaves a socket of this process out, and if it listens, all that it accepts from now on.
    ///
    /// # Errors
    /// It is no socket, or the kernel has no memory for the note.
    pub fn leave_out(&mut self, socket: &impl AsRawFd) -> Result<(), LiveError> {
        let mut own = [0; CONNECTION_SIZE];
        if let Some(byte) = own.get_mut(OWN_OFFSET) {
            *byte = 1;
        }
        self.attached
            .connections
            .insert(socket, own, 0)
            .map_err(|error| LiveError::LeaveOut(error.to_string()))
    }

    /// Replaces what the kernel programs leave out. Nothing is detached, and what is wanted before and
    /// after is seen throughout.
    ///
    /// # Errors
    /// The kernel takes no more entries.
    pub fn set_filter(&mut self, filter: &KernelFilter) -> Result<(), LiveError> {
        self.wanted.set(filter).map_err(LiveError::filter)
    }

    /// Where the process of an exchange comes from.
    pub fn context(&self) -> Context {
        self.attached.context
    }

    /// Why unix sockets are not seen. `None`: they are.
    pub fn unix_refused(&self) -> Option<&str> {
        self.attached.unix_refused.as_deref()
    }

    /// Who spoke to whom over unix sockets that are not seen. `None`: they are, or it is not counted: that
    /// takes the tracepoints of socket calls.
    pub fn unix_unseen(&self) -> Option<UnixUnseen> {
        self.attached.unseen.as_ref().map(Unseen::said)
    }

    /// Whether the clock of this host is synchronised. `None`: the kernel does not tell.
    pub fn host_clock(&self) -> Option<HostClock> {
        sync::host_clock()
    }

    /// What was counted since [`Live::attach`].
    pub fn counters(&self) -> Counters {
        counters::read(&self.attached.counts, &self.decoder.counts)
    }

    /// Whether the kernel lets this process read what was counted.
    pub fn reads_counters(&self) -> bool {
        self.attached.counts.get(&0, 0).is_ok()
    }

    /// What could not be attached, and why.
    pub fn missing(&self) -> &[(Probe, String)] {
        &self.attached.missing
    }

    fn wait(&self, timeout: Duration) -> Result<(), LiveError> {
        let mut ring = [PollFd::new(&self.attached.records, PollFlags::IN)];
        let timeout = Timespec::try_from(timeout).unwrap_or_default();
        match poll(&mut ring, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(errno) => Err(LiveError::Wait(errno.into())),
        }
    }
}

/// How many bytes of payload [`Live::read`] takes at a time.
const ENOUGH: usize = 4 * 1024 * 1024;
/// How many items [`Live::read`] takes at a time.
const MANY: usize = 64 * 1024;
/// With so many bytes at a time there is no rest.
const MUCH: usize = 256 * 1024;
/// How long the reader rests between two looks when there was little.
const REST: Duration = Duration::from_millis(5);

/// Why the live source failed.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The programs could not be loaded or attached.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A container without /sys.
    #[error(
        "how many processors there are is not known, because /sys/devices/system/cpu is not mounted \
         here; add it: {}",
        Mount::SYS
    )]
    Processors,
    /// The ring buffer could not be waited for.
    #[error("waiting for records of the kernel programs failed: {0}")]
    Wait(io::Error),
    /// The filter could not be handed to the kernel.
    #[error("telling the kernel programs what to leave out failed: {0}; use fewer entries")]
    Filter(String),
    /// A socket of our own could not be left out.
    #[error("leaving observer's own socket out of what is observed failed: {0}")]
    LeaveOut(String),
}

impl LiveError {
    fn filter(error: MapError) -> Self {
        Self::Filter(error.to_string())
    }
}

/// The device and inode of this process's pid namespace. `None`: it is the first one.
fn pid_namespace() -> Option<(u64, u64)> {
    /// The first pid namespace has a fixed number (include/linux/proc_ns.h).
    const FIRST: u64 = 0xEFFF_FFFC;
    let namespace = fs::metadata("/proc/self/ns/pid").ok()?;
    (namespace.ino() != FIRST).then(|| (namespace.dev(), namespace.ino()))
}
