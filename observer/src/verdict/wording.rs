//! What servers that are in no table say, by general wording.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder, bytes};

use super::Cause;

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
    let text = plain(text);
    let text = BOILERPLATE.replace_all(&text, " ");
    let of_token = OF_TOKEN.is_match(&text);
    if EITHER.is_match(&text) {
        let expired = text.contains("expired").then_some(Cause::TokenExpired);
        let missing = text
            .contains("missing")
            .then_some(Cause::CredentialsMissing);
        let malformed = text.contains("malformed").then_some(Cause::TokenMalformed);
        let causes = [missing, expired, malformed].into_iter().flatten();
        let rest = [Cause::InvalidTokenUnspecified];
        return Some(Wording {
            causes: causes.chain(rest).collect(),
            of_token,
        });
    }
    PATTERNS
        .iter()
        .find(|(_, pattern)| pattern.is_match(text.as_bytes()))
        .map(|(cause, _)| Wording {
            causes: vec![*cause],
            of_token,
        })
}

/// Whether a text speaks of a token or what belongs to one.
pub(super) fn is_of_token(text: &str) -> bool {
    OF_TOKEN.is_match(&plain(text))
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

/// Builds the patterns.
pub(super) fn prepare() {
    LazyLock::force(&PATTERNS);
    for pattern in [&BOILERPLATE, &EITHER, &OF_TOKEN] {
        LazyLock::force(pattern);
    }
}

/// In order: time before signature, because "signature has expired" is about the time, and what
/// names a claim before what is general.
static PATTERNS: LazyLock<Vec<(Cause, bytes::Regex)>> = LazyLock::new(|| {
    let table: &[(Cause, &str)] = &[
        (
            Cause::KeysUnavailable,
            r"(jwks|key ?set|signing keys|public keys|verification keys|openid configuration).{0,60}(fail|unavailable|timed? ?out|timeout|unreachable|could not be (fetched|retrieved|loaded))|(fail\w*|unable|could not|cannot|error)[^.]{0,20}(fetch|retriev|load|obtain|get)\w*[^.]{0,20}(jwks|key ?set|signing keys|public keys)",
        ),
        (
            Cause::TokenRevoked,
            r"revoked|black ?listed|block ?listed|deny ?listed|has been invalidated",
        ),
        (
            Cause::TokenIssuedInFuture,
            r"issued (at )?(is )?in (the )?future|\biat\b.{0,60}(future|not yet|ahead)|used before (it was )?issued|issued at future",
        ),
        (
            Cause::TokenNotYetValid,
            r"not (yet )?valid (yet|before|until)|not yet valid|\bnbf\b|not (yet )?active yet|immature|premature|used before (its )?(nbf|not before)|not before\b.{0,30}(future|check|fail)",
        ),
        (
            Cause::TokenExpired,
            r"\bexpired\b|\bexpir(y|ation)\b.{0,40}(passed|past|exceeded)|lifetime validation failed|\bexp\b.{0,40}(fail|past|passed|not satisfied)|no longer valid",
        ),
        (
            Cause::TokenTypeWrong,
            r"(wrong|invalid|unexpected|incorrect) token type|token (type|use) (is )?(invalid|wrong|not)|(refresh|id) token.{0,40}(not allowed|cannot|not accepted|used as)|not an access token|only access tokens",
        ),
        (
            Cause::AudienceMismatch,
            r"\b(audience|aud)\b.{0,80}(invalid|mismatch|not|wrong|unexpected|expected|fail|reject|does ?n.t)|(invalid|wrong|unexpected|bad|incorrect|mismatched|expected|unknown)\b.{0,30}\b(audience|aud)\b|not (intended|meant|issued) for (this|the)",
        ),
        (
            Cause::IssuerMismatch,
            r"\b(issuer|iss)\b.{0,80}(invalid|mismatch|not|wrong|unexpected|expected|fail|reject|unknown|untrusted)|(invalid|wrong|unexpected|bad|incorrect|unknown|untrusted|unrecognized|expected)\b.{0,30}\b(issuer|iss)\b",
        ),
        (
            Cause::KeyNotFound,
            r"(unable|failed|could not|cannot|can.t).{0,20}(find|locate|resolve|match).{0,50}\bkey\b|\b(signing |verification |public |signature )key (was |is )?(not found|unknown|missing)|no (matching|suitable|applicable|valid|such)\b.{0,30}\bkey\b|unknown (kid|key id|signing key)|\b(kid|key id)\b.{0,60}(not found|unknown|no match|not match|not recogni)",
        ),
        (
            Cause::AlgNotAllowed,
            r"\b(alg|algorithm)\b.{0,60}(not allowed|not supported|unsupported|not permitted|mismatch|unexpected|disallowed|is invalid|none)|(unsupported|invalid|unexpected|disallowed|wrong|unknown|insecure)\b.{0,20}\b(alg|algorithm)\b|unsigned (token|jwt)|unsecured jw",
        ),
        (
            Cause::SignatureInvalid,
            r"signature.{0,60}(invalid|mismatch|fail|not (be )?(verified|valid|match)|wrong|bad|incorrect|does ?n.t match|could not)|(invalid|bad|wrong|incorrect|broken) (token |jwt )?signature|(verify|verification).{0,20}signature.{0,20}fail|fail\w* to (verify|validate).{0,30}signature",
        ),
        (
            Cause::ScopeInsufficient,
            r"insufficient scope|scopes?\b.{0,40}(missing|required|insufficient|lack|not granted)|(missing|lack\w*|requires?|required|insufficient)\b.{0,40}\bscopes?\b",
        ),
        (
            Cause::ClaimMissing,
            r"missing.{0,40}\bclaims?\b|\bclaims?\b.{0,60}(missing|required|not present|not found|absent)",
        ),
        (
            Cause::HeaderMalformed,
            r"(authorization|auth) header.{0,50}(malformed|invalid|format|must (start|be)|bad)|(malformed|invalid|bad|unrecogni[sz]ed|multiple).{0,20}(authorization|auth) headers?|bad authorization header|must (start|begin) with.{0,5}bearer|(invalid|wrong|unsupported|unknown).{0,20}(authentication|auth|authorization) scheme",
        ),
        (
            Cause::CredentialsMissing,
            r"(missing|absent|lacks?)\b.{0,40}(token|jwt|credentials?|authorization|authentication)|\b(no|without)\b.{0,20}(token|jwt|credentials?|authorization header|authentication)\b|(token|jwt|credentials?|authorization( header)?|authentication)\b.{0,30}(is |was |were |not )(missing|required|provided|present|supplied|found|absent|included)|token (is )?(required|needed)",
        ),
        (
            Cause::TokenMalformed,
            r"malformed|not well ?formed|(could not|cannot|can.t|unable to|failed to|fail to|error) (be )?(pars|decod|deserial)|(could|can) ?not be (parsed|decoded)|(invalid|bad|wrong) (token |jwt )?(format|structure|encoding|segments?|number of segments)|not a (valid )?(jwt|jws|json web token)|number of segments|not enough segments|(invalid|bad) (base64|padding)",
        ),
        (
            Cause::TokenInactive,
            r"(token|credential).{0,20}((not|n.t) active|inactive)|inactive (token|credential)",
        ),
        (
            Cause::PermissionDenied,
            r"permission|access (is |was )?denied|(not|un) ?authorized to|not allowed to|privilege|(required|missing|lacks?).{0,20}\broles?\b|\broles?\b.{0,30}(required|missing|does not)|polic(y|ies).{0,40}(den|forbid|reject)|forbidden for",
        ),
        (
            Cause::InvalidTokenUnspecified,
            r"(invalid|bad|unacceptable|unknown|unrecogni[sz]ed) (access |bearer |auth |authentication |security )?(token|jwt|credentials?)|(token|jwt|credentials?)( provided)? (is |are |was |were )?(invalid|not valid|rejected|not accepted|unacceptable|not recogni)|(could not|cannot|failed to|unable to) (validate|verify|authenticate).{0,30}(token|jwt|credentials?)|(token|jwt) (validation|verification) failed",
        ),
    ];
    table
        .iter()
        .map(|(cause, text)| (*cause, distances(text)))
        .collect()
});

/// What servers put on every 401 and 403, whatever the cause: the default pages of nginx, Apache,
/// Tomcat, IIS, Werkzeug and Spring.
static BOILERPLATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(full )?(authorization|authentication|login|auth) (is )?(required|needed)( to access this resource)?|not authenticated|must (authenticate|be authenticated|log ?in)|lacks valid authentication credentials|could not verify that you are authorized to access|refuses to authorize it|access is denied due to invalid credentials",
    )
});

/// "invalid or expired", "missing or malformed": it leaves open which.
static EITHER: LazyLock<Regex> = LazyLock::new(|| {
    let state = "(expired|invalid|malformed|missing|revoked|inactive|not valid|incorrect|used)";
    pattern(&format!(
        r"\b{state},? (or|and/or|/)( has| is| been| already)* {state}\b|\b{state}/{state}\b"
    ))
});

static OF_TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(tokens?|jwts?|jws|jwe|jwks|bearer|credentials?|signature|claims?|audience|issuer|authorization|kid|scopes?)\b|\baccess ?token|token",
    )
});

/// Compiles a pattern of this file, which a test does before any user. The classes of Unicode would make it
/// ten times larger, and its words are English.
fn pattern(text: &str) -> Regex {
    RegexBuilder::new(text)
        .unicode(false)
        .build()
        .expect("the patterns of this file are regular expressions")
}

/// The same for patterns with distances between words, which are in bytes.
fn distances(text: &str) -> bytes::Regex {
    bytes::RegexBuilder::new(text)
        .unicode(false)
        .build()
        .expect("the patterns of this file are regular expressions")
}

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
        assert_eq!(read("order 4711 not found"), None);
        assert!(!read("Your session expired").unwrap().of_token);
    }

    #[test]
    fn every_pattern_is_a_regular_expression() {
        assert_eq!(PATTERNS.len(), 19);
        assert!(EITHER.is_match("invalid or expired"));
        assert!(OF_TOKEN.is_match("the token"));
        assert!(BOILERPLATE.is_match("authorization required"));
    }
}
