//! Whether what observer says of an exchange is right, by how its token was made and by what the server
//! said, as a person read it.

use crate::answers::States;
use crate::catalogue::{Algorithm, Validator};
use crate::observe::Given;
use crate::requests::{Request, Shows};

/// What observer is given besides the traffic.
#[derive(Clone, Copy, Debug)]
pub struct Knows {
    /// The issuer's public keys.
    pub keys: bool,
    /// What each service takes.
    pub expectation: bool,
}

/// One exchange and all that is known of it.
pub struct Facts<'a> {
    pub validator: &'static Validator,
    pub request: &'static Request,
    /// The status of the answer.
    pub status: u16,
    pub states: &'a States,
    /// The server says what is not so, and it is known why.
    pub misstates: bool,
    pub given: &'a Given,
}

/// How a cell stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The request was let in, and observer says so.
    Accepted,
    /// Token or server give the cause away, and observer names it.
    Right,
    /// Neither does, and observer names it or says honestly what it may be.
    Honest,
    /// Token or server give it away, and observer does not name it.
    Missed(String),
    /// Neither does, and what observer says leads elsewhere.
    Misled(String),
    /// Observer is certain of what is not so.
    False(String),
}

impl Standing {
    /// Whether token or server gave the cause away.
    pub fn was_given_away(&self) -> bool {
        matches!(self, Self::Right | Self::Missed(_) | Self::False(_))
    }

    /// What is wrong with it.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Accepted | Self::Right | Self::Honest => None,
            Self::Missed(why) | Self::Misled(why) | Self::False(why) => Some(why),
        }
    }
}

/// Judges a cell.
///
/// # Errors
/// When the lab is at fault: a good request was refused, or the server says what is not so and nobody has
/// written why.
pub fn judge(facts: &Facts<'_>, knows: Knows) -> Result<Standing, String> {
    let Facts { given, .. } = facts;
    let truth = facts.request.truth_for(facts.validator);
    if (200..=299).contains(&facts.status) {
        let is_so = given.outcome == "accepted" && given.cause.is_empty();
        let why = || format!("it was let in, and observer says {}", told(given));
        return Ok(if is_so {
            Standing::Accepted
        } else {
            Standing::False(why())
        });
    }
    if truth.is_empty() {
        return Err("it was refused and nothing is wrong with it".to_owned());
    }
    let is_true = |cause: &str| truth.contains(&cause);
    let is_symptom = |cause: &str| facts.request.symptoms.contains(&cause);
    let stated: &[String] = match facts.states {
        States::Causes(causes) => causes,
        States::Refusal | States::Elsewhere => &[],
    };
    let is_misstated = !stated.is_empty()
        && !stated
            .iter()
            .any(|cause| is_true(cause) || is_symptom(cause));
    if is_misstated && !facts.misstates {
        return Err(format!(
            "the server states {stated:?}, which is not so, and nobody wrote why"
        ));
    }
    let cause = given.cause.as_str();
    let is_stated = stated.iter().any(|one| one == cause);
    // "Invalid token" to whoever has none leads away from what the request shows.
    let is_misled = facts.misstates && stated.is_empty();
    let shown = shows(facts, knows) && !is_misled;
    // What a server says of a token that shows more itself is not the whole truth.
    let is_right = is_true(cause) || (is_stated && (!shown || is_misstated));
    let is_false = match given.certainty.as_str() {
        "proven" => !is_true(cause) && !is_symptom(cause),
        "stated" => !is_true(cause) && !is_symptom(cause) && !is_stated,
        _ => false,
    };
    let says = format!("observer says {}", told(given));
    if is_false {
        return Ok(Standing::False(says));
    }
    if given.certainty == "conflict" && is_true(cause) {
        return Ok(Standing::Missed(format!("{says}, and there is none")));
    }
    // A crash of the server, say: without a word about it, nobody knows that the credential is why.
    let is_elsewhere = *facts.states == States::Elsewhere;
    if is_elsewhere && matches!(given.outcome.as_str(), "undetermined" | "unanswered") {
        return Ok(Standing::Honest);
    }
    if (shown && !is_elsewhere) || !stated.is_empty() {
        return Ok(if is_right {
            Standing::Right
        } else {
            Standing::Missed(says)
        });
    }
    let may_be = given.candidates.iter().any(|one| is_true(one));
    let is_near = truth
        .iter()
        .any(|one| family(one).is_some() && family(one) == family(cause));
    Ok(if is_right || may_be || is_near {
        Standing::Honest
    } else {
        Standing::Misled(says)
    })
}

/// Whether the request shows one defect, and not two, to someone who knows this.
fn shows(facts: &Facts<'_>, knows: Knows) -> bool {
    let to_us = |shows| match shows {
        Shows::All => true,
        Shows::Keys => knows.keys && facts.validator.algorithm != Algorithm::Hs256,
        Shows::Expectation => knows.expectation,
        Shows::None => false,
    };
    to_us(facts.request.shows) && !to_us(facts.request.shows_another)
}

/// The family of a cause, by their list in docs/causes.md. What says nothing is in none.
fn family(cause: &str) -> Option<u8> {
    Some(match cause {
        "credentials_missing"
        | "header_malformed"
        | "token_malformed"
        | "token_truncated"
        | "token_too_large" => 0,
        "alg_not_allowed" | "key_not_found" | "signature_invalid" | "keys_unavailable" => 1,
        "token_expired" | "token_not_yet_valid" | "token_issued_in_future" | "token_too_old" => 2,
        "issuer_mismatch" | "audience_mismatch" | "claim_missing" | "claim_malformed"
        | "claim_invalid" | "token_type_wrong" => 3,
        "token_revoked" | "token_inactive" | "session_ended" => 4,
        "scope_insufficient" | "permission_denied" => 5,
        _ => return None,
    })
}

/// What observer says, in short.
fn told(given: &Given) -> String {
    let Given {
        outcome,
        cause,
        certainty,
        candidates,
        ..
    } = given;
    match (cause.as_str(), candidates.as_slice()) {
        ("", _) => outcome.clone(),
        (cause, []) => format!("{cause} ({certainty})"),
        (cause, all) => format!("{cause} ({certainty}; or {})", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::VALIDATORS;
    use crate::requests::REQUESTS;

    const KNOWS: Knows = Knows {
        keys: true,
        expectation: false,
    };

    fn given(cause: &str, certainty: &str, candidates: &[&str]) -> Given {
        Given {
            outcome: "rejected".to_owned(),
            cause: cause.to_owned(),
            certainty: certainty.to_owned(),
            candidates: candidates.iter().map(|one| (*one).to_owned()).collect(),
            explanation: String::new(),
        }
    }

    fn standing(request: &str, states: &[&str], given: &Given) -> Result<Standing, String> {
        let request = REQUESTS.iter().find(|one| one.id == request);
        let validator = VALIDATORS.iter().find(|one| one.name == "jose");
        let states = match states {
            [] => States::Refusal,
            causes => States::Causes(causes.iter().map(|one| (*one).to_owned()).collect()),
        };
        let (Some(request), Some(validator)) = (request, validator) else {
            return Err("there is no such request".to_owned());
        };
        let facts = Facts {
            validator,
            request,
            status: 401,
            states: &states,
            misstates: false,
            given,
        };
        judge(&facts, KNOWS)
    }

    #[test]
    fn what_is_given_away_must_be_named() {
        let named = given("token_expired", "proven", &[]);
        assert_eq!(standing("expired", &[], &named), Ok(Standing::Right));
        let set = given("rejected_unspecified", "candidates", &["token_expired"]);
        assert!(matches!(
            standing("expired", &[], &set),
            Ok(Standing::Missed(_))
        ));
        assert_eq!(standing("expired-outside", &[], &set), Ok(Standing::Honest));
        let other = given("rejected_unspecified", "candidates", &["token_revoked"]);
        assert!(matches!(
            standing("audience", &[], &other),
            Ok(Standing::Misled(_))
        ));
        let stated = &["audience_mismatch"];
        assert!(matches!(
            standing("audience", stated, &other),
            Ok(Standing::Missed(_))
        ));
    }

    #[test]
    fn nobody_may_be_certain_of_what_is_not_so() {
        let given = |certainty| given("issuer_mismatch", certainty, &["audience_mismatch"]);
        for certainty in ["proven", "stated"] {
            let cell = standing("audience", &["audience_mismatch"], &given(certainty));
            assert!(matches!(cell, Ok(Standing::False(_))), "{certainty}");
        }
        let accepted = standing("good", &[], &given("stated"));
        assert!(accepted.is_err(), "a good request was refused");
    }

    #[test]
    fn a_conflict_where_there_is_none_is_not_right() {
        let conflict = given("token_expired", "conflict", &[]);
        let cell = standing("expired", &["token_expired"], &conflict);
        assert!(matches!(cell, Ok(Standing::Missed(_))));
    }

    #[test]
    fn what_is_not_so_must_have_been_written_down() {
        let echo = given("issuer_mismatch", "stated", &[]);
        assert!(standing("expired", &["issuer_mismatch"], &echo).is_err());
    }

    #[test]
    fn the_symptom_of_a_cut_token_is_not_why() {
        let symptom = given("signature_invalid", "stated", &[]);
        let cell = standing("cut-signature", &["signature_invalid"], &symptom);
        assert!(matches!(cell, Ok(Standing::Missed(_))));
    }
}
