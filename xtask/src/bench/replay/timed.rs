//! How long a program takes, of processors and by the clock on the wall.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use super::super::process::field;

/// In seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Time {
    /// Of processors, in the program and in the kernel for it.
    pub(super) processor: f64,
    pub(super) wall: f64,
}

/// Runs a program to its end.
pub(super) fn run(command: &mut Command) -> Result<Time, String> {
    counted(command).map(|(time, _)| time)
}

/// Runs a program to its end, and says how many lines it wrote.
pub(super) fn counted(command: &mut Command) -> Result<(Time, usize), String> {
    // The shell asks the kernel, which accounts in microseconds.
    let mut timing = Command::new("bash");
    timing
        .env("TIMEFORMAT", "%3R %3U %3S")
        .args(["-c", "time \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    let Output {
        status,
        stdout,
        stderr,
    } = timing
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start bash: {error}"))?;
    let said = String::from_utf8_lossy(&stderr);
    let time = said.lines().last().and_then(read);
    match time {
        Some(time) if status.success() => {
            Ok((time, stdout.iter().filter(|byte| **byte == b'\n').count()))
        }
        _ => Err(format!("{command:?} ended with {status}: {}", said.trim())),
    }
}

fn read(line: &str) -> Option<Time> {
    let mut numbers = line.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    let (wall, user, system) = (next()?, next()?, next()?);
    Some(Time {
        processor: user + system,
        wall,
    })
}

/// The most anonymous memory that a program has while it runs, in MiB.
pub(super) fn anonymous(command: &mut Command) -> Result<f64, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let file = format!("/proc/{}/status", child.id());
    let mut most = 0.0_f64;
    loop {
        let ended = child.try_wait().map_err(|error| error.to_string())?;
        if let Some(status) = ended {
            return match status.success() {
                true => Ok(most / 1024.0),
                false => Err(format!("{command:?} ended with {status}")),
            };
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        most = most.max(kilobytes(&text).unwrap_or(0.0));
        thread::sleep(Duration::from_millis(2));
    }
}

fn kilobytes(status: &str) -> Option<f64> {
    let size = field(status, "RssAnon:")?;
    size.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_shell_and_the_kernel_say() {
        let time = read("0.640 0.300 0.200").unwrap();
        assert_eq!((time.processor, time.wall), (0.5, 0.64));
        assert_eq!(read("0.640 0.300"), None);
        assert_eq!(
            kilobytes("VmRSS:\t 9 kB\nRssAnon:\t    1234 kB\n"),
            Some(1234.0)
        );
    }

    #[test]
    fn a_program_that_fails_has_no_time() {
        assert!(run(&mut Command::new("true")).is_ok());
        assert!(run(&mut Command::new("false")).is_err());
    }
}
