//! `observer doctor`: what this kernel and this user allow, and what will not be seen.

mod blind;
mod plane;
mod text;

use std::fs;
use std::io::{self, Write};

use serde::Serialize;

use super::Error;
use crate::source::live::Features;
use blind::{BLIND, Blind};
use plane::Plane;

/// Says what `observer run` can see on this host, and what it cannot.
///
/// Every program is loaded and attached for a moment, which says more than the kernel's version does.
/// The exit code is 0 when `observer run` would work, and 1 when it would not.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let report = Report::new(&Features::probe());
    let text = if args.json {
        serde_json::to_string_pretty(&report).map_err(|error| Error::Failed(error.to_string()))?
            + "\n"
    } else {
        text::render(&report)
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Error::Failed(format!("writing the report failed: {error}")))?;
    match report
        .planes
        .first()
        .and_then(|packets| packets.mend.as_deref())
    {
        None => Ok(()),
        Some(mend) => Err(Error::Failed(format!(
            "`observer run` would not work here: {mend}"
        ))),
    }
}

/// What is printed. The form of the JSON follows it.
#[derive(Serialize)]
struct Report {
    /// The release of the kernel.
    kernel: String,
    /// Capabilities that the process lacks and `observer run` wants.
    missing_capabilities: Vec<&'static str>,
    /// The root of cgroup v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_root: Option<String>,
    /// What is seen, by plane. The first is the essential one.
    planes: Vec<Plane>,
    /// What is never seen.
    blind: &'static [Blind],
    /// What others have attached where observer attaches.
    others: Vec<Other>,
    /// Why that list is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    others_unknown: Option<String>,
}

#[derive(Serialize)]
struct Other {
    id: u32,
    name: String,
    hook: &'static str,
}

impl Report {
    fn new(features: &Features) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let (others, others_unknown) = match &features.others {
            Ok(others) => (others.as_slice(), None),
            Err(error) => (Default::default(), Some(error.clone())),
        };
        Self {
            kernel: kernel.trim().to_owned(),
            missing_capabilities: missing_capabilities(&status),
            cgroup_root: features
                .root
                .as_ref()
                .ok()
                .map(|path| path.display().to_string()),
            planes: plane::all(features),
            blind: &BLIND,
            others: others
                .iter()
                .map(|other| Other {
                    id: other.id,
                    name: other.name.clone(),
                    hook: other.hook,
                })
                .collect(),
            others_unknown,
        }
    }
}

/// What `observer run` wants, with the numbers of include/uapi/linux/capability.h. CAP_SYS_ADMIN has
/// all that the two of BPF have.
const CAPABILITIES: [(&str, u32); 5] = [
    ("CAP_DAC_READ_SEARCH", 2),
    ("CAP_NET_ADMIN", 12),
    ("CAP_SYS_PTRACE", 19),
    ("CAP_PERFMON", 38),
    ("CAP_BPF", 39),
];

fn missing_capabilities(status: &str) -> Vec<&'static str> {
    const ADMIN: u32 = 21;
    const PERFMON: u32 = 38;
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0);
    let has = |bit: u32| effective & (1 << bit) != 0;
    CAPABILITIES
        .into_iter()
        .filter(|(_, bit)| !(has(*bit) || *bit >= PERFMON && has(ADMIN)))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_the_kernels_word() {
        assert_eq!(missing_capabilities("CapEff:\t000001ffffffffff\n"), [""; 0]);
        let all: Vec<_> = CAPABILITIES.iter().map(|(name, _)| *name).collect();
        assert_eq!(missing_capabilities("CapEff:\t0000000000000000\n"), all);
        assert_eq!(
            missing_capabilities("CapEff:\t0000000000201000\n"),
            ["CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"]
        );
    }
}
