//! Why a request was rejected: a pure function of what was seen.

mod cause;

pub use cause::{Cause, Certainty, Outcome};

/// What observer concludes about one exchange.
///
/// Text in it may quote the wire: quotes are capped, escaped and redacted before they get here.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What became of the request.
    pub outcome: Outcome,
    /// Why it was rejected. `None` unless the outcome is `Rejected` or `Challenged`.
    pub cause: Option<Cause>,
    /// How certain the cause is.
    pub certainty: Option<Certainty>,
    /// The facts it rests on, a sentence each ("exp was 312 s before the request").
    pub evidence: Vec<String>,
    /// The other causes that also fit, most likely first.
    pub candidates: Vec<Cause>,
    /// One sentence for a person.
    pub explanation: String,
}
