//! What servers that are in no table say, by general wording.
//!
//! A text is taken apart into words, and each word stands for one thing or several: a token, an audience,
//! that something is missing, that it is not. What a text says follows from which of these stand near each
//! other in a sentence; so the order of words and what is between them may be anybody's.

mod says;
mod sentences;
mod vocabulary;

use super::Cause;
use sentences::{Sentences, Word};
use vocabulary::*;

/// How many characters of a text are read: who explains an error does so at its start.
const MAX_READ: usize = 600;

/// What a text seems to say.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Wording {
    /// The causes that fit, most likely first. More than one: the text itself leaves it open.
    pub(super) causes: Vec<Cause>,
    /// It speaks of a token, so that it is hardly about something else.
    pub(super) of_token: bool,
}

/// Reads a text. `None`: it says nothing that is known here.
pub(super) fn read(text: &str) -> Option<Wording> {
    let plain = without_boilerplate(plain(text));
    let text = Sentences::of(&plain);
    let of_token = text.is_of_token();
    let causes = match text.leaves_open() {
        Some(causes) => causes,
        None => vec![text.cause()?],
    };
    Some(Wording { causes, of_token })
}

/// Whether a text speaks of a token or what belongs to one.
pub(super) fn is_of_token(text: &str) -> bool {
    Sentences::of(&plain(text)).is_of_token()
}

/// Small letters, with words of identifiers taken apart: `TokenExpiredError`, `jwt_expired`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut characters = text.chars().take(MAX_READ).peekable();
    while let Some(character) = characters.next() {
        let ends_capitals =
            before.is_uppercase() && characters.peek().is_some_and(|next| next.is_lowercase());
        if character.is_uppercase()
            && (before.is_lowercase() || before.is_ascii_digit() || ends_capitals)
        {
            out.push(' ');
        }
        match character {
            '_' | '-' | '\n' | '\r' | '\t' => out.push(' '),
            other => out.extend(other.to_lowercase()),
        }
        before = character;
    }
    out
}

/// What servers put on every 401 and 403, whatever the cause: the default pages of Tomcat, IIS, Werkzeug and
/// Apache.
const BOILERPLATE: &[&str] = &[
    "lacks valid authentication credentials",
    "access is denied due to invalid credentials",
    "could not verify that you are authorized to access",
    "credentials (e.g., bad password)",
    "how to supply the credentials required",
];

fn without_boilerplate(mut plain: String) -> String {
    for phrase in BOILERPLATE {
        if plain.contains(phrase) {
            plain = plain.replace(phrase, " ");
        }
    }
    plain
}

impl Sentences {
    fn is_of_token(&self) -> bool {
        const OWN: Set =
            TOKEN | AUDIENCE | ISSUER | SIGNATURE | CLAIM | SCOPE | CARRIER | AUTHORIZATION;
        self.has(STRONG | KEYS) || (self.has(OWN) && !self.has(FOREIGN))
    }

    /// "invalid or expired", "missing/malformed": the causes of a text that leaves open which.
    fn leaves_open(&self) -> Option<Vec<Cause>> {
        const STATES: Set = EXPIRED | STATE | MALFORMED | MISSING | REVOKED | INACTIVE;
        const REACH: usize = 5;
        let mut choices = self.words.iter().enumerate();
        let states = choices.find_map(|(at, choice)| {
            if choice.is & OR == 0 {
                return None;
            }
            let of = |words: &[Word]| {
                let words = words.iter().filter(|word| word.sentence == choice.sentence);
                words.fold(0, |all, word| all | word.is) & STATES
            };
            let left = of(self.words.get(at.saturating_sub(REACH)..at)?);
            let behind = self.words.len().min(at + 1 + REACH);
            let right = of(self.words.get(at + 1..behind)?);
            let states = left | right;
            (left != 0 && right != 0 && states.count_ones() > 1).then_some(states)
        })?;
        let known = [
            (MISSING, Cause::CredentialsMissing),
            (EXPIRED, Cause::TokenExpired),
            (MALFORMED, Cause::TokenMalformed),
        ];
        let known = known.into_iter().filter(|(state, _)| states & state != 0);
        let causes = known.map(|(_, cause)| cause);
        Some(causes.chain([Cause::InvalidTokenUnspecified]).collect())
    }

    /// In order: time before signature, because "signature has expired" is about the time, and what names a
    /// claim before what is general.
    fn cause(&self) -> Option<Cause> {
        let rules: [(Cause, Says); 40] = [
            (Cause::CsrfFailed, Self::csrf),
            (Cause::OtherCredentialMissing, Self::api_key_missing),
            (Cause::OtherCredentialInvalid, Self::api_key_invalid),
            (Cause::KeysUnavailable, Self::keys_unavailable),
            (Cause::ValidatorError, |text| text.near(AUTH, GONE, 4)),
            (Cause::AuthLevelInsufficient, Self::level),
            (Cause::DpopProofMissing, Self::proof_missing),
            (Cause::DpopProofInvalid, Self::proof_invalid),
            (Cause::CertBindingMismatch, Self::certificate),
            (Cause::RefreshTokenReused, Self::reused),
            (Cause::TokenReplayed, Self::replayed),
            (Cause::SessionEnded, Self::session),
            (Cause::PrincipalDisabled, Self::disabled),
            (Cause::TokenRevoked, |text| text.has(REVOKED)),
            (Cause::ClaimMalformed, Self::claim_malformed),
            (Cause::ClaimMissing, Self::claim_missing),
            (Cause::TokenIssuedInFuture, Self::issued_in_future),
            (Cause::LifetimeTooLong, Self::too_long),
            (Cause::TokenTooOld, Self::too_old),
            (Cause::TokenInactive, Self::inactive),
            (Cause::TokenNotYetValid, Self::not_yet_valid),
            (Cause::TokenExpired, Self::expired),
            (Cause::TokenTypeWrong, Self::type_wrong),
            (Cause::AudienceMismatch, Self::audience),
            (Cause::WrongTenant, Self::tenant),
            (Cause::IssuerMismatch, Self::issuer),
            (Cause::KeyNotFound, Self::key_not_found),
            (Cause::AlgNotAllowed, Self::algorithm),
            (Cause::SignatureInvalid, Self::signature),
            (Cause::DecryptionFailed, Self::decryption),
            (Cause::ScopeInsufficient, Self::scope),
            (Cause::HeaderMalformed, Self::header_malformed),
            (Cause::CredentialsMissing, Self::missing),
            (Cause::TokenMalformed, Self::malformed),
            (Cause::PermissionDenied, Self::permission),
            (Cause::PrincipalUnknown, Self::nobody),
            (Cause::ClientAuthFailed, |text| {
                text.near(CLIENTSECRET, says::NEG | MISSING, 4)
            }),
            (Cause::LoginFailed, Self::login),
            (Cause::ClaimInvalid, |text| {
                text.near(CLAIM | NAME, says::NEG, 4)
            }),
            (Cause::InvalidTokenUnspecified, Self::invalid),
        ];
        let mut rules = rules.into_iter();
        rules.find(|(_, says)| says(self)).map(|(cause, _)| cause)
    }
}

/// Whether a text says something.
type Says = fn(&Sentences) -> bool;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_general_wording() {
        use Cause::*;
        for (text, cause) in [
            ("TokenExpiredError", TokenExpired),
            ("jwt_expired", TokenExpired),
            ("JWTExpired", TokenExpired),
            ("the token isn't active", TokenInactive),
            ("Your access token has expired, log in again", TokenExpired),
            ("Signature has expired", TokenExpired),
            ("The token is not yet valid", TokenNotYetValid),
            ("Token was issued in the future", TokenIssuedInFuture),
            ("unexpected audience: got billing", AudienceMismatch),
            ("aud claim mismatch", AudienceMismatch),
            ("Issuer https://a is not trusted", IssuerMismatch),
            ("signature verification failed", SignatureInvalid),
            ("bad signature", SignatureInvalid),
            ("no matching key for kid k1", KeyNotFound),
            ("failed to fetch JWKS", KeysUnavailable),
            ("unsupported algorithm none", AlgNotAllowed),
            ("malformed token", TokenMalformed),
            ("could not decode token", TokenMalformed),
            ("token has been revoked", TokenRevoked),
            ("Missing bearer token", CredentialsMissing),
            ("no token provided", CredentialsMissing),
            (
                "authorization header must start with Bearer",
                HeaderMalformed,
            ),
            (
                "Authorization header is not a Bearer token",
                HeaderMalformed,
            ),
            ("requires scope orders:write", ScopeInsufficient),
            ("missing claim sub", ClaimMissing),
            ("refresh token cannot be used here", TokenTypeWrong),
            ("You do not have the permission", PermissionDenied),
            ("invalid token", InvalidTokenUnspecified),
            ("Could not validate credentials", InvalidTokenUnspecified),
        ] {
            let read = read(text);
            assert_eq!(
                read.map(|wording| wording.causes),
                Some(vec![cause]),
                "{text}"
            );
        }
    }

    #[test]
    fn what_leaves_it_open_stays_open() {
        for text in [
            "invalid or expired token",
            "Token is expired or invalid",
            "The token is expired, or revoked",
        ] {
            let causes = read(text).unwrap().causes;
            assert_eq!(
                causes,
                [Cause::TokenExpired, Cause::InvalidTokenUnspecified],
                "{text}"
            );
        }
        for text in [
            "Unauthorized",
            "401 Authorization Required nginx/1.26.3",
            "Full authentication is required to access this resource",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let apache = "Either you supplied the wrong credentials (e.g., bad password), or your browser \
                      doesn't understand how to supply the credentials required.";
        assert_eq!(read(apache), None);
        assert_eq!(read("The token lacks reports:read"), None);
        assert_eq!(read("order 4711 not found"), None);
        assert!(!read("Your session expired").unwrap().of_token);
    }
}
