//! A virtual machine: started, listened to, and ended at its limit.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::accelerator::Accelerator;
use super::guest::{BEGIN, DONE, END};

/// How a machine is started.
pub(super) struct Machine<'a> {
    pub(super) image: &'a Path,
    pub(super) root: &'a Path,
    /// Where the kernel's own words go.
    pub(super) console: &'a Path,
    pub(super) limit: Duration,
    pub(super) accelerator: Accelerator,
}

/// What a guest did.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) jobs: Vec<Done>,
    /// It said that it was done, and the machine went off by itself.
    pub(super) properly: bool,
    /// What went wrong with the machine.
    pub(super) fault: Option<String>,
}

/// What a job of a guest did.
pub(super) struct Done {
    pub(super) name: String,
    /// `None`: it did not end.
    pub(super) status: Option<i32>,
    pub(super) lines: Vec<String>,
    pub(super) took: Duration,
}

/// Runs a guest to its end. Each line of its jobs is shown as it comes, with the job's name.
pub(super) fn run(machine: &Machine<'_>, show: impl Fn(&str, &str)) -> Result<Ran, String> {
    let mut child = Running(start(machine)?);
    let stdout = child.0.stdout.take().ok_or("QEMU has no output")?;
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let until = Instant::now() + machine.limit;
    let mut listener = Listener::default();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left.min(SILENCE)) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches('\r');
                if let Some(job) = listener.hear(line, Instant::now()) {
                    show(job, line);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let what = match left <= SILENCE {
                    true => format!("did not end within {} s", machine.limit.as_secs()),
                    false => format!("said nothing for {} s", SILENCE.as_secs()),
                };
                listener.ran.fault = Some(format!("it {what} and was killed"));
                break;
            }
        }
    }
    if listener.ran.fault.is_some() {
        child.end();
    }
    let status = child
        .0
        .wait()
        .map_err(|error| format!("cannot wait for QEMU: {error}"))?;
    let _ = reader.join();
    let mut ran = listener.ran;
    if ran.fault.is_none() && !status.success() {
        ran.fault = Some(format!("QEMU ended with {status}"));
    }
    if ran.fault.is_none() && !listener.done {
        ran.fault = Some("it went off before all was done".to_owned());
    }
    ran.properly = ran.fault.is_none();
    Ok(ran)
}

/// A machine that says nothing for so long hangs: a test waits less for what must happen.
const SILENCE: Duration = Duration::from_secs(300);

/// The last lines of what the kernel said.
pub(super) fn tail(console: &Path) -> String {
    let bytes = std::fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut last = VecDeque::new();
    for line in text.lines() {
        if last.len() == TAIL {
            last.pop_front();
        }
        last.push_back(line.trim_end());
    }
    Vec::from(last).join("\n")
}

const TAIL: usize = 40;

fn start(machine: &Machine<'_>) -> Result<Child, String> {
    let mut qemu = Command::new(PROGRAM);
    qemu.args(["-accel", machine.accelerator.option()])
        .args(["-cpu", machine.accelerator.processor()])
        .args(["-smp", "2", "-m", "2048"])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ])
        .arg("-kernel")
        .arg(machine.image)
        .arg("-initrd")
        .arg(machine.root)
        .args(["-append", KERNEL_OPTIONS])
        .arg("-serial")
        .arg(format!("file:{}", machine.console.display()))
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    qemu.spawn()
        .map_err(|error| format!("cannot start {PROGRAM}: {error}"))
}

pub(super) const PROGRAM: &str = "qemu-system-x86_64";

/// A fault of the kernel ends the machine at once. The rate of the processor's clock is measured at the
/// start, and wrongly on a busy machine: all time in the guest would run at another pace.
const KERNEL_OPTIONS: &str = "console=ttyS0 loglevel=5 panic=-1 oops=panic clocksource=hpet tsc=unstable nokaslr mitigations=off";

/// QEMU, which does not outlive us.
struct Running(Child);

impl Running {
    fn end(&mut self) {
        let _ = self.0.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        let _ = self.0.wait();
    }
}

/// Takes apart what a guest says.
#[derive(Default)]
struct Listener {
    ran: Ran,
    since: Option<Instant>,
    done: bool,
}

impl Listener {
    /// The job that said this, if it was one.
    fn hear(&mut self, line: &str, now: Instant) -> Option<&str> {
        if let Some(name) = line.strip_prefix(BEGIN) {
            self.since = Some(now);
            self.ran.jobs.push(Done {
                name: name.trim().to_owned(),
                status: None,
                lines: Vec::new(),
                took: Duration::ZERO,
            });
            return None;
        }
        if line == DONE {
            self.done = true;
            return None;
        }
        let job = self.ran.jobs.last_mut()?;
        if job.status.is_some() {
            return None;
        }
        let end = line.strip_prefix(END).map(str::trim);
        if let Some((status, name)) = end.and_then(|end| end.split_once(' '))
            && name == job.name
        {
            job.status = status.parse().ok();
            job.took = self.since.map_or(Duration::ZERO, |since| now - since);
            return None;
        }
        job.lines.push(line.to_owned());
        Some(&job.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Listener {
        let mut listener = Listener::default();
        for line in lines {
            listener.hear(line, Instant::now());
        }
        listener
    }

    #[test]
    fn jobs_are_told_apart() {
        let listener = heard(&[
            "noise",
            "@guest-begins a",
            "one",
            "@guest-ended 0 a",
            "@guest-begins b",
            "two",
            "@guest-ended 101 b",
            "@guest-is-done",
        ]);
        let jobs: Vec<_> = listener
            .ran
            .jobs
            .iter()
            .map(|job| (job.name.as_str(), job.status, job.lines.join(" ")))
            .collect();
        assert_eq!(
            jobs,
            [
                ("a", Some(0), "one".to_owned()),
                ("b", Some(101), "two".to_owned())
            ]
        );
        assert!(listener.done);
    }

    #[test]
    fn a_job_that_hangs_has_no_status() {
        let listener = heard(&["@guest-begins a", "@guest-ended 0 other"]);
        assert_eq!(listener.ran.jobs.first().and_then(|job| job.status), None);
        assert!(!listener.done);
    }
}
