//! Which capabilities observer needs, for what, and until when. docs/security.md has the same table,
//! longer; tests run observer with exactly these, and with one less.

mod renounce;

use rustix::thread::{CapabilitySet, capabilities};

pub use renounce::{Error, renounce};

/// A capability and what it is good for.
#[derive(Debug, Eq, PartialEq)]
pub struct Need {
    /// Its name in capabilities(7).
    pub name: &'static str,
    /// What needs it.
    pub parts: &'static [Part],
    /// Until when.
    pub until: Until,
    /// What is missing without it.
    pub without: &'static str,
    set: CapabilitySet,
}

/// A part of observer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The packet programs: without them there is nothing to watch.
    Packets,
    /// The tracing programs: who handled an exchange.
    Tracing,
    /// /proc: what the processes of other users are.
    Processes,
}

/// Until when a capability is needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Until {
    /// The programs are attached. Then it is given up.
    Attached,
    /// The end.
    End,
}

/// All of them. Nothing else is asked for, CAP_SYS_RESOURCE and CAP_SYS_ADMIN least of all.
pub const NEEDS: [Need; 5] = [
    Need {
        name: "CAP_BPF",
        parts: &[Part::Packets, Part::Tracing],
        until: Until::Attached,
        without: "no program can be loaded",
        set: CapabilitySet::BPF,
    },
    Need {
        name: "CAP_NET_ADMIN",
        parts: &[Part::Packets],
        until: Until::Attached,
        without: "the packet programs cannot be attached",
        set: CapabilitySet::NET_ADMIN,
    },
    Need {
        name: "CAP_PERFMON",
        parts: &[Part::Packets, Part::Tracing],
        until: Until::Attached,
        // Without it the verifier follows what a processor may guess too, and gives up on the packet
        // programs: "The sequence of 8193 jumps is too complex".
        without: "neither packet programs nor tracing programs can be loaded",
        set: CapabilitySet::PERFMON,
    },
    Need {
        name: "CAP_SYS_PTRACE",
        parts: &[Part::Processes],
        until: Until::End,
        without: "the executables and open sockets of other users' processes are not known",
        set: CapabilitySet::SYS_PTRACE,
    },
    Need {
        name: "CAP_DAC_READ_SEARCH",
        parts: &[Part::Processes],
        until: Until::End,
        without: "which sockets the processes of other users have open, and what containers are \
                  called, is not known",
        set: CapabilitySet::DAC_READ_SEARCH,
    },
];

impl Need {
    /// Whether this process has it in effect.
    pub fn is_met(&self) -> bool {
        effective().contains(self.set)
    }
}

/// The capabilities that a part needs and this process lacks.
pub fn lacking(part: Part) -> impl Iterator<Item = &'static Need> {
    let effective = effective();
    NEEDS
        .iter()
        .filter(move |need| need.parts.contains(&part) && !effective.contains(need.set))
}

/// What to do when the kernel refused something to a part: the capabilities to add, or where else to
/// look when none is lacking.
pub fn advice(part: Part) -> String {
    let lacking: Vec<_> = lacking(part).map(|need| need.name).collect();
    advise(&lacking)
}

fn advise(lacking: &[&str]) -> String {
    if lacking.is_empty() {
        return "every capability that it takes is there, so something else forbids it: a seccomp \
                filter, a security module, the kernel's lockdown, a user namespace, or before \
                Linux 5.11 the limit on locked memory (ulimit -l unlimited)"
            .to_owned();
    }
    let docker: String = lacking
        .iter()
        .map(|name| format!(" --cap-add {}", name.trim_start_matches("CAP_")))
        .collect();
    format!(
        "this process lacks {}; run observer as root, or add what it lacks (docker run{docker}, \
         AmbientCapabilities={} in a systemd unit; docs/security.md)",
        lacking.join(" and "),
        lacking.join(" ")
    )
}

/// CAP_SYS_ADMIN includes the two of BPF: they were once a part of it.
fn effective() -> CapabilitySet {
    let mut set = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if set.contains(CapabilitySet::SYS_ADMIN) {
        set |= CapabilitySet::BPF | CapabilitySet::PERFMON;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_named_with_the_way_to_add_it() {
        let text = advise(&["CAP_BPF", "CAP_NET_ADMIN"]);
        for part in [
            "lacks CAP_BPF and CAP_NET_ADMIN;",
            "as root",
            "docker run --cap-add BPF --cap-add NET_ADMIN,",
            "AmbientCapabilities=CAP_BPF CAP_NET_ADMIN in",
        ] {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }

    #[test]
    fn where_nothing_is_lacking_another_reason_is_looked_for() {
        let text = advise(&[]);
        assert!(
            text.contains("seccomp") && !text.contains("lacks"),
            "{text}"
        );
    }

    #[test]
    fn the_documentation_has_a_row_for_each() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
        let page = std::fs::read_to_string(path).unwrap();
        for need in &NEEDS {
            let until = match need.until {
                Until::Attached => "until attached",
                Until::End => "to the end",
            };
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| {} |", need.name)));
            assert!(row.unwrap_or_default().contains(until), "{}", need.name);
        }
    }
}
