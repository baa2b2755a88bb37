//! What is wrong with a credential by itself, without any answer.

use super::Cause;
use super::Expectation;
use super::token::{Presence, Shown, Token};
use crate::credential::Credential;
use crate::time::Timestamp;

/// One thing that is wrong with a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The cause for which it would be rejected.
    pub cause: Cause,
    /// No validator would let it pass. Else it depends on the validator.
    pub certain: bool,
    /// The fact, as a clause ("exp was 312 s before now").
    pub fact: String,
}

/// What is wrong with a credential at a time, the certain first. Sentences name the time `moment`.
pub fn examine(
    credential: &Credential,
    time: Timestamp,
    moment: &str,
    expected: Option<&Expectation>,
) -> Vec<Problem> {
    let shown = Shown::at(Presence::Present(credential), Some(time));
    let token = Token::of(shown, moment, expected, None);
    let problems = token.findings.into_iter().map(|finding| Problem {
        cause: finding.cause,
        certain: finding.sure,
        fact: finding.clause,
    });
    problems.collect()
}
