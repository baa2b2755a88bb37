//! The capabilities that `observer run` wants, and which of them are there.

use serde::Serialize;

use crate::privileges::{NEEDS, Need, Part, Until};

/// One of capabilities(7).
#[derive(Serialize)]
pub(super) struct Capability {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether this process has it.
    pub(super) held: bool,
    /// The planes that need it.
    pub(super) planes: Vec<&'static str>,
    /// Until when.
    pub(super) until: &'static str,
    /// What is missing without it.
    pub(super) without: &'static str,
}

/// All that are wanted.
pub(super) fn all() -> Vec<Capability> {
    NEEDS.iter().map(capability).collect()
}

fn capability(need: &Need) -> Capability {
    Capability {
        name: need.name,
        held: need.is_met(),
        planes: need
            .parts
            .iter()
            .flat_map(|part| planes(*part))
            .copied()
            .collect(),
        until: match need.until {
            Until::Attached => "until attached",
            Until::End => "to the end",
        },
        without: need.without,
    }
}

/// The planes by which the report calls them.
const fn planes(part: Part) -> &'static [&'static str] {
    match part {
        Part::Packets => &["packets"],
        Part::Tracing => &["handling", "connections", "programs"],
        Part::Processes => &["names of processes"],
    }
}
