//! Why a request was rejected: a pure function of what was seen.
//!
//! Two sides are heard. What the server said is read in `statement`: challenges, fields and the body,
//! by a table of the words of real servers (`rules`) and by general wording. What the credential shows
//! is in `token`. `outcome` says what became of the request, `agree` compares the sides for one cause,
//! and `combine` concludes. It never says `proven` unless both sides agree, and never hides that they
//! do not.

mod agree;
mod body;
mod cause;
mod challenge;
mod combine;
mod examine;
mod explain;
mod outcome;
mod rules;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod wording;

pub use cause::{Cause, Certainty, Outcome};
pub use examine::{Problem, examine};

use crate::credential::{Echo, Signature};
use crate::exchange::Exchange;
use combine::{Finding, combine};
use outcome::Ruling;
use statement::{By, Statement};
use token::{Presence, Token};

/// Builds the tables of words, which takes longer than thousands of verdicts: otherwise the first
/// rejection would wait for it, and all behind it.
pub fn prepare() {
    rules::prepare();
    wording::prepare();
}

/// A clock that differs by less than this from ours is not worth a word, in seconds.
const MAX_CLOCK_DIFFERENCE: i64 = 5;

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

/// What a service takes, as its operator told us (`--expect SERVICE:iss=…,aud=…`). An empty list says
/// nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Expectation {
    /// The issuers that it trusts: `iss` must be one of them, exactly.
    pub issuer: Vec<String>,
    /// The audiences that it is: one of them must be in `aud`.
    pub audience: Vec<String>,
}

/// Judges an exchange.
pub fn judge(exchange: &Exchange, expected: Option<&Expectation>) -> Verdict {
    let Some(response) = &exchange.response else {
        let explanation = "No answer was seen.".to_owned();
        return Verdict {
            outcome: Outcome::Unanswered,
            explanation,
            ..plain()
        };
    };
    let token = Token::look(exchange, expected);
    let echo = token.credential().map_or_else(Echo::default, |it| it.echo);
    let statement = Statement::read(response, outcome::may_explain(response, &token), echo);
    let status = format!("the answer was {}", response.status);
    match outcome::rule(exchange, response, &statement, &token) {
        Ruling::Plain(outcome, why) => Verdict {
            outcome,
            explanation: format!("The answer was {}: {why}.", response.status),
            evidence: vec![status],
            ..plain()
        },
        Ruling::Step(clause) => step(vec![status], clause),
        Ruling::Login(clause) if token.credential().is_none() => step(vec![status], clause),
        Ruling::Login(clause) => {
            let finding = combine(exchange, response.status, &statement, &token);
            let evidence = vec![status, clause];
            rejected(
                Outcome::Challenged,
                finding,
                evidence,
                &statement,
                &token,
                exchange,
            )
        }
        Ruling::Rejected => {
            let finding = combine(exchange, response.status, &statement, &token);
            rejected(
                Outcome::Rejected,
                finding,
                vec![status],
                &statement,
                &token,
                exchange,
            )
        }
    }
}

fn plain() -> Verdict {
    Verdict {
        outcome: Outcome::Undetermined,
        cause: None,
        certainty: None,
        evidence: Vec::new(),
        candidates: Vec::new(),
        explanation: String::new(),
    }
}

/// A first leg or a redirect to a login: nothing is wrong.
fn step(mut evidence: Vec<String>, clause: String) -> Verdict {
    let explanation = format!("This is a step of a handshake and no failure: {clause}.");
    evidence.push(clause);
    Verdict {
        outcome: Outcome::Challenged,
        cause: Some(Cause::NotAFailure),
        certainty: Some(Certainty::Stated),
        evidence,
        explanation,
        ..plain()
    }
}

fn rejected(
    outcome: Outcome,
    finding: Finding,
    mut evidence: Vec<String>,
    statement: &Statement,
    token: &Token<'_>,
    exchange: &Exchange,
) -> Verdict {
    let explanation = explain::sentence(&finding);
    for said in &statement.said {
        evidence.push(said.quote.sentence(said.by));
    }
    let unspecific = statement.unspecific.as_ref();
    evidence.extend(unspecific.map(|(quote, by)| quote.sentence(*by)));
    let elsewhere = statement.elsewhere.as_ref();
    evidence.extend(elsewhere.map(|quote| quote.sentence(By::Hint)));
    evidence.extend(finding.decisive);
    evidence.extend(token.findings.iter().map(|finding| finding.clause.clone()));
    evidence.extend(caveats(statement, token, exchange));
    let mut seen = Vec::with_capacity(evidence.len());
    evidence.retain(|sentence| {
        let is_new = !seen.contains(sentence);
        seen.push(sentence.clone());
        is_new
    });
    Verdict {
        outcome,
        cause: Some(finding.cause),
        certainty: Some(finding.certainty),
        evidence,
        candidates: finding.candidates,
        explanation,
    }
}

/// What limits or colours the conclusion.
fn caveats(statement: &Statement, token: &Token<'_>, exchange: &Exchange) -> Vec<String> {
    let mut caveats = Vec::new();
    if let Some(credential) = token.credential() {
        match &credential.signature {
            Signature::Valid { kid } => {
                let kid = kid.as_deref().unwrap_or("without a kid");
                caveats.push(format!("the signature is that of the issuer's key {kid}"));
            }
            Signature::NotCheckable => {
                caveats.push(
                    "the signature cannot be checked: its algorithm is symmetric or not known here"
                        .to_owned(),
                );
            }
            _ => {}
        }
        if credential.cut {
            caveats.push("the capture cut the credential: its end was not seen".to_owned());
        }
    }
    if matches!(token.presence, Presence::Unknown) {
        caveats.push("the request was not seen, or not all of its head".to_owned());
    }
    if exchange.capture.response_cut {
        caveats.push("the capture cut the head of the answer".to_owned());
    }
    caveats.extend(statement.unread.map(str::to_owned));
    if let Some(ahead) = statement
        .clock_ahead
        .filter(|ahead| ahead.abs() > MAX_CLOCK_DIFFERENCE)
    {
        let way = if ahead > 0 { "ahead of" } else { "behind" };
        caveats.push(format!(
            "the clock of the answering server is {} s {way} ours",
            ahead.abs()
        ));
    }
    caveats
}
