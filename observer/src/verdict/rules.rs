//! What real servers and libraries say, as data: `rules.tsv`, with its sources, and the tables that users
//! add.

mod error;
mod rule;
mod table;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::bounded;

pub use error::WordsError;
pub(super) use rule::{At, Rule};
use table::Table;

/// What servers say: the table of this program, and before it those of users.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Words {
    own: Vec<Arc<Table>>,
}

/// The most lines that the table of a user has, comments not counted.
pub const MAX_ROWS: usize = 1000;
/// The largest table of a user, in bytes.
pub const MAX_FILE: u64 = 256 * 1024;

impl Words {
    /// Reads the table of a user, in the format of `rules.tsv`.
    ///
    /// # Errors
    /// It cannot be read, is larger than [`MAX_FILE`], or something in it is wrong: the message names the
    /// line.
    pub fn read(path: &Path) -> Result<Self, WordsError> {
        let text = bounded::text(path, MAX_FILE).map_err(|source| WordsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// The same for a text that was read from `path`.
    ///
    /// # Errors
    /// Something in it is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, WordsError> {
        let table = Table::of_user(text, path)?;
        Ok(Self {
            own: vec![Arc::new(table)],
        })
    }

    /// These, and where they do not know a text, those.
    #[must_use]
    pub fn or(mut self, others: Self) -> Self {
        self.own.extend(others.own);
        self
    }

    /// The rules that a text meets, most specific first. Where a table of a user knows the text, those
    /// after it are not asked.
    pub(super) fn find(&self, text: &str, at: At<'_>) -> Vec<Arc<Rule>> {
        let own = self.own.iter().map(|table| table.find(text, at));
        own.into_iter()
            .find(|found| !found.is_empty())
            .unwrap_or_else(|| BUILT_IN.find(text, at))
    }

    /// Whether a rule of a user is about this field.
    pub(super) fn ask_for(&self, field: &str) -> bool {
        self.own.iter().any(|table| table.asks_for(field))
    }
}

/// Builds the table.
pub(super) fn prepare() {
    LazyLock::force(&BUILT_IN);
}

static BUILT_IN: LazyLock<Table> = LazyLock::new(|| {
    Table::built_in(include_str!("rules.tsv")).expect("a test reads every line before any user")
});

#[cfg(test)]
mod tests;
