//! How long nobody watched before this run.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::time::Timestamp;

/// The name of the schema and its major version.
pub const SCHEMA: &str = "observer.gap/1";

/// The time between a run and the one before it. Written to the events as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When it ended: since then this run watches.
    #[serde(serialize_with = "text")]
    pub time: Timestamp,
    /// How long it was.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub duration: Duration,
    /// What was before it.
    pub after: After,
}

/// What was before a gap.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// A run that ended as it was asked to.
    End,
    /// A run that did not, so that its end is known to a second: the gap may be as much shorter.
    Break,
    /// The start of the host: nobody has watched since.
    Boot,
}

impl Gap {
    /// A gap that ends at a time.
    pub fn new(time: Timestamp, duration: Duration, after: After) -> Self {
        Self {
            schema: SCHEMA,
            time,
            duration,
            after,
        }
    }
}

/// A sentence for a person.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.duration.as_secs_f64();
        match self.after {
            After::End => write!(f, "not watched for {seconds:.1} s before this"),
            After::Break => write!(
                f,
                "not watched for up to {seconds:.1} s before this: the run before did not end in \
                 order"
            ),
            After::Boot => write!(
                f,
                "not watched before this, since the host was started {seconds:.1} s ago"
            ),
        }
    }
}

fn text<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// Seconds to the millisecond.
fn seconds<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since a host was started are far below 2^52"
    )]
    let millis = duration.as_millis() as f64;
    to.serialize_f64(millis / 1e3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gap_is_as_docs_say() {
        let time = Timestamp::from_seconds(1_700_000_000);
        let gap = Gap::new(time, Duration::from_micros(12_345_678), After::Break);
        assert_eq!(
            serde_json::to_value(&gap).unwrap(),
            json!({
                "schema": "observer.gap/1",
                "time": "2023-11-14T22:13:20.000000Z",
                "seconds": 12.345,
                "after": "break",
            })
        );
        assert!(gap.to_string().contains("up to 12.3 s"), "{gap}");
    }
}
