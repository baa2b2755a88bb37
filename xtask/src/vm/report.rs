//! What came of a guest, held against what its kernel must do.

use std::path::Path;

use serde_json::Value;

use super::accelerator::Accelerator;
use super::fetch::Unpacked;
use super::kernels::{Demand, Kernel, Suite};
use super::machine::{Done, Ran};
use crate::layers::{Outcome, Sums};

/// The job that says what the kernel allows, for people.
pub(super) const DOCTOR: &str = "doctor";
/// The same, for this module.
pub(super) const DOCTOR_JSON: &str = "doctor-json";

/// The layer's outcome. What doctor said is kept beside the kernel.
pub(super) fn outcome(
    root: &Path,
    kernel: &Kernel,
    unpacked: &Unpacked,
    accelerator: Accelerator,
    ran: &Ran,
) -> Outcome {
    let mut faults: Vec<_> = ran.fault.iter().cloned().collect();
    if let Some(doctor) = find(ran, DOCTOR) {
        let file = super::folder(root).join(kernel.series).join("doctor.txt");
        if let Err(error) = std::fs::write(&file, doctor.lines.join("\n")) {
            faults.push(format!("cannot write {}: {error}", file.display()));
        }
    }
    match find(ran, DOCTOR_JSON).map(|job| serde_json::from_str(&job.lines.join("\n"))) {
        Some(Ok(report)) => faults.extend(
            kernel
                .demands
                .iter()
                .filter_map(|demand| demand.unmet(&report)),
        ),
        Some(Err(error)) => faults.push(format!("doctor's report is not JSON: {error}")),
        None => faults.push("doctor did not run".to_owned()),
    }
    let mut sums = Sums::default();
    let mut took = Vec::new();
    for suite in kernel.suites {
        match find(ran, suite.target) {
            Some(job) => {
                faults.extend(suite.fault(job, &mut sums));
                took.push(format!("{} {:.0} s", suite.target, job.took.as_secs_f64()));
            }
            None => faults.push(format!("{} did not run", suite.target)),
        }
    }
    let mut said = format!(
        "{} by {}: {}; {} ({})",
        unpacked.release,
        accelerator.name(),
        kernel.planes().join(", "),
        sums.text(),
        took.join(", ")
    );
    for (name, why) in kernel.suites.iter().flat_map(|suite| suite.not_there) {
        said.push_str(&format!("; not there: {name} ({why})"));
    }
    if faults.is_empty() {
        Outcome::Passed(said)
    } else {
        Outcome::Failed(format!("{}; {said}", faults.join("; ")))
    }
}

/// What the jobs said last that failed or did not end: with other machines beside it, it is long out of
/// sight. Empty, when there is none.
pub(super) fn last_words(ran: &Ran) -> String {
    let failed = ran.jobs.iter().filter(|job| job.status != Some(0));
    let words = failed.map(|job| {
        let lines = &job.lines;
        // From there on, libtest tells what the tests said that failed.
        let start = lines.iter().position(|line| line == "failures:");
        let start = start
            .unwrap_or(0)
            .max(lines.len().saturating_sub(LAST_LINES));
        let lines = lines.get(start..).unwrap_or_default();
        format!("-- {}\n{}\n", job.name, lines.join("\n"))
    });
    words.collect()
}

/// As many of a job.
const LAST_LINES: usize = 120;

fn find<'a>(ran: &'a Ran, name: &str) -> Option<&'a Done> {
    ran.jobs.iter().find(|job| job.name == name)
}

impl Demand {
    /// What a report of doctor lacks.
    fn unmet(&self, report: &Value) -> Option<String> {
        let plane = report
            .get("planes")
            .and_then(Value::as_array)
            .and_then(|planes| {
                planes
                    .iter()
                    .find(|plane| text(plane, "name") == self.plane)
            });
        let Some(plane) = plane else {
            return Some(format!("doctor knows no plane {}", self.plane));
        };
        let state = text(plane, "state");
        if state != "works" {
            return Some(format!("the plane {} must work and is {state}", self.plane));
        }
        let programs = plane.get("programs").and_then(Value::as_array);
        self.hooks
            .iter()
            .find(|hook| {
                !programs.is_some_and(|programs| {
                    programs.iter().any(|program| {
                        text(program, "hook") == **hook && program.get("refused").is_none()
                    })
                })
            })
            .map(|hook| format!("{hook} must work and does not"))
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Suite {
    /// For the shell of the guest.
    pub(super) fn command(&self) -> String {
        let mut command = format!("{} --color=never --include-ignored --exact", self.target);
        for name in self.chosen {
            command.push_str(&format!(" {name}"));
        }
        for (name, _) in self.not_there {
            command.push_str(&format!(" --skip {name}"));
        }
        command
    }

    /// Every test ran that can, and passed.
    fn fault(&self, job: &Done, sums: &mut Sums) -> Option<String> {
        let mut own = Sums::default();
        for line in &job.lines {
            own.read(line);
        }
        sums.add(&own);
        match job.status {
            None => Some(format!("{} did not end", self.target)),
            Some(0) if own.all_passed() && own.passed() < self.chosen.len() => Some(format!(
                "{}: only {} of the {} tests chosen for it exist",
                self.target,
                own.passed(),
                self.chosen.len()
            )),
            Some(0) if own.all_passed() => None,
            Some(status) => Some(format!("{} ended with {status}", self.target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const DEMAND: Demand = Demand {
        plane: "handling",
        hooks: &["tp_btf/a", "tp_btf/b"],
    };

    fn report(state: &str, refused: Option<&str>) -> Value {
        let mut second = json!({"hook": "tp_btf/b"});
        if let Some(refused) = refused {
            second["refused"] = refused.into();
        }
        json!({"planes": [{"name": "handling", "state": state,
            "programs": [{"hook": "tp_btf/a"}, second]}]})
    }

    #[test]
    fn a_plane_that_works_by_its_hooks_is_what_was_demanded() {
        assert_eq!(DEMAND.unmet(&report("works", None)), None);
    }

    #[test]
    fn a_plane_that_falls_back_fails_the_layer() {
        let unmet = DEMAND.unmet(&report("fallback", None));
        assert_eq!(
            unmet.as_deref(),
            Some("the plane handling must work and is fallback")
        );
        assert!(DEMAND.unmet(&json!({"planes": []})).is_some());
    }

    #[test]
    fn a_hook_that_was_refused_fails_the_layer_though_the_plane_works() {
        let unmet = DEMAND.unmet(&report("works", Some("no")));
        assert_eq!(unmet.as_deref(), Some("tp_btf/b must work and does not"));
    }

    #[test]
    fn what_failed_is_told_again_at_the_end() {
        let job = |name: &str, status, lines: &[&str]| Done {
            name: name.to_owned(),
            status,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            took: Duration::ZERO,
        };
        let ran = Ran {
            jobs: vec![
                job("a", Some(0), &["fine"]),
                job("b", Some(101), &["test c ... FAILED", "failures:", "why"]),
                job("d", None, &["half"]),
            ],
            ..Ran::default()
        };
        assert_eq!(last_words(&ran), "-- b\nfailures:\nwhy\n-- d\nhalf\n");
    }

    #[test]
    fn a_suite_without_a_result_fails_though_it_ended_well() {
        let suite = Suite {
            target: "live_source",
            chosen: &["a", "b"],
            not_there: &[],
        };
        let job = |lines: &[&str]| Done {
            name: "live_source".to_owned(),
            status: Some(0),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            took: Duration::ZERO,
        };
        let result = "test result: ok. 2 passed; 0 failed; 0 ignored";
        assert_eq!(suite.fault(&job(&[result]), &mut Sums::default()), None);
        let too_few = "test result: ok. 1 passed; 0 failed; 0 ignored";
        assert!(
            suite
                .fault(&job(&[too_few]), &mut Sums::default())
                .is_some()
        );
        assert!(
            suite
                .fault(&job(&["test a ... ok"]), &mut Sums::default())
                .is_some()
        );
    }
}
