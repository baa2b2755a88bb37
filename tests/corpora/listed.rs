//! The list of captures.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// A capture of the corpora.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// How many packets tshark counts.
    pub(crate) packets: Option<u64>,
    format: String,
    link: String,
}

impl Listed {
    /// Whether it is of a format and of one link type that observer reads, as tshark names them.
    pub(crate) fn is_readable(&self) -> bool {
        const READ: [&str; 10] = [
            "EN10MB",
            "NULL",
            "LOOP",
            "RAW",
            "RAW12",
            "RAW14",
            "IPV4",
            "IPV6",
            "LINUX_SLL",
            "LINUX_SLL2",
        ];
        self.format.starts_with("pcap") && READ.contains(&self.link.as_str())
    }
}

/// All captures.
pub(crate) struct Corpora {
    pub(crate) root: PathBuf,
    pub(crate) captures: Vec<Listed>,
    /// Captures to the keys of their TLS connections.
    keys: Value,
}

impl Corpora {
    /// The corpora, if they are on this machine; otherwise says that they are not.
    pub(crate) fn find() -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
        let root = std::env::var_os("OBSERVER_CORPORA").map_or(beside, PathBuf::from);
        let Ok(index) = std::fs::read_to_string(root.join("INDEX.tsv")) else {
            println!(
                "there are no corpora at {}, so nothing was compared: set OBSERVER_CORPORA",
                root.display()
            );
            return None;
        };
        let mut lines = index
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        let header = lines.next()?;
        let column = |name| header.iter().position(|title| *title == name);
        let [path, packets, format, link] = ["path", "packets", "format", "linktype"]
            .map(|name| column(name).unwrap_or_else(|| panic!("INDEX.tsv has no {name}")));
        let captures = lines
            .map(|row| Listed {
                name: row[path].to_owned(),
                path: root.join(row[path]),
                format: row[format].to_owned(),
                link: row[link].to_owned(),
                packets: row[packets].parse().ok(),
            })
            .collect();
        let keys = std::fs::read_to_string(root.join("keys.json")).unwrap();
        Some(Self {
            root,
            captures,
            keys: serde_json::from_str(&keys).unwrap(),
        })
    }

    /// Whether tshark had the keys of its TLS connections.
    pub(crate) fn is_decrypted(&self, capture: &Listed) -> bool {
        self.keys.get(&capture.name).is_some() || capture.name.contains("-dsb.")
    }
}
