//! Captures that others made, and what tshark sees in them.
//!
//! They have licences of their own and are no part of the project: the folder is `$OBSERVER_CORPORA`,
//! or `../shared/corpora` beside the workspace. Without it these tests say so and pass.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken assumption ends the test"
)]

use std::path::{Path, PathBuf};

use observer::packet::Batch;
use observer::source::pcap::{Captures, PcapError, Report};

/// Every capture is read to its end in little memory, what is refused is of a format or link type that
/// observer does not read, and observer counts the packets that tshark counts.
#[test]
fn every_capture_is_read() {
    let Some(corpora) = Corpora::find() else {
        return;
    };
    let mut refused = 0;
    let mut damaged = 0;
    for capture in &corpora.captures {
        match read(&capture.path) {
            Err(PcapError::LinkType { .. } | PcapError::NotACapture { .. }) => {
                assert!(!capture.is_readable(), "{} was refused", capture.name);
                refused += 1;
            }
            Err(error) => panic!("{error}"),
            Ok(report) if report.endings.is_empty() => {
                assert_eq!(Some(report.packets), capture.packets, "{}", capture.name);
            }
            Ok(_) => damaged += 1,
        }
    }
    let memory = peak_memory();
    println!(
        "{} captures: {refused} of formats and link types that are not read, {damaged} damaged; \
         {memory} KiB at most",
        corpora.captures.len()
    );
    // Fuzzers made nearly all of the damaged ones.
    assert!(damaged < 40, "{damaged} damaged captures");
    assert!(memory < 256 * 1024, "{memory} KiB");
}

/// A capture of the corpora.
struct Listed {
    name: String,
    path: PathBuf,
    format: String,
    link: String,
    packets: Option<u64>,
}

impl Listed {
    /// Whether it is of a format and of one link type that observer reads, as tshark names them.
    fn is_readable(&self) -> bool {
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

struct Corpora {
    captures: Vec<Listed>,
}

impl Corpora {
    fn find() -> Option<Self> {
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
        Some(Self { captures })
    }
}

fn read(path: &Path) -> Result<Report, PcapError> {
    let mut captures = Captures::open(&[path.to_path_buf()])?;
    let mut batch = Batch::new();
    while captures.read(&mut batch)? {}
    Ok(captures.report())
}

/// The most memory that this process had so far, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let amount = line.and_then(|line| line.split_whitespace().nth(1));
    amount.and_then(|amount| amount.parse().ok()).unwrap()
}
