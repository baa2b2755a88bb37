//! The list of captures.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// A capture of the corpora.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// How many packets tshark counts.
    pub(crate) packets: Option<u64>,
    format: String,
    link: String,
    /// Of which other one it is a copy.
    copy_of: Option<String>,
}

impl Listed {
    /// Whether it is of a format and of one link type that observer reads, as tshark names them.
    pub(crate) fn is_readable(&self) -> bool {
        const READ: &[&str] = &[
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
            "PPP",
            "PPP_SERIAL",
            "C_HDLC",
            "FRELAY",
            "SLIP",
            "FDDI",
            "TOKEN_RING",
            "IEEE802_11",
            "RADIOTAP",
            "NFLOG",
            "IPNET",
            "ATM_RFC1483",
            "129",
            "192",
            "258",
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
    /// Captures that hold such keys themselves.
    with_secrets: BTreeSet<String>,
}

impl Corpora {
    /// The corpora, if they are on this machine; otherwise says that they are not.
    pub(crate) fn find() -> Option<Self> {
        let root = root();
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
        let [path, packets, format, link, notes] =
            ["path", "packets", "format", "linktype", "notes"]
                .map(|name| column(name).unwrap_or_else(|| panic!("INDEX.tsv has no {name}")));
        let captures: Vec<_> = lines
            .map(|row| Listed {
                name: row[path].to_owned(),
                path: root.join(row[path]),
                format: row[format].to_owned(),
                link: row[link].to_owned(),
                packets: row[packets].parse().ok(),
                copy_of: row[notes]
                    .split("; ")
                    .find_map(|note| note.strip_prefix("dup of "))
                    .map(str::to_owned),
            })
            .collect();
        let keys = std::fs::read_to_string(root.join("keys.json")).unwrap();
        let with_secrets = captures
            .iter()
            .filter(|capture| capture.format.starts_with("pcapng") && has_secrets(&capture.path))
            .map(|capture| capture.name.clone())
            .collect();
        Some(Self {
            root,
            captures,
            with_secrets,
            keys: serde_json::from_str(&keys).unwrap(),
        })
    }

    /// The name under which tshark looked at it: of several copies only at the first.
    pub(crate) fn original<'a>(&self, capture: &'a Listed) -> &'a str {
        capture.copy_of.as_deref().unwrap_or(&capture.name)
    }

    /// Whether tshark had the keys of its TLS connections: from a file, or from a block of the capture.
    pub(crate) fn is_decrypted(&self, capture: &Listed) -> bool {
        self.keys.get(&capture.name).is_some() || self.with_secrets.contains(&capture.name)
    }
}

/// Where the corpora are, if they are on this machine.
pub(crate) fn root() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    std::env::var_os("OBSERVER_CORPORA").map_or(beside, PathBuf::from)
}

/// Whether a pcapng file has a block of secrets with a key log of TLS.
fn has_secrets(path: &Path) -> bool {
    let mut bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        // A cut archive has what it has.
        let _ = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain);
        bytes = plain;
    }
    bytes.windows(12).any(|window| {
        let (kind, secrets) = (&window[..4], &window[8..]);
        (kind == [10, 0, 0, 0] && secrets == b"KSLT")
            || (kind == [0, 0, 0, 10] && secrets == b"TLSK")
    })
}
