//! The verdict of an event.

use serde::{Serialize, Serializer};

use crate::verdict::{Cause, Certainty, Outcome, RecognisedBy, Verdict};

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
        #[serde(skip_serializing_if = "Option::is_none")]
        validator: Option<Who<'a>>,
        explanation: &'a str,
    }
    /// Who checked.
    #[derive(Serialize)]
    struct Who<'a> {
        name: &'a str,
        #[serde(serialize_with = "text::display")]
        recognised_by: RecognisedBy,
        certain: bool,
    }
    let validator = verdict.validator.as_ref();
    Written {
        outcome: verdict.outcome,
        cause: verdict.cause,
        certainty: verdict.certainty,
        evidence: &verdict.evidence,
        candidates: &verdict.candidates,
        validator: validator.map(|recognised| Who {
            name: &recognised.name,
            recognised_by: recognised.by,
            certain: recognised.certain,
        }),
        explanation: &verdict.explanation,
    }
    .serialize(to)
}
