//! Who speaks over unix sockets where those are not seen, in words.

use std::fmt::Write;

use serde::Serialize;

use crate::identity::{Owner, UnixPair, unix_pairs};
use crate::redact;

/// Processes whose requests are not seen.
#[derive(Serialize)]
pub(super) struct Pair {
    /// Who calls. Absent: nobody is connected now, or it is not known who.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Process>,
    /// Who answers. Absent: it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Process>,
    /// The path that the server is bound to, an abstract name after `@`.
    path: String,
    /// How many connections they have now.
    connections: usize,
}

#[derive(Serialize)]
struct Process {
    pid: u32,
    name: String,
}

/// Those of this network namespace, or why they are not known.
pub(super) fn pairs() -> Result<Vec<Pair>, String> {
    let found = unix_pairs().map_err(|error| {
        format!("who uses them is not known, because the kernel's table of unix sockets cannot be read: {error}")
    })?;
    Ok(found.into_iter().map(Pair::from).collect())
}

/// Who is connected now, to go on a sentence with; empty when nobody is.
pub(super) fn now() -> String {
    let pairs = unix_pairs().unwrap_or_default().into_iter();
    let pairs: Vec<Pair> = pairs
        .filter(|pair| pair.connections > 0)
        .map(Pair::from)
        .collect();
    let shown: Vec<_> = pairs.iter().take(NAMED).map(Pair::ends).collect();
    match (shown.as_slice(), pairs.len().saturating_sub(NAMED)) {
        ([], _) => String::new(),
        (shown, 0) => format!(", now those of {}", shown.join(", ")),
        (shown, 1) => format!(", now those of {} and one pair more", shown.join(", ")),
        (shown, more) => format!(", now those of {} and {more} pairs more", shown.join(", ")),
    }
}

/// So many pairs are named where there is one line for all.
const NAMED: usize = 3;

impl Pair {
    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = self.ends();
        let noun = match self.connections {
            0 => return text + ", nobody connected now",
            1 => "connection",
            _ => "connections",
        };
        // Writing to a string cannot fail.
        let _ = write!(text, ", {} {noun} now", self.connections);
        text
    }

    fn ends(&self) -> String {
        let server = described(self.server.as_ref());
        match (&self.client, self.connections) {
            (None, 0) => format!("{server} listens at {}", self.path),
            (client, _) => format!("{} → {server} {}", described(client.as_ref()), self.path),
        }
    }
}

fn described(process: Option<&Process>) -> String {
    match process {
        Some(Process { pid, name }) => format!("{name} (pid {pid})"),
        None => "somebody".to_owned(),
    }
}

impl From<UnixPair> for Pair {
    fn from(pair: UnixPair) -> Self {
        let process = |owner: Owner| Process {
            pid: owner.pid,
            name: redact::label(&owner.name, MAX_NAME),
        };
        Self {
            client: pair.client.map(process),
            server: pair.server.map(process),
            path: redact::label(&pair.path, MAX_NAME),
            connections: pair.connections,
        }
    }
}

/// The longest name that is shown, in bytes. A socket has at most 108.
const MAX_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(client: Option<&str>, connections: usize) -> Pair {
        let owner = |pid, name: &str| Owner {
            pid,
            name: name.to_owned(),
        };
        Pair::from(UnixPair {
            client: client.map(|name| owner(12, name)),
            server: Some(owner(14, "gunicorn")),
            path: "/run/app.sock".to_owned(),
            connections,
        })
    }

    #[test]
    fn a_pair_is_said_in_a_line() {
        for (pair, said) in [
            (
                pair(Some("nginx"), 2),
                "nginx (pid 12) → gunicorn (pid 14) /run/app.sock, 2 connections now",
            ),
            (
                pair(None, 1),
                "somebody → gunicorn (pid 14) /run/app.sock, 1 connection now",
            ),
            (
                pair(None, 0),
                "gunicorn (pid 14) listens at /run/app.sock, nobody connected now",
            ),
        ] {
            assert_eq!(pair.text(), said);
        }
    }
}
