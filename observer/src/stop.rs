//! How a command is asked to end: by a signal, by its duration, by a reader that left.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether it is time to end. Clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    /// By a signal: whoever sent it may send another one soon, which cannot be caught.
    signalled: Arc<AtomicBool>,
    since: Arc<OnceLock<Instant>>,
}

impl Stop {
    /// Makes SIGINT and SIGTERM ask for the end; the second of them ends the process at once.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order counts: the first handler looks at what the second is going to set.
            flag::register_conditional_default(signal, Arc::clone(&stop.asked))?;
            flag::register(signal, Arc::clone(&stop.asked))?;
            flag::register(signal, Arc::clone(&stop.signalled))?;
        }
        Ok(stop)
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked for the end.
    pub fn requested(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// For how long a signal has been asking for the end, since this was called first. Zero: none does.
    pub fn presses_for(&self) -> Duration {
        if !self.signalled.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        self.since.get_or_init(Instant::now).elapsed()
    }
}

#[cfg(test)]
impl Stop {
    /// As when a signal asked for the end some time ago, and the source goes on.
    pub(crate) fn pressing_for(time: Duration) -> Self {
        let stop = Self::default();
        stop.signalled.store(true, Ordering::Relaxed);
        let since = Instant::now().checked_sub(time);
        stop.since
            .get_or_init(|| since.unwrap_or_else(Instant::now));
        stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signal_presses() {
        let stop = Stop::default();
        stop.request();
        assert!(stop.requested());
        assert_eq!(stop.presses_for(), Duration::ZERO);
        let stop = Stop::pressing_for(Duration::from_secs(1));
        assert!(stop.presses_for() >= Duration::from_secs(1));
    }
}
