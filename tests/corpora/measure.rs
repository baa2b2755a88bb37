//! What reading costs.

use std::time::Duration;

/// How long a processor has worked for this thread. Other work of the machine does not count.
pub(crate) fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = text.split_whitespace().next().unwrap();
    Duration::from_nanos(nanos.parse().unwrap())
}

/// The most memory that this process had so far, in KiB.
pub(crate) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let amount = line.and_then(|line| line.split_whitespace().nth(1));
    amount.and_then(|amount| amount.parse().ok()).unwrap()
}
