//! Loads the kernel object and attaches its programs.

mod error;

use aya::maps::{MapData, PerCpuArray, RingBuf, SkStorage};
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, FEntry, FExit, ProgramError,
};
use aya::{Btf, Ebpf, EbpfLoader};
use observer_common::connection::CONNECTION_SIZE;
use observer_common::counter::COUNTERS;
use observer_common::unix::Layout;

use super::btf;
use super::cgroup;
use super::filter::{Maps, Wanted};
use super::plan::{Context, PACKETS, Probe, Program, UNIX, Way};
use super::unix;
use super::unseen::Unseen;
use super::{LiveError, LiveOptions, container, pid_namespace};
use crate::privileges::Part;

pub use error::LoadError;
#[cfg(feature = "kernel-log")]
use error::chain;

/// The kernel programs, compiled. Built by `cargo xtask build-ebpf`.
#[cfg(not(feature = "kernel-log"))]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../bpf/observer.o");

/// The same with logs. Built by `cargo xtask build-ebpf --debug-log`.
#[cfg(feature = "kernel-log")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../../bpf/observer-log.o");

/// What is loaded and attached. Dropping it detaches everything; so does the end of the process,
/// however it comes, because nothing is pinned.
pub(super) struct Attached {
    pub(super) records: RingBuf<MapData>,
    pub(super) counts: PerCpuArray<MapData, [u64; COUNTERS]>,
    pub(super) connections: SkStorage<MapData, [u8; CONNECTION_SIZE]>,
    /// Where the process of an exchange comes from.
    pub(super) context: Context,
    /// Why unix sockets are not seen, when they are not.
    pub(super) unix_refused: Option<String>,
    /// Who spoke to whom over them then, where that is counted.
    pub(super) unseen: Option<Unseen>,
    /// What else could not be attached, and why. Nothing of it is essential.
    pub(super) missing: Vec<(Probe, String)>,
    /// What the programs log.
    #[cfg(feature = "kernel-log")]
    pub(super) log: aya_log::EbpfLogger<&'static dyn log::Log>,
    /// Holds the programs and their links.
    _programs: Ebpf,
}

/// Loads and attaches what this kernel takes.
pub(super) fn attach(
    options: &LiveOptions,
    root: &cgroup::Root,
) -> Result<(Attached, Wanted), LiveError> {
    let types = Types::find();
    let mut programs = load(options, true, &types)?;
    let mut missing = Vec::new();
    if let Err(error) = look_on(&mut programs, Probe::State, &types) {
        missing.push((Probe::State, error.to_string()));
        // The packet programs must know it before they are loaded.
        programs = load(options, false, &types)?;
    }
    let maps = Maps {
        filter: map(&mut programs, "FILTER")?,
        ports: map(&mut programs, "FILTER_PORTS")?,
        networks: map(&mut programs, "FILTER_NETWORKS")?,
        cgroups: map(&mut programs, "FILTER_CGROUPS")?,
    };
    // Before the first packet: attaching all takes seconds, in which a busy host fills the ring.
    let mut wanted = Wanted::new(maps, root.path.clone());
    wanted.set(&options.filter).map_err(LiveError::filter)?;
    for program in PACKETS {
        sniff(&mut programs, program, root)?;
    }
    // After the packet programs: what is read from a socket whose packets nobody saw has gone past them.
    let context = context(&mut programs, options.context, &types, &mut missing)?;
    let unix_refused = unix_sockets(&mut programs, &types).err();
    if let Err(error) = look_on(&mut programs, Probe::Executed, &types) {
        missing.push((Probe::Executed, error.to_string()));
    }
    tracing::debug!("attached to {}", root.path.display());
    let attached = Attached {
        records: map(&mut programs, "RECORDS")?,
        counts: map(&mut programs, "COUNTS")?,
        connections: map(&mut programs, "CONNECTIONS")?,
        unseen: match (context, &unix_refused, &types.unix) {
            (Context::Tracepoint, Some(_), Ok(_)) => {
                Some(Unseen::new(map(&mut programs, "UNSEEN")?))
            }
            _ => None,
        },
        context,
        unix_refused,
        missing,
        #[cfg(feature = "kernel-log")]
        log: aya_log::EbpfLogger::init(&mut programs)
            .map_err(|error| LoadError::Object(chain(&error)))?,
        _programs: programs,
    };
    Ok((attached, wanted))
}

/// Attaches the best source of the context plane that works, or the one that is wanted.
fn context(
    programs: &mut Ebpf,
    wanted: Option<Context>,
    types: &Types,
    missing: &mut Vec<(Probe, String)>,
) -> Result<Context, LoadError> {
    if let Some(context) = wanted {
        // Half of it would tell who asked and not who answered.
        return match all_or_none(programs, context.probes(), types) {
            Ok(()) => Ok(context),
            Err((_, error)) => Err(error),
        };
    }
    let mut refused = Vec::new();
    for context in Context::ALL {
        match all_or_none(programs, context.probes(), types) {
            // What stands in for it is not missing.
            Ok(()) if context != Context::SocketTable => return Ok(context),
            Ok(()) => {}
            Err((probe, error)) => refused.push((probe, error.to_string())),
        }
    }
    missing.append(&mut refused);
    Ok(Context::SocketTable)
}

/// Attaches what sees unix sockets.
fn unix_sockets(programs: &mut Ebpf, types: &Types) -> Result<(), String> {
    if let Err(why) = &types.unix {
        return Err(why.clone());
    }
    all_or_none(programs, &UNIX, types).map_err(|(_, error)| error.to_string())
}

/// Attaches several probes. If one is refused, none stays: gives which, and why.
fn all_or_none(
    programs: &mut Ebpf,
    probes: &[Probe],
    types: &Types,
) -> Result<(), (Probe, LoadError)> {
    for (at, probe) in probes.iter().enumerate() {
        if let Err(error) = look_on(programs, *probe, types) {
            for done in probes.iter().take(at + 1) {
                // One that was refused is not there.
                let _ = unload(programs, *done, types);
            }
            return Err((*probe, error));
        }
    }
    Ok(())
}

/// Creates the maps and relocates the programs. No program is in the kernel yet.
pub(super) fn load(
    options: &LiveOptions,
    lifecycle: bool,
    types: &Types,
) -> Result<Ebpf, LoadError> {
    let unix = types.unix.clone().unwrap_or_default();
    let knobs = options.knobs;
    let (device, inode) = pid_namespace().unwrap_or((0, 0));
    let wake_at = u64::from(options.ring_bytes / 8);
    EbpfLoader::new()
        .override_global("REQUEST_WINDOW", &knobs.request, true)
        .override_global("ANSWER_WINDOW", &knobs.answer, true)
        .override_global("ISSUER_WINDOW", &knobs.issuer, true)
        .override_global("REFUSAL_WINDOW", &knobs.refusal, true)
        .override_global("REFUSAL_BODY", &knobs.refusal_body, true)
        .override_global("HELLO_WINDOW", &knobs.hello, true)
        .override_global("PATIENCE", &knobs.patience, true)
        .override_global("WAKE_AT", &wake_at, true)
        .override_global("LIFECYCLE", &u32::from(lifecycle), true)
        .override_global("PID_NAMESPACE_DEVICE", &device, true)
        .override_global("PID_NAMESPACE_INODE", &inode, true)
        .override_global("UNIX_SOCKET_SK", &unix.socket_sk, true)
        .override_global("UNIX_MESSAGE_ITER", &unix.message_iter, true)
        .override_global("UNIX_ITER_KIND", &unix.iter_kind, true)
        .override_global("UNIX_ITER_OFFSET", &unix.iter_offset, true)
        .override_global("UNIX_ITER_VECTORS", &unix.iter_vectors, true)
        .override_global("UNIX_KIND_MASK", &unix.kind_mask, true)
        .override_global("UNIX_KIND_VECTORS", &unix.kind_vectors, true)
        .override_global("UNIX_KIND_PIECE", &unix.kind_piece, true)
        .override_global("UNIX_UNIX_ADDRESS", &unix.unix_address, true)
        .override_global("UNIX_UNIX_PEER", &unix.unix_peer, true)
        .override_global("UNIX_ADDRESS_LEN", &unix.address_len, true)
        .override_global("UNIX_ADDRESS_PATH", &unix.address_path, true)
        .override_global("UNIX_SOCK_PEER_PID", &unix.sock_peer_pid, true)
        .override_global("UNIX_PID_NUMBER", &unix.pid_number, true)
        .override_global("UNIX_SOCK_FAMILY", &unix.sock_family, true)
        .override_global("UNIX_SOCK_TYPE", &unix.sock_type, true)
        .override_global("OWN_PID", &std::process::id(), true)
        .map_max_entries("RECORDS", options.ring_bytes)
        .load(OBJECT)
        .map_err(LoadError::object)
}

/// The kernel's types: those that aya takes programs to their places with, and those that we look up.
pub(super) struct Types {
    ayas: Result<Btf, String>,
    ours: Option<btf::Types>,
    /// Where unix sockets keep what is said, or why that is not known.
    pub(super) unix: Result<Layout, String>,
}

impl Types {
    /// Those of the running kernel.
    pub(super) fn find() -> Self {
        let ayas = Btf::from_sys_fs().map_err(|error| container::no_types(&error));
        let wanted = [&unix::TYPES[..], &[Probe::Receive.event()]].concat();
        let ours = btf::Types::of_kernel(&wanted)
            .inspect_err(|error| tracing::debug!("reading /sys/kernel/btf/vmlinux: {error}"))
            .ok();
        let unix = match &ours {
            Some(types) => unix::layout(types),
            None => Err("this kernel does not describe its types".to_owned()),
        };
        Self { ayas, ours, unix }
    }

    pub(super) fn program(&self, probe: Probe) -> &'static str {
        let arguments = (probe == Probe::Receive)
            .then_some(self.ours.as_ref())
            .flatten()
            .and_then(|types| types.arguments(probe.event()));
        probe.program(arguments)
    }
}

/// Loads a probe's program and attaches it.
pub(super) fn look_on(programs: &mut Ebpf, probe: Probe, types: &Types) -> Result<(), LoadError> {
    let name = types.program(probe);
    let btf = types.ayas.as_ref().map_err(|why| LoadError::Program {
        program: name,
        why: why.clone(),
    })?;
    match probe.way() {
        Way::Tracepoint => {
            let program: &mut BtfTracePoint = find(programs, name)?;
            program
                .load(probe.event(), btf)
                .and_then(|()| program.attach().map(drop))
        }
        Way::End => {
            let program: &mut FExit = find(programs, name)?;
            program
                .load(probe.event(), btf)
                .and_then(|()| program.attach().map(drop))
        }
        Way::Start => {
            let program: &mut FEntry = find(programs, name)?;
            program
                .load(probe.event(), btf)
                .and_then(|()| program.attach().map(drop))
        }
    }
    .map_err(|error| LoadError::program(name, Part::Tracing, error))
}

/// Takes a probe's program out of the kernel, if it is there.
fn unload(programs: &mut Ebpf, probe: Probe, types: &Types) -> Result<(), LoadError> {
    let name = types.program(probe);
    match probe.way() {
        Way::Tracepoint => find::<BtfTracePoint>(programs, name)?.unload(),
        Way::End => find::<FExit>(programs, name)?.unload(),
        Way::Start => find::<FEntry>(programs, name)?.unload(),
    }
    .map_err(|error| LoadError::program(name, Part::Tracing, error))
}

/// Loads a packet program and attaches it.
pub(super) fn sniff(
    programs: &mut Ebpf,
    program: Program,
    root: &cgroup::Root,
) -> Result<(), LoadError> {
    let way = match program {
        Program::Ingress => CgroupSkbAttachType::Ingress,
        Program::Egress => CgroupSkbAttachType::Egress,
    };
    // Links stand beside each other whatever the mode; the flag for many is not for links.
    load_sniff(programs, program)?
        .attach(&root.directory, way, CgroupAttachMode::Single)
        .map_err(|error| LoadError::program(program.name(), Part::Packets, error))?;
    Ok(())
}

/// Loads a packet program, and leaves it there.
pub(super) fn load_sniff(
    programs: &mut Ebpf,
    program: Program,
) -> Result<&mut CgroupSkb, LoadError> {
    let name = program.name();
    let program: &mut CgroupSkb = find(programs, name)?;
    program
        .load()
        .map_err(|error| LoadError::program(name, Part::Packets, error))?;
    Ok(program)
}

fn find<'a, P>(programs: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, LoadError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    programs
        .program_mut(name)
        .ok_or(LoadError::Incomplete(name))?
        .try_into()
        .map_err(|error| LoadError::program(name, Part::Packets, error))
}

fn map<M>(programs: &mut Ebpf, name: &'static str) -> Result<M, LoadError>
where
    M: TryFrom<aya::maps::Map, Error = aya::maps::MapError>,
{
    let map = programs.take_map(name).ok_or(LoadError::Incomplete(name))?;
    M::try_from(map).map_err(|error| LoadError::object(error.into()))
}
