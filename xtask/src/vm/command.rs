//! One command on another kernel.

use std::path::Path;

use super::guest::Guest;
use super::kernels::Kernel;
use super::{Args, OBSERVER, accelerator, environment, fetch, folder, job, start};
use crate::{built, tools};

/// Runs a command in the shell of a guest. It fails if the command does.
pub(super) fn run(root: &Path, kernel: &Kernel, command: &str, args: &Args) -> Result<(), String> {
    tools::provide_machines()?;
    tools::provide(root)?;
    let unpacked =
        fetch::kernel(&folder(root), kernel, args.anew).map_err(|error| error.to_string())?;
    built::observer(root)?;
    let mut built = vec![(root.join(OBSERVER), "observer".to_owned())];
    let named = |target: &&str| {
        command
            .split(|char: char| !char.is_alphanumeric() && char != '_')
            .any(|word| word == *target)
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
        without: &[],
        with,
        environment: environment(root, kernel, accelerator),
        jobs: vec![job("command", command.to_owned(), &root.join("tests"))],
    };
    let show = |_: &str, line: &str| println!("{line}");
    let ran = start(root, kernel, &guest, accelerator, args.limit(), show)?;
    let status = ran.jobs.first().and_then(|job| job.status);
    let why = match (ran.fault, status) {
        (None, Some(0)) => return Ok(()),
        (None, Some(status)) => format!("the command ended with {status}"),
        (Some(fault), _) => fault,
        (None, None) => "the command did not end".to_owned(),
    };
    Err(format!("on {}: {why}", unpacked.release))
}
