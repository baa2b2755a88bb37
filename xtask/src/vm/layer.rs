//! The tests of a kernel, as a layer of `cargo xtask test`.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::accelerator::{self, Accelerator};
use super::fetch::{self, Unpacked};
use super::guest::Guest;
use super::kernels::{self, Kernel};
use super::{OBSERVER, environment, folder, job, report, start};
use crate::built::Built;
use crate::debian::NotFetched;
use crate::layers::{Layers, Outcome};
use crate::tools;

/// How the layers are run.
pub(super) struct Options {
    /// Fetch the newest kernels.
    pub(super) anew: bool,
    /// A machine that is not done by then hangs.
    pub(super) limit: Duration,
}

/// Runs the tests of several kernels, as many at a time as there are processors: a test waits more
/// often than it computes, and seldom does two things at once.
pub(super) fn run(
    root: &Path,
    layers: &mut Layers,
    tests: &[Built],
    kernels: &[&Kernel],
    options: &Options,
) {
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    for some in kernels.chunks(at_once) {
        let names: Vec<_> = some.iter().map(|kernel| name(kernel)).collect();
        println!("\n== {}", names.join(" and "));
        let ready: Vec<_> = some
            .iter()
            .map(|kernel| (*kernel, prepare(root, kernel, options)))
            .collect();
        let done: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = ready
                .into_iter()
                .map(|(kernel, ready)| {
                    scope.spawn(move || {
                        let since = Instant::now();
                        let outcome = ready
                            .and_then(|ready| {
                                tests_on(root, tests, kernel, &ready, options.limit)
                                    .map_err(Outcome::Failed)
                            })
                            .unwrap_or_else(|outcome| (outcome, String::new()));
                        (outcome, since.elapsed())
                    })
                })
                .collect();
            running
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect()
        });
        for (name, done) in names.iter().zip(done) {
            match done {
                Ok(((outcome, last_words), took)) => {
                    layers.add_timed(name, outcome, took);
                    layers.explain(name, last_words);
                }
                Err(_) => layers.add(name, Outcome::Failed("it panicked".to_owned())),
            }
        }
    }
}

fn name(kernel: &Kernel) -> String {
    format!("vm {}", kernel.series)
}

/// What a machine needs, or why it is not to be had.
fn prepare(root: &Path, kernel: &Kernel, options: &Options) -> Result<Ready, Outcome> {
    if let Err(error) = tools::provide_machines().and_then(|()| tools::provide(root)) {
        return Err(if tools::is_root() {
            Outcome::Failed(error)
        } else {
            Outcome::CannotRun(error)
        });
    }
    let unpacked =
        fetch::kernel(&folder(root), kernel, options.anew).map_err(|error| match error {
            NotFetched::NoNetwork(why) => Outcome::CannotRun(why),
            NotFetched::Failed(why) => Outcome::Failed(why),
        })?;
    Ok(Ready {
        accelerator: accelerator::find(&unpacked.image),
        unpacked,
    })
}

struct Ready {
    unpacked: Unpacked,
    accelerator: Accelerator,
}

fn tests_on(
    root: &Path,
    tests: &[Built],
    kernel: &Kernel,
    ready: &Ready,
    limit: Duration,
) -> Result<(Outcome, String), String> {
    let Ready {
        unpacked,
        accelerator,
    } = ready;
    let mut jobs = vec![
        job(report::DOCTOR, "observer doctor".to_owned(), root),
        job(
            report::DOCTOR_JSON,
            "observer doctor --json".to_owned(),
            root,
        ),
    ];
    let mut built = vec![(root.join(OBSERVER), "observer".to_owned())];
    for suite in kernel.suites {
        let test = tests
            .iter()
            .find(|test| test.package == "observer-tests" && test.target == suite.target)
            .ok_or_else(|| format!("no test executable {}", suite.target))?;
        jobs.push(job(suite.target, suite.command(), &test.folder));
        built.push((test.program.clone(), suite.target.to_owned()));
    }
    let guest = Guest {
        root,
        kernel: unpacked,
        built,
        without: kernels::WITHOUT,
        with: Vec::new(),
        environment: environment(root, kernel, *accelerator),
        jobs,
    };
    let show = |job: &str, line: &str| {
        if job != report::DOCTOR_JSON {
            println!("{:<5}| {line}", kernel.series);
        }
    };
    let ran = start(root, kernel, &guest, *accelerator, limit, show)?;
    let outcome = report::outcome(root, kernel, unpacked, *accelerator, &ran);
    Ok((outcome, report::last_words(&ran)))
}
