//! `cargo xtask vm`: the live tests on other kernels than this machine's, in virtual machines.
//!
//! The kernels are Debian's, the rest of a guest is taken from this machine: its services and tools,
//! and the programs that were built, each at its own path. A guest needs no root on this machine.

mod accelerator;
mod archive;
mod command;
mod fetch;
mod guest;
mod kernels;
mod layer;
mod machine;
mod report;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::built::{self, Built};
use crate::layers::Layers;
use crate::test;
use accelerator::Accelerator;
use guest::{Guest, Job};
use kernels::{KERNELS, Kernel};
use layer::Options;
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
    #[arg(long, value_name = "SECONDS", default_value_t = LIMIT)]
    limit: u64,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let kernels = chosen(&args.kernels)?;
    if let Some(command) = &args.run {
        return kernels
            .into_iter()
            .try_for_each(|kernel| command::run(&root, kernel, command, args));
    }
    let tests = built::tests(&root, &["--package", "observer-tests"])?;
    let mut layers = Layers::default();
    let options = Options {
        anew: args.anew,
        limit: args.limit(),
    };
    layer::run(&root, &mut layers, &tests, &kernels, &options);
    layers.close();
    if layers.failed() {
        Err("not all layers passed".to_owned())
    } else {
        Ok(())
    }
}

impl Args {
    fn limit(&self) -> Duration {
        Duration::from_secs(self.limit)
    }
}

/// The layers of `cargo xtask test`: one for each kernel of the table.
pub(crate) fn layers(root: &Path, layers: &mut Layers, tests: &[Built]) {
    let kernels: Vec<_> = KERNELS.iter().collect();
    let options = Options {
        anew: false,
        limit: Duration::from_secs(LIMIT),
    };
    layer::run(root, layers, tests, &kernels, &options);
}

/// In seconds, for each machine. One that hangs is found by its silence; on a busy computer, one that does
/// not may take several times the usual five minutes.
const LIMIT: u64 = 2700;

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

/// Where all of this is kept.
fn folder(root: &Path) -> PathBuf {
    root.join("target/vm")
}

/// A job of a guest.
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
        ("OBSERVER_TEST_CONTEXTS", kernel.contexts.join(",")),
        ("OBSERVER_TEST_PLANES", kernel.planes().join(",")),
        ("RUST_BACKTRACE", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// Packs a guest and runs it to its end.
fn start(
    root: &Path,
    kernel: &Kernel,
    guest: &Guest<'_>,
    accelerator: Accelerator,
    limit: Duration,
    show: impl Fn(&str, &str),
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
    let ran = machine::run(&machine, show)?;
    if ran.fault.is_some() {
        println!("-- what the kernel said last:\n{}", machine::tail(&console));
    }
    Ok(ran)
}
