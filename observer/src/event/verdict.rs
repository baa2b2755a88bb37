//! The verdict of an event.

use serde::{Serialize, Serializer};

use crate::verdict::{Cause, Certainty, Outcome, Verdict};

use super::text;

/// Writes a verdict.
pub(super) fn written<S: Serializer>(verdict: &Verdict, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(serialize_with = "text::display")]
        outcome: Outcome,
        #[serde(
            serialize_with = "text::display_some",
            skip_serializing_if = "Option::is_none"
        )]
        cause: Option<Cause>,
        #[serde(
            serialize_with = "text::display_some",
            skip_serializing_if = "Option::is_none"
        )]
        certainty: Option<Certainty>,
        evidence: &'a [String],
        #[serde(serialize_with = "text::display_all")]
        candidates: &'a [Cause],
        explanation: &'a str,
    }
    Written {
        outcome: verdict.outcome,
        cause: verdict.cause,
        certainty: verdict.certainty,
        evidence: &verdict.evidence,
        candidates: &verdict.candidates,
        explanation: &verdict.explanation,
    }
    .serialize(to)
}
