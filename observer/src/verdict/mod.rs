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
mod clock;
mod combine;
mod examine;
mod explain;
mod judge;
mod lint;
mod outcome;
mod repeated;
mod rules;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod validator;
mod wording;

pub(crate) use cause::ids;
pub use cause::{Cause, Certainty, Outcome};
pub use examine::{Problem, examine};
pub use judge::Judge;
pub use lint::{Lint, Linted, lints};
pub use rules::{MAX_FILE, MAX_ROWS, Words, WordsError};
pub use validator::{Recognised, RecognisedBy};

use crate::credential::Signature;
use crate::exchange::{Exchange, Response};
use crate::keys::Testimony;
use clock::Clock;
use combine::{Finding, combine};
use outcome::Ruling;
use repeated::Repeated;
use statement::{By, Statement};
use token::{Presence, Shown, Token};
use validator::{Checker, Sign};

/// Builds the tables of words, which takes longer than thousands of verdicts: otherwise the first
/// rejection would wait for it, and all behind it.
pub fn prepare() {
    rules::prepare();
}

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
    /// Who checked the token, as far as the answer gives it away. Only where it was rejected.
    pub validator: Option<Recognised>,
    /// One sentence for a person.
    pub explanation: String,
}

impl Verdict {
    /// The same, with what is known of the clock of whoever gave it: "240 s ahead of ours".
    pub(crate) fn quoting_clock(&self, clock: &str) -> Self {
        let mut verdict = self.clone();
        let of_date = "the clock of the answering server is ";
        verdict.evidence.retain(|one| !one.starts_with(of_date));
        verdict.evidence.push(format!("{of_date}{clock}"));
        verdict
    }
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

/// Judges an exchange. A [`Judge`] does the same, and remembers.
pub fn judge(exchange: &Exchange, expected: Option<&Expectation>) -> Verdict {
    let Some(response) = &exchange.response else {
        return unanswered();
    };
    let shown = Shown::look(exchange);
    let sight = Sight {
        exchange,
        response,
        shown,
        with_body: outcome::may_explain(response, shown.presence),
        clock_ahead: Clock::default().ahead(response),
        expected,
        learned: None,
        sign: validator::of_fields(response),
    };
    let repeated = Repeated::by(exchange);
    let statement = Statement::read(response, sight.with_body, repeated, &Words::default());
    sight.conclude(&statement).0
}

fn unanswered() -> Verdict {
    Verdict {
        outcome: Outcome::Unanswered,
        explanation: "No answer was seen.".to_owned(),
        ..plain()
    }
}

/// What a verdict rests on, before anything of it is weighed.
struct Sight<'a> {
    /// Of it: the credential, whether it was a preflight, what was cut, and sizes.
    exchange: &'a Exchange,
    /// Of it: the status, the fields that are read, and the body where that is read.
    response: &'a Response,
    shown: Shown<'a>,
    /// Whether the body may be about the credential.
    with_body: bool,
    /// How many seconds the clock of the answer is ahead of ours, where that is worth a word.
    clock_ahead: Option<i64>,
    expected: Option<&'a Expectation>,
    /// What key sets that were seen on the wire say of the signature.
    learned: Option<&'a Testimony>,
    /// What the fields of the answer say of who checked.
    sign: Option<&'static Sign>,
}

impl Sight<'_> {
    /// The verdict, and whether it may rest on the sizes of the request.
    fn conclude(&self, statement: &Statement) -> (Verdict, bool) {
        let checker = Checker::of(
            &statement.speakers,
            &statement.challenges,
            self.sign,
            statement.page,
        );
        let leeway = checker.leeway();
        let mut token = Token::of(self.shown, "the request", self.expected, leeway);
        if let Some(learned) = self.learned {
            token.hear(learned);
        }
        let sized = self.response.status == 431 || statement.names(Cause::TokenTooLarge);
        (self.weigh(statement, &token, &checker), sized)
    }

    fn weigh(&self, statement: &Statement, token: &Token<'_>, checker: &Checker) -> Verdict {
        let Self {
            exchange, response, ..
        } = self;
        let status = format!("the answer was {}", response.status);
        match outcome::rule(exchange, response, statement, token) {
            Ruling::Plain(outcome, why) => Verdict {
                outcome,
                explanation: format!("The answer was {}: {why}.", response.status),
                evidence: vec![status],
                ..plain()
            },
            Ruling::Step(cause, clause) => step(cause, vec![status], clause),
            Ruling::Login(clause) if token.credential().is_none() => {
                step(Cause::NotAFailure, vec![status], clause)
            }
            Ruling::Login(clause) => {
                let evidence = vec![status, clause];
                self.rejected(Outcome::Challenged, evidence, statement, token, checker)
            }
            Ruling::Rejected => {
                self.rejected(Outcome::Rejected, vec![status], statement, token, checker)
            }
        }
    }

    fn rejected(
        &self,
        outcome: Outcome,
        mut evidence: Vec<String>,
        statement: &Statement,
        token: &Token<'_>,
        checker: &Checker,
    ) -> Verdict {
        let status = self.response.status;
        let finding = combine(self.exchange, status, statement, token, checker);
        let explanation = explain::sentence(&finding, token);
        for said in &statement.said {
            evidence.push(said.quote.sentence(&said.by));
        }
        let unspecific = statement.unspecific.as_ref();
        evidence.extend(unspecific.map(|(quote, by)| quote.sentence(by)));
        let elsewhere = statement.elsewhere.as_ref();
        evidence.extend(elsewhere.map(|quote| quote.sentence(&By::Hint)));
        evidence.extend(finding.decisive.clone());
        evidence.extend(token.findings.iter().map(|finding| finding.clause.clone()));
        evidence.extend(self.of_checker(&finding, token, checker));
        evidence.extend(self.caveats(statement, token));
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
            validator: checker.recognised.clone(),
            explanation,
        }
    }

    /// What follows from who checked.
    fn of_checker(&self, finding: &Finding, token: &Token<'_>, checker: &Checker) -> Vec<String> {
        let mut clauses = Vec::new();
        let is_stated = matches!(
            finding.certainty,
            Certainty::Proven | Certainty::Stated | Certainty::Conflict
        );
        if is_stated {
            let signature = token.credential().map(|credential| &credential.signature);
            let before = checker.checks_before(Cause::SignatureInvalid, finding.cause);
            clauses.extend(checker.implies(finding.cause));
            if before && matches!(signature, Some(Signature::Invalid { .. })) {
                clauses.push(
                    "our keys say that the signature is not valid: the service has others, or does \
                     not check it"
                        .to_owned(),
                );
            }
        }
        if token.times != self.shown.times
            && let Some((name, leeway)) = checker.name().zip(checker.leeway())
        {
            let seconds = leeway.expires;
            clauses.push(format!(
                "{name} lets a token live {seconds} s longer than exp by default"
            ));
        }
        clauses
    }

    /// What limits or colours the conclusion.
    fn caveats(&self, statement: &Statement, token: &Token<'_>) -> Vec<String> {
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
            if let Some(learned) = self.learned {
                caveats.push(learned.clause.clone());
            }
            if credential.cut {
                caveats.push("the capture cut the credential: its end was not seen".to_owned());
            }
        }
        if matches!(token.presence, Presence::Unknown) {
            caveats.push(if self.exchange.secrets.is_unseen() {
                "what the request showed may be in its form".to_owned()
            } else if self.exchange.has_secrets() {
                "what the request showed was in its form, which is not judged".to_owned()
            } else {
                "the request was not seen, or not all of its head".to_owned()
            });
        }
        if statement.repeated.is_unknown() {
            caveats.push(
                "the answer is not quoted: it may repeat a secret of the request that was not read"
                    .to_owned(),
            );
        }
        if self.exchange.capture.response_cut {
            caveats.push("the capture cut the head of the answer".to_owned());
        }
        caveats.extend(statement.unread.map(str::to_owned));
        if let Some(ahead) = self.clock_ahead {
            let way = if ahead > 0 { "ahead of" } else { "behind" };
            caveats.push(format!(
                "the clock of the answering server is {} s {way} ours",
                ahead.abs()
            ));
        }
        caveats
    }
}

fn plain() -> Verdict {
    Verdict {
        outcome: Outcome::Undetermined,
        cause: None,
        certainty: None,
        evidence: Vec::new(),
        candidates: Vec::new(),
        validator: None,
        explanation: String::new(),
    }
}

/// A first leg or a redirect to a login: nothing is wrong.
fn step(cause: Cause, mut evidence: Vec<String>, clause: String) -> Verdict {
    let explanation = format!("This is a step of a handshake and no failure: {clause}.");
    evidence.push(clause);
    Verdict {
        outcome: Outcome::Challenged,
        cause: Some(cause),
        certainty: Some(Certainty::Stated),
        evidence,
        explanation,
        ..plain()
    }
}
