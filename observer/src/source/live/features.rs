//! What this kernel and this user allow, found out by trying: versions say little, because vendors
//! carry features back and administrators switch them off.

use std::path::PathBuf;

use aya::Ebpf;

use super::LiveOptions;
use super::cgroup;
use super::load::{self, LoadError, Types};
use super::plan::{PACKETS, Probe};
use super::query::{self, Foreign};

/// What was tried, and what came of it. Nothing stays attached.
pub struct Features {
    /// The root of cgroup v2, or why it cannot be used.
    pub root: Result<PathBuf, String>,
    /// The packet programs and the probes, or why they do not work.
    pub programs: Vec<Tried>,
    /// Programs of others at the root of cgroup v2, or why they cannot be listed.
    pub others: Result<Vec<Foreign>, String>,
}

/// A program that was tried.
pub struct Tried {
    /// Its name in the object.
    pub program: &'static str,
    /// Where it is attached, as the kernel calls it.
    pub hook: String,
    /// `None`: a program of the packet plane, which is essential.
    pub probe: Option<Probe>,
    /// Why it does not work.
    pub refused: Option<String>,
}

impl Features {
    /// Tries everything.
    pub fn probe() -> Self {
        let types = Types::find();
        let root = cgroup::root();
        let options = LiveOptions {
            ring_bytes: SMALL_RING,
            ..LiveOptions::default()
        };
        let mut programs = load::load(&options, true, &types);
        let mut tried: Vec<_> = PACKETS
            .into_iter()
            .map(|program| Tried {
                program: program.name(),
                hook: program.hook().to_owned(),
                probe: None,
                refused: attempt(&mut programs, |programs| match &root {
                    Ok(root) => load::sniff(programs, program, root),
                    Err(_) => load::load_sniff(programs, program).map(drop),
                }),
            })
            .collect();
        tried.extend(PROBES.into_iter().map(|probe| Tried {
            program: types.program(probe),
            hook: probe.to_string(),
            probe: Some(probe),
            refused: attempt(&mut programs, |programs| {
                load::look_on(programs, probe, &types)
            }),
        }));
        drop(programs);
        let others = match &root {
            Ok(root) => query::programs(&root.directory).map_err(|error| error.to_string()),
            Err(_) => Ok(Vec::new()),
        };
        Self {
            root: root
                .map(|root| root.path)
                .map_err(|error| error.to_string()),
            programs: tried,
            others,
        }
    }
}

const PROBES: [Probe; 9] = [
    Probe::State,
    Probe::Received,
    Probe::Sent,
    Probe::Receive,
    Probe::Send,
    Probe::UnixRelease,
    Probe::UnixReceive,
    Probe::UnixSend,
    Probe::Executed,
];

/// Enough to be allowed.
const SMALL_RING: u32 = 64 * 1024;

/// Why it did not work.
fn attempt(
    programs: &mut Result<Ebpf, LoadError>,
    what: impl FnOnce(&mut Ebpf) -> Result<(), LoadError>,
) -> Option<String> {
    match programs {
        Ok(programs) => what(programs).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
