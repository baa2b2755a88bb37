//! The process of an event, its container and its unit.
//!
//! What is known of a process is shared by all of its events, and written from there.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::identity::Process;
use crate::packet::{Handling, KnownBy};
use crate::redact;
use crate::time::{Step, Timestamp};

use super::text;

/// Who handled an exchange.
#[derive(Clone, Debug)]
pub struct ProcessPart {
    /// The process id, in the agent's pid namespace.
    pub pid: u32,
    /// The thread id.
    pub tid: u32,
    /// The name of the process.
    pub name: Option<String>,
    /// What else is known of it.
    pub known: Option<Arc<Process>>,
    /// The id of its cgroup, on cgroup v2.
    pub cgroup: Option<u64>,
    /// `tracepoint`, `trampoline`: exact for this message. `socket_table`: the owner of the socket.
    pub known_by: &'static str,
    /// How far the time of day was set since observer began.
    pub step: Step,
}

/// The container of a process that is in one.
#[derive(Clone, Debug)]
pub struct ContainerPart(Arc<Process>);

/// The unit of a process that is of one.
#[derive(Clone, Debug)]
pub struct UnitPart(Arc<Process>);

/// The longest name of a process that leaves, in bytes.
const MAX_NAME: usize = 64;

impl From<&Handling> for ProcessPart {
    fn from(handling: &Handling) -> Self {
        Self {
            pid: handling.pid,
            tid: handling.tid,
            name: (!handling.name.is_empty()).then(|| redact::label(&handling.name, MAX_NAME)),
            known: handling.process.clone(),
            cgroup: (handling.cgroup != 0).then_some(handling.cgroup),
            known_by: match handling.known_by {
                KnownBy::Tracepoint => "tracepoint",
                KnownBy::Trampoline => "trampoline",
                KnownBy::SocketTable => "socket_table",
            },
            step: Step::default(),
        }
    }
}

impl ProcessPart {
    /// Its container, if it is known to be in one.
    pub fn container(&self) -> Option<ContainerPart> {
        let known = self.known.as_ref()?;
        known
            .container
            .is_some()
            .then(|| ContainerPart(Arc::clone(known)))
    }

    /// Its unit, if it is known to be of one.
    pub fn unit(&self) -> Option<UnitPart> {
        let known = self.known.as_ref()?;
        known.unit.is_some().then(|| UnitPart(Arc::clone(known)))
    }
}

impl Serialize for ProcessPart {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            pid: u32,
            tid: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            executable: Option<&'a str>,
            #[serde(
                serialize_with = "text::display_some",
                skip_serializing_if = "Option::is_none"
            )]
            started: Option<Timestamp>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cgroup: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cgroup_path: Option<&'a str>,
            known_by: &'static str,
        }
        let known = self.known.as_deref();
        Written {
            pid: self.pid,
            tid: self.tid,
            name: self.name.as_deref(),
            executable: known.and_then(|known| known.executable.as_deref()),
            started: known
                .and_then(|known| known.started)
                .map(|started| started.stepped(self.step)),
            cgroup: self.cgroup,
            cgroup_path: known.and_then(|known| known.cgroup.as_deref()),
            known_by: self.known_by,
        }
        .serialize(to)
    }
}

impl Serialize for ContainerPart {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            runtime: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
        }
        let Some(container) = &self.0.container else {
            return to.serialize_none();
        };
        Written {
            id: &container.id,
            runtime: container.runtime,
            name: container.name.as_deref(),
        }
        .serialize(to)
    }
}

impl Serialize for UnitPart {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.unit.serialize(to)
    }
}
