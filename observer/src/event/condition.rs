//! A condition that began or ended, schema `observer.condition/1`.

use serde::Serialize;

use crate::history::{Change, Condition, Ending};
use crate::time::Timestamp;
use crate::verdict::Certainty;

use super::text;

/// The name of the schema and its major version.
const SCHEMA: &str = "observer.condition/1";

/// A condition as it leaves. docs/events.md describes every field.
#[derive(Debug, Serialize)]
pub struct ConditionEvent<'a> {
    schema: &'static str,
    #[serde(serialize_with = "text::display")]
    time: Timestamp,
    state: &'static str,
    number: u64,
    #[serde(serialize_with = "text::display")]
    condition: Condition,
    /// Always `inferred`.
    #[serde(serialize_with = "text::display")]
    certainty: Certainty,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(serialize_with = "text::display")]
    since: Timestamp,
    #[serde(serialize_with = "text::display")]
    last: Timestamp,
    exchanges: u64,
    tokens: u32,
    clients: u32,
    evidence: &'a [String],
    refuted_by: &'static str,
    #[serde(
        serialize_with = "text::display_some",
        skip_serializing_if = "Option::is_none"
    )]
    ending: Option<Ending>,
    explanation: String,
}

impl<'a> From<&'a Change> for ConditionEvent<'a> {
    fn from(change: &'a Change) -> Self {
        Self {
            schema: SCHEMA,
            time: change.time,
            state: change.state(),
            number: change.number,
            condition: change.condition,
            certainty: Certainty::Inferred,
            service: &change.concern.service,
            issuer: change.concern.issuer.as_deref(),
            kid: change.concern.kid.as_deref(),
            since: change.since,
            last: change.last,
            exchanges: change.weight.exchanges,
            tokens: change.weight.tokens,
            clients: change.weight.clients,
            evidence: &change.evidence,
            refuted_by: change.condition.refuted_by(),
            ending: change.ended.as_ref().map(|(ending, _)| *ending),
            explanation: change.explanation(),
        }
    }
}
