//! What the agent itself costs.

use procfs::process::Process as Proc;

use super::family::Families;

/// The last known cost.
#[derive(Default)]
pub(super) struct Process {
    started: Option<f64>,
}

impl Process {
    /// Reads /proc, and leaves the numbers as they were where it cannot be read.
    pub(super) fn update(&mut self, families: &Families) {
        let Ok(stat) = Proc::myself().and_then(|own| own.stat()) else {
            return;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "ticks and bytes of a process are far below 2^52"
        )]
        {
            let ticks = procfs::ticks_per_second() as f64;
            let seconds = (stat.utime + stat.stime) as f64 / ticks;
            let since = seconds - families.cpu_seconds.get();
            if since > 0.0 {
                families.cpu_seconds.inc_by(since);
            }
            let bytes = stat.rss.saturating_mul(procfs::page_size());
            families.resident_bytes.set(bytes as f64);
            if self.started.is_none() {
                self.started = procfs::boot_time_secs()
                    .ok()
                    .map(|boot| boot as f64 + stat.starttime as f64 / ticks);
            }
        }
        if let Some(started) = self.started {
            families.start_time.set(started);
        }
    }
}
