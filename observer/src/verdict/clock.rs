//! How far the clock of a server is from ours.

use jiff::fmt::rfc2822;

use crate::exchange::{Field, Response};

/// A clock that differs by less than this from ours is not worth a word, in seconds.
const MAX_DIFFERENCE: i64 = 5;

/// Reads `Date`. The same date comes as often as a server answers in a second: it is read once.
#[derive(Default)]
pub(super) struct Clock {
    date: String,
    seconds: Option<i64>,
}

impl Clock {
    /// By how many seconds `Date` is ahead of our clock at the time of the answer, where that is worth a
    /// word. The field has whole seconds.
    pub(super) fn ahead(&mut self, response: &Response) -> Option<i64> {
        let date = response.field(Field::Date)?;
        if self.date != date {
            let read = rfc2822::parse(date).ok();
            self.seconds = read.map(|date| date.timestamp().as_second());
            date.clone_into(&mut self.date);
        }
        self.seconds?
            .checked_sub(response.started.seconds())
            .filter(|ahead| ahead.saturating_abs() > MAX_DIFFERENCE)
    }
}
