//! The planes of what is seen, and which programs carry them.

use serde::Serialize;

use crate::source::live::{Context, Features, Probe, Tried};

/// One plane of what is seen.
#[derive(Serialize)]
pub(super) struct Plane {
    /// Its name.
    pub(super) name: &'static str,
    /// What it tells.
    pub(super) tells: &'static str,
    /// Whether it does.
    pub(super) state: State,
    /// The programs that would be used.
    pub(super) programs: Vec<Program>,
    /// What is missing, when something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) without: Option<&'static str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// Whether a plane works.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// All of it.
    Works,
    /// Another way is used, which tells less.
    Fallback,
    /// It tells nothing: without packets no plane does.
    Unavailable,
    /// It is recognised and counted, and its contents are not read.
    Counted,
    /// It is not seen.
    Unseen,
}

/// A program that was tried.
#[derive(Serialize)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) hook: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
}

/// The planes, the essential one first.
pub(super) fn all(features: &Features) -> Vec<Plane> {
    let packets = packets(features);
    let possible = packets.mend.is_none();
    let optional = |name, tells, probe| optional(features, possible, name, tells, probe);
    vec![
        packets,
        handling(features, possible),
        optional(
            "connections",
            "who called whom, and when a connection ends",
            Probe::State,
        ),
        optional(
            "programs",
            "the names of processes that end at once",
            Probe::Executed,
        ),
        Plane {
            name: "tls",
            tells: "what is said under encryption",
            state: State::Counted,
            programs: Vec::new(),
            without: Some(
                "TLS connections are recognised and counted by service; their contents are not \
                 readable yet",
            ),
            mend: None,
        },
        unix(features, possible),
    ]
}

/// Whether `observer run` counts what is said over unix sockets that it does not see: the tracepoints of
/// socket calls fire for them too.
pub(super) fn counts_unix(planes: &[Plane]) -> bool {
    let Some(handling) = planes.iter().find(|plane| plane.name == "handling") else {
        return false;
    };
    let hook = Probe::Sent.to_string();
    handling.state == State::Works && handling.programs.iter().any(|program| program.hook == hook)
}

fn packets(features: &Features) -> Plane {
    let programs = chosen(features, |tried| tried.probe.is_none());
    let mend = match &features.root {
        Err(error) => Some(error.clone()),
        Ok(_) => programs.iter().find_map(|program| program.refused.clone()),
    };
    Plane {
        name: "packets",
        tells: "requests and answers, at each socket of the host",
        state: if mend.is_none() {
            State::Works
        } else {
            State::Unavailable
        },
        programs,
        without: mend.is_some().then_some("nothing is seen"),
        mend,
    }
}

/// The plane that has more than one way: the first that works is used.
fn handling(features: &Features, possible: bool) -> Plane {
    let of = |context: Context| {
        chosen(features, |tried| {
            tried
                .probe
                .is_some_and(|probe| context.probes().contains(&probe))
        })
    };
    let mut programs = Vec::new();
    let mut mend = None;
    for context in Context::ALL {
        let own = of(context);
        let refused = own.iter().find_map(|program| program.refused.clone());
        let works = refused.is_none();
        if works && context != Context::SocketTable {
            // What is not needed is not worth a word.
            (programs, mend) = (own, None);
            break;
        }
        programs.extend(own);
        mend = mend.or(refused);
    }
    plane(
        possible,
        "handling",
        "which process took up a request and answered it",
        Probe::Received,
        programs,
        mend,
    )
}

/// What takes all its programs, and has no other way.
fn unix(features: &Features, possible: bool) -> Plane {
    let of_unix = [Probe::UnixRelease, Probe::UnixReceive, Probe::UnixSend];
    let programs = chosen(features, |tried| {
        tried.probe.is_some_and(|probe| of_unix.contains(&probe))
    });
    let mend = programs.iter().find_map(|program| program.refused.clone());
    Plane {
        name: "unix",
        tells: "requests and answers over unix sockets",
        state: match (&mend, possible) {
            (None, true) => State::Works,
            _ => State::Unseen,
        },
        programs,
        without: mend.is_some().then_some(Probe::UnixSend.without()),
        mend,
    }
}

fn optional(
    features: &Features,
    possible: bool,
    name: &'static str,
    tells: &'static str,
    probe: Probe,
) -> Plane {
    let programs = chosen(features, |tried| tried.probe == Some(probe));
    let mend = programs.iter().find_map(|program| program.refused.clone());
    plane(possible, name, tells, probe, programs, mend)
}

fn plane(
    possible: bool,
    name: &'static str,
    tells: &'static str,
    probe: Probe,
    programs: Vec<Program>,
    mend: Option<String>,
) -> Plane {
    Plane {
        name,
        tells,
        state: match (&mend, possible) {
            (None, _) => State::Works,
            (Some(_), true) => State::Fallback,
            (Some(_), false) => State::Unavailable,
        },
        programs,
        without: (mend.is_some() && possible).then_some(probe.without()),
        mend: mend.filter(|_| possible),
    }
}

fn chosen(features: &Features, wanted: impl Fn(&Tried) -> bool) -> Vec<Program> {
    features
        .programs
        .iter()
        .filter(|tried| wanted(tried))
        .map(|tried| Program {
            name: tried.program,
            hook: tried.hook.clone(),
            refused: tried.refused.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(refused: &[Probe]) -> Features {
        let tried = |program, probe, refused: bool| Tried {
            program,
            hook: "a hook".to_owned(),
            probe,
            refused: refused.then(|| "it said no".to_owned()),
        };
        let probes = [
            Probe::State,
            Probe::Received,
            Probe::Sent,
            Probe::Receive,
            Probe::Send,
            Probe::Executed,
        ];
        Features {
            root: Ok("/sys/fs/cgroup".into()),
            programs: [tried("observer_ingress", None, false)]
                .into_iter()
                .chain(
                    probes.map(|probe| tried("a_program", Some(probe), refused.contains(&probe))),
                )
                .collect(),
            others: Ok(Vec::new()),
        }
    }

    fn state(features: &Features, name: &str) -> State {
        all(features)
            .iter()
            .find(|plane| plane.name == name)
            .unwrap()
            .state
    }

    #[test]
    fn a_missing_probe_costs_its_plane_alone() {
        let features = features(&[Probe::Sent, Probe::Send]);
        assert_eq!(state(&features, "packets"), State::Works);
        assert_eq!(state(&features, "handling"), State::Fallback);
        assert_eq!(state(&features, "connections"), State::Works);
    }

    #[test]
    fn trampolines_stand_in_for_tracepoints() {
        let features = features(&[Probe::Received, Probe::Sent]);
        assert_eq!(state(&features, "handling"), State::Works);
    }

    #[test]
    fn without_the_root_nothing_is_seen() {
        let mut features = features(&[]);
        features.root = Err("mount it".to_owned());
        let planes = all(&features);
        let packets = planes.first().unwrap();
        assert_eq!(packets.state, State::Unavailable);
        assert_eq!(packets.mend.as_deref(), Some("mount it"));
    }
}
