//! How far a replay has come, for a person at a terminal.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Glance, Sink};
use crate::event::Event;
use crate::time::Timestamp;
use crate::totals::Totals;

/// Draws a bar on standard error.
pub struct Progress {
    bar: ProgressBar,
    exchanges: u64,
}

/// What the bar shows: a share, bytes, the rest in the message, and the time that is left.
const TEMPLATE: &str = "{bar:24} {percent}% of {binary_total_bytes}, {msg}, {eta} left";

impl Progress {
    /// A bar on standard error for so many bytes. `None` where nobody would see it, or where nobody
    /// knows how many there are.
    pub fn on_terminal(size: Option<u64>) -> Option<Self> {
        let size = size.filter(|size| *size > 0 && io::stderr().is_terminal())?;
        Some(Self::on(ProgressDrawTarget::stderr(), size))
    }

    /// The bar, for those who write on the same terminal.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    fn on(target: ProgressDrawTarget, size: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size), target);
        // The template is one of ours; without it the bar looks otherwise.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self { bar, exchanges: 0 }
    }
}

impl Sink for Progress {
    fn wants(&self, _: bool) -> bool {
        false
    }

    fn take(&mut self, _: &Arc<Event>) {
        self.exchanges += 1;
    }

    fn glance(&mut self, _: &Glance<'_>) {
        self.exchanges += 1;
    }

    fn pass(&mut self, _: Timestamp, totals: &Totals) {
        let packets = totals.read.get("packets").copied().unwrap_or(0);
        self.bar.set_message(format!(
            "{} packets, {} exchanges",
            HumanCount(packets),
            HumanCount(self.exchanges)
        ));
        self.bar.set_position(totals.position);
    }

    fn finish(&mut self, _: &Totals) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;
    use crate::totals::Counts;

    #[test]
    fn the_bar_goes_with_the_bytes_and_is_gone_at_the_end() {
        ProgressStyle::with_template(TEMPLATE).unwrap();
        let mut progress = Progress::on(ProgressDrawTarget::hidden(), 1000);
        progress.take(&Arc::new(sample::event()));
        let totals = Totals {
            position: 250,
            read: Counts::from([("packets", 1234)]),
            ..Totals::default()
        };
        progress.pass(Timestamp::default(), &totals);
        let bar = progress.bar();
        assert_eq!(bar.position(), 250);
        assert_eq!(bar.message(), "1,234 packets, 1 exchanges");
        progress.finish(&totals);
        assert!(bar.is_finished());
    }

    #[test]
    fn where_the_size_is_not_known_there_is_no_bar() {
        assert!(Progress::on_terminal(None).is_none());
        assert!(Progress::on_terminal(Some(0)).is_none());
    }
}
