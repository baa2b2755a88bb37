//! Judges, and remembers what was concluded of the same.
//!
//! A client that is refused tries again, and gets the same answer again. What a verdict rests on is
//! [`Sight`]; as long as all of that is the same, the verdict is.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use lru::LruCache;

use super::clock::Clock;
use super::outcome;
use super::repeated::Repeated;
use super::statement::{self, Statement};
use super::token::{Distance, Presence, Shown, Times};
use super::validator::{self, Sign};
use super::{Expectation, Sight, Verdict, Words, unanswered};
use crate::credential::Credential;
use crate::digest::DigestKey;
use crate::exchange::{Exchange, Field, Response};
use crate::keys::Testimony;

/// How many verdicts are remembered; most take less than 1 KiB, and none more than 16.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");
/// How many answers are remembered as they were understood; most take less than 2 KiB, and none more
/// than 40.
const STATEMENTS: NonZeroUsize = NonZeroUsize::new(128).expect("it is not zero");

/// Judges like [`super::judge`], each distinct case once.
pub struct Judge {
    key: DigestKey,
    known: LruCache<Box<[u64]>, Known>,
    /// What answers say, where the secret of the request cannot be in it as plain words.
    statements: LruCache<Box<[u64]>, Statement>,
    /// Of the latest answer: others share its fields.
    fields: Fields,
    /// What the present case rests on.
    case: Vec<u64>,
    clock: Clock,
    words: Words,
}

/// What a verdict may read of the fields of an answer.
#[derive(Default)]
struct Fields {
    /// Which fields.
    of: Option<Arc<[(Field, String)]>>,
    /// Whether those of a body matter, and whether those of a redirect do.
    by: (bool, bool),
    words: Vec<u64>,
    /// What they say of who checked, where somebody asked.
    sign: Option<Option<&'static Sign>>,
}

struct Known {
    verdict: Arc<Verdict>,
    /// Their addresses are part of the key: no others may come to lie there.
    _credentials: (Option<Arc<Credential>>, Vec<Arc<Credential>>),
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            key: DigestKey::default(),
            known: LruCache::new(REMEMBERED),
            statements: LruCache::sparse(STATEMENTS),
            fields: Fields::default(),
            case: Vec::new(),
            clock: Clock::default(),
            words: Words::default(),
        }
    }
}

impl Judge {
    /// One that has seen nothing, and understands answers by these words.
    pub fn understanding(words: Words) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    /// From here on answers are understood by these words. What was concluded by others is forgotten.
    pub fn understand(&mut self, words: Words) {
        if self.words != words {
            self.words = words;
            self.known.clear();
            self.statements.clear();
            self.fields = Fields::default();
        }
    }

    /// How many verdicts are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.known.len()
    }

    /// Judges an exchange.
    pub fn judge(&mut self, exchange: &Exchange, expected: Option<&Expectation>) -> Arc<Verdict> {
        self.judge_knowing(exchange, expected, None)
    }

    /// Judges an exchange, with what key sets that were seen on the wire say of its signature.
    pub fn judge_knowing(
        &mut self,
        exchange: &Exchange,
        expected: Option<&Expectation>,
        learned: Option<&Testimony>,
    ) -> Arc<Verdict> {
        static UNANSWERED: LazyLock<Arc<Verdict>> = LazyLock::new(|| Arc::new(unanswered()));
        let Some(response) = &exchange.response else {
            return Arc::clone(&UNANSWERED);
        };
        let presence = Presence::of(exchange);
        let with_body = outcome::may_explain(response, presence);
        self.case.clear();
        self.case.extend(
            self.fields
                .read(response, with_body, &self.key, &self.words),
        );
        if with_body {
            self.case.push(u64::MAX);
            self.case
                .extend(self.key.of(response.excerpt.bytes()).words());
        }
        let says_nothing = self.case.is_empty();
        self.case.push(u64::from(response.status));
        // Nearly all answers that let a request in say nothing of it.
        let personal = !(says_nothing && outcome::lets_in(response.status));
        let said = self.case.len();
        let sight = Sight {
            exchange,
            response,
            shown: match personal {
                true => Shown::look(exchange),
                false => Shown::default(),
            },
            with_body,
            clock_ahead: match personal {
                true => self.clock.ahead(response),
                false => None,
            },
            expected,
            learned,
            sign: match personal {
                true => self.fields.sign(response),
                false => None,
            },
        };
        if personal {
            sight.rest_on(&self.key, &mut self.case);
        }
        // What a form had is not part of the case, and few requests have one.
        let request = exchange.request.as_ref();
        let is_alone =
            !exchange.has_secrets() && request.is_none_or(|request| request.left_out.is_empty());
        if let Some(known) = self.known.get(self.case.as_slice()).filter(|_| is_alone) {
            return Arc::clone(&known.verdict);
        }
        let repeated = Repeated::by(exchange);
        let (verdict, sized) = if repeated.is_nothing() {
            let said = self.case.get(..said).unwrap_or_default();
            let read = || Statement::read(response, with_body, Repeated::default(), &self.words);
            let statement = match self.statements.get(said) {
                Some(statement) => statement,
                None => self.statements.get_or_insert(said.into(), read),
            };
            sight.conclude(statement)
        } else {
            sight.conclude(&Statement::read(response, with_body, repeated, &self.words))
        };
        let verdict = Arc::new(verdict);
        // Sizes differ from request to request, and few verdicts rest on them.
        if !sized && is_alone {
            let request = request.filter(|_| personal);
            let known = Known {
                verdict: Arc::clone(&verdict),
                _credentials: request
                    .map(|request| (request.credential.clone(), request.others.clone()))
                    .unwrap_or_default(),
            };
            self.known.put(self.case.as_slice().into(), known);
        }
        verdict
    }
}

impl Fields {
    /// Puts together all that a verdict may read of the fields of an answer. Nothing where there is nothing
    /// to read.
    fn read(
        &mut self,
        response: &Response,
        with_body: bool,
        key: &DigestKey,
        words: &Words,
    ) -> &[u64] {
        let is_redirect = (300..=399).contains(&response.status);
        let by = (with_body, is_redirect);
        let is_same = |of: &Arc<_>| Arc::ptr_eq(of, &response.fields);
        if self.by == by && self.of.as_ref().is_some_and(is_same) {
            return &self.words;
        }
        self.words.clear();
        for (field, value) in response.fields.iter() {
            let matters = match field {
                Field::ContentEncoding => with_body,
                Field::Location => is_redirect,
                other => statement::is_read(*other, value, words),
            };
            if matters {
                self.words.push(*field as u64);
                self.words.extend(key.of(value.as_bytes()).words());
            }
        }
        (self.of, self.by) = (Some(Arc::clone(&response.fields)), by);
        self.sign = None;
        &self.words
    }

    /// What the fields that were read last say of who checked.
    fn sign(&mut self, response: &Response) -> Option<&'static Sign> {
        *self
            .sign
            .get_or_insert_with(|| validator::of_fields(response))
    }
}

impl Sight<'_> {
    /// Adds everything else that makes a difference, but for sizes.
    fn rest_on(&self, key: &DigestKey, case: &mut Vec<u64>) {
        let request = self.exchange.request.as_ref();
        let bits = [
            request.is_some(),
            request.is_some_and(|request| request.preflight),
            outcome::is_of_issuer(request),
            self.exchange.capture.response_cut,
        ];
        let bits = bits.into_iter();
        case.push(bits.fold(0, |bits, bit| bits << 1 | u64::from(bit)));
        case.push(match self.shown.presence {
            Presence::Absent => 0,
            Presence::Unknown => 1,
            // No credential lies at 0 or 1.
            Presence::Present(credential) => std::ptr::from_ref(credential).addr() as u64,
        });
        // What an answer repeats of them is hidden, and that they differ is said.
        for other in request.map_or(&[][..], |request| &request.others) {
            case.push(Arc::as_ptr(other).addr() as u64);
        }
        let Times {
            expires,
            not_before,
            issued,
        } = self.shown.times;
        for distance in [expires, not_before, issued] {
            case.push(distance.map_or(u64::MAX, Distance::number));
        }
        case.push(self.clock_ahead.unwrap_or_default().cast_unsigned());
        case.push(self.sign.map_or(0, Sign::number));
        if let Some(learned) = self.learned {
            case.extend(key.of(learned.clause.as_bytes()).words());
        }
        if let Some(Expectation { issuer, audience }) = self.expected {
            for list in [issuer, audience] {
                case.push(list.len() as u64);
                for one in list {
                    case.extend(key.of(one.as_bytes()).words());
                }
            }
        }
    }
}
