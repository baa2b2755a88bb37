//! `cargo xtask vm`: the live tests on other kernels than this machine's, in virtual machines.
//!
//! The kernels are Debian's, the rest of a guest is taken from this machine: its services and tools,
//! and the programs that were built, each at its own path. A guest needs no root on this machine.

mod accelerator;
mod archive;
mod fetch;
mod guest;
mod kernels;
mod machine;
mod report;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::built::{self, Built};
use crate::layers::{Layers, Outcome};
use crate::{test, tools};
use accelerator::Accelerator;
use fetch::{NotFetched, Unpacked};
use guest::{Guest, Job};
use kernels::{KERNELS, Kernel};
use machine::{Machine, Ran};

/// Run the live tests, or a command, on other kernels: in virtual machines.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Series of kernels, as 6.12 [default: all that the table has]
    kernels: Vec<String>,
    /// Run this in the guest's shell instead of the tests. `observer` is in the path; so are the test
    /// executables that the command names (`live_source`, `live`)
    #[arg(long, value_name = "COMMAND")]
    run: Option<String>,
    /// Put this file or folder into the guest at the same path, with the libraries it needs
    #[arg(long, value_name = "PATH", requires = "run")]
    with: Vec<PathBuf>,
    /// Fetch the newest kernel of the series, though there is one already
    #[arg(long)]
    anew: bool,
    /// After how many seconds a machine is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 330)]
    limit: u64,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let kernels = chosen(&args.kernels)?;
    match &args.run {
        Some(command) => kernels
            .into_iter()
            .try_for_each(|kernel| command_on(&root, kernel, command, args)),
        None => {
            let tests = built::tests(&root, &["--package", "observer-tests"])?;
            let mut layers = Layers::default();
            for kernel in kernels {
                layer_on(&root, &mut layers, &tests, kernel, args.anew, args.limit());
            }
            layers.close();
            match layers.failed() {
                true => Err("not all layers passed".to_owned()),
                false => Ok(()),
            }
        }
    }
}

impl Args {
    fn limit(&self) -> Duration {
        Duration::from_secs(self.limit)
    }
}

/// The layers of `cargo xtask test`: one for each kernel of the table.
pub(crate) fn layers(root: &Path, layers: &mut Layers, tests: &[Built]) {
    for kernel in &KERNELS {
        layer_on(root, layers, tests, kernel, false, LIMIT);
    }
}

/// A machine that is not done by then hangs.
const LIMIT: Duration = Duration::from_secs(330);

fn chosen(series: &[String]) -> Result<Vec<&'static Kernel>, String> {
    if series.is_empty() {
        return Ok(KERNELS.iter().collect());
    }
    let known = || KERNELS.map(|kernel| kernel.series).join(", ");
    series
        .iter()
        .map(|name| {
            KERNELS
                .iter()
                .find(|kernel| kernel.series == name)
                .ok_or_else(|| format!("no kernel {name} in the table; there are {}", known()))
        })
        .collect()
}

fn layer_on(
    root: &Path,
    layers: &mut Layers,
    tests: &[Built],
    kernel: &Kernel,
    anew: bool,
    limit: Duration,
) {
    layers.measure(&format!("vm {}", kernel.series), || {
        if let Err(error) = tools::provide_machines().and_then(|()| tools::provide(root)) {
            return match tools::is_root() {
                true => Outcome::Failed(error),
                false => Outcome::CannotRun(error),
            };
        }
        let unpacked = match fetch::kernel(&folder(root), kernel, anew) {
            Ok(unpacked) => unpacked,
            Err(NotFetched::NoNetwork(why)) => return Outcome::CannotRun(why),
            Err(NotFetched::Failed(why)) => return Outcome::Failed(why),
        };
        match tests_on(root, tests, kernel, &unpacked, limit) {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error),
        }
    });
}

/// Where all of this is kept.
fn folder(root: &Path) -> PathBuf {
    root.join("target/vm")
}

fn tests_on(
    root: &Path,
    tests: &[Built],
    kernel: &Kernel,
    unpacked: &Unpacked,
    limit: Duration,
) -> Result<Outcome, String> {
    let accelerator = accelerator::find(&unpacked.image);
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
        with: Vec::new(),
        environment: environment(root, kernel, accelerator),
        jobs,
    };
    let ran = start(root, kernel, &guest, accelerator, limit)?;
    Ok(report::outcome(root, kernel, unpacked, accelerator, &ran))
}

fn command_on(root: &Path, kernel: &Kernel, command: &str, args: &Args) -> Result<(), String> {
    tools::provide_machines()?;
    tools::provide(root)?;
    let unpacked =
        fetch::kernel(&folder(root), kernel, args.anew).map_err(|error| match error {
            NotFetched::NoNetwork(why) | NotFetched::Failed(why) => why,
        })?;
    built::observer(root)?;
    let mut built = vec![(root.join(OBSERVER), "observer".to_owned())];
    let named = |word: &&str| {
        command
            .split(|char: char| !is_of_a_name(char))
            .any(|it| it == *word)
    };
    let targets: Vec<_> = ["live_source", "live"].into_iter().filter(named).collect();
    if !targets.is_empty() {
        let mut select = vec!["--package", "observer-tests"];
        select.extend(targets.iter().flat_map(|target| ["--test", target]));
        let tests = built::tests(root, &select)?;
        built.extend(tests.into_iter().map(|test| (test.program, test.target)));
    }
    let with = args
        .with
        .iter()
        .map(|path| std::path::absolute(path).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    let accelerator = accelerator::find(&unpacked.image);
    let guest = Guest {
        root,
        kernel: &unpacked,
        built,
        with,
        environment: environment(root, kernel, accelerator),
        jobs: vec![job("command", command.to_owned(), &root.join("tests"))],
    };
    let ran = start(root, kernel, &guest, accelerator, args.limit())?;
    match ran.jobs.first().and_then(|job| job.status) {
        Some(0) if ran.fault.is_none() => Ok(()),
        status => Err(format!(
            "on {}: {}",
            unpacked.release,
            match (ran.fault, status) {
                (Some(fault), _) => fault,
                (None, Some(status)) => format!("the command ended with {status}"),
                (None, None) => "the command did not end".to_owned(),
            }
        )),
    }
}

fn is_of_a_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

fn job(name: &str, command: String, folder: &Path) -> Job {
    Job {
        name: name.to_owned(),
        command,
        folder: folder.to_owned(),
    }
}

/// Where cargo puts the agent.
const OBSERVER: &str = "target/debug/observer";

/// What the tests are told.
fn environment(root: &Path, kernel: &Kernel, accelerator: Accelerator) -> Vec<(String, String)> {
    [
        (
            "CARGO_MANIFEST_DIR",
            root.join("tests").display().to_string(),
        ),
        (
            "OBSERVER_TEST_PROGRAM",
            root.join(OBSERVER).display().to_string(),
        ),
        ("OBSERVER_TEST_SLOWNESS", accelerator.slowness().to_string()),
        ("OBSERVER_TEST_WITHOUT", kernel.without.join(",")),
        ("RUST_BACKTRACE", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn start(
    root: &Path,
    kernel: &Kernel,
    guest: &Guest<'_>,
    accelerator: Accelerator,
    limit: Duration,
) -> Result<Ran, String> {
    let folder = folder(root).join(kernel.series);
    let (first, console) = (folder.join("root.cpio"), folder.join("console.txt"));
    guest.pack(&first, &folder)?;
    let machine = Machine {
        image: &guest.kernel.image,
        root: &first,
        console: &console,
        limit,
        accelerator,
    };
    let ran = machine::run(&machine, |job, line| {
        if job != report::DOCTOR_JSON {
            println!("{line}");
        }
    })?;
    if ran.fault.is_some() {
        println!("-- what the kernel said last:\n{}", machine::tail(&console));
    }
    Ok(ran)
}
