//! The table of what tshark and observer see differently, with the reasons.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Differences with how often each is there.
pub(crate) type Differences = BTreeMap<Difference, u64>;

/// One message that only one of both sees.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Difference {
    pub(crate) capture: String,
    pub(crate) side: Side,
    pub(crate) record: String,
}

/// Who sees it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Side {
    /// tshark alone: observer misses it.
    Missing,
    /// observer alone.
    Extra,
}

/// The listed differences.
pub(crate) fn listed() -> Differences {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora-exceptions");
    let table = std::fs::read_to_string(path).unwrap();
    let rows = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| {
        let fields: Vec<&str> = row.split('\t').collect();
        let &[capture, side, count, record, reason] = fields.as_slice() else {
            panic!("not five fields: {row}");
        };
        assert!(!reason.is_empty(), "no reason: {row}");
        let side = match side {
            "missing" => Side::Missing,
            "extra" => Side::Extra,
            _ => panic!("neither missing nor extra: {row}"),
        };
        let difference = Difference {
            capture: capture.to_owned(),
            side,
            record: record.to_owned(),
        };
        (difference, count.parse().unwrap())
    })
    .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            capture,
            side,
            record,
        } = self;
        let side = match side {
            Side::Missing => "missing",
            Side::Extra => "extra",
        };
        write!(f, "{side} {record} ({capture})")
    }
}
