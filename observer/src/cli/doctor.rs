//! `observer doctor`: what this kernel and this user allow, and what will not be seen.

mod blind;
mod capability;
mod plane;
mod text;
mod tls;

use std::fs;
use std::io::{self, Write};

use serde::Serialize;

use super::{Error, unix};
use crate::source::live::{self, Features};
use blind::{BLIND, Blind};
use capability::Capability;
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
    /// What `observer run` wants of capabilities(7).
    capabilities: Vec<Capability>,
    /// The root of cgroup v2.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_root: Option<String>,
    /// Why processes have no number here.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_processes: Option<&'static str>,
    /// What is seen, by plane. The first is the essential one.
    planes: Vec<Plane>,
    /// Who listens on ports of TLS.
    tls: Vec<tls::TlsPort>,
    /// Who may speak over unix sockets, where those are not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    unix_unseen: Option<UnixUnseen>,
    /// What is never seen.
    blind: &'static [Blind],
    /// What others have attached where observer attaches.
    others: Vec<Other>,
    /// Why that list is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    others_unknown: Option<String>,
}

/// What is said over unix sockets, and not seen.
#[derive(Serialize)]
struct UnixUnseen {
    /// Whether `observer run` counts it.
    counted: bool,
    /// Between whom.
    pairs: Vec<unix::Pair>,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

impl UnixUnseen {
    /// `None`: unix sockets are seen.
    fn find(planes: &[Plane]) -> Option<Self> {
        planes
            .iter()
            .find(|plane| plane.name == "unix" && plane.state == plane::State::Unseen)?;
        let (pairs, unknown) = match unix::pairs() {
            Ok(pairs) => (pairs, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        Some(Self {
            counted: plane::counts_unix(planes),
            pairs,
            unknown,
        })
    }
}

#[derive(Serialize)]
struct Other {
    id: u32,
    name: String,
    hook: &'static str,
}

impl Report {
    fn new(features: &Features) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let (others, others_unknown) = match &features.others {
            Ok(others) => (others.as_slice(), None),
            Err(error) => (Default::default(), Some(error.clone())),
        };
        let planes = plane::all(features);
        Self {
            unix_unseen: UnixUnseen::find(&planes),
            kernel: kernel.trim().to_owned(),
            capabilities: capability::all(),
            cgroup_root: features
                .root
                .as_ref()
                .ok()
                .map(|path| path.display().to_string()),
            no_processes: live::no_processes(),
            planes,
            tls: tls::ports(),
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
