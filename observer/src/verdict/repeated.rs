//! What an answer may repeat of the secrets of its request.

use crate::credential::Echo;
use crate::exchange::{self, Exchange, MAX_FIELD};

/// The secrets of a request, and how much of its answer was seen.
#[derive(Default)]
pub(super) struct Repeated {
    echo: Echo,
    /// Something of the answer was cut, so that a secret may be there in part.
    cut: bool,
}

impl Repeated {
    /// What the answer of an exchange may repeat.
    pub(super) fn by(exchange: &Exchange) -> Self {
        let echo = exchange::echo(exchange.request.as_ref(), &exchange.secrets);
        let cut = exchange.capture.response_cut
            || exchange.response.as_ref().is_some_and(|response| {
                // A character that did not fit is left out whole.
                let is_full = |value: &String| value.len() + 4 > MAX_FIELD;
                !response.excerpt.is_whole() || response.fields.iter().any(|(_, it)| is_full(it))
            });
        Self { echo, cut }
    }

    /// Whether the request had no secrets.
    pub(super) fn is_nothing(&self) -> bool {
        self.echo.is_empty()
    }

    /// Whether nothing of the answer may be shown, because nobody knows all that it may repeat.
    pub(super) fn is_unknown(&self) -> bool {
        self.echo.is_unseen()
    }

    /// A text of the answer without them.
    pub(super) fn hide(&self, text: &str) -> String {
        match self.cut {
            true => self.echo.hide_in_cut(text),
            false => self.echo.hide(text),
        }
    }
}
