//! What a text says, by what stands near what in it: one cause each.

use super::sentences::Sentences;
use super::vocabulary::*;

/// What says that something is not as it should be.
pub(super) const NEG: Set = BAD | NOT | UNKNOWN | FORBIDDEN | OTHER;

impl Sentences {
    pub(super) fn csrf(&self) -> bool {
        self.near(CSRF, NEG | MISSING | LACKS | NEED | EXPIRED | MALFORMED, 5)
    }

    pub(super) fn api_key_missing(&self) -> bool {
        self.near(APIKEY, MISSING | LACKS | NEED, 4)
            || self.follows(NO, APIKEY, 3)
            || (self.near(APIKEY, SENT, 4) && self.follows(ISNT | PLEASE, SENT, 3))
    }

    pub(super) fn api_key_invalid(&self) -> bool {
        self.near(APIKEY, NEG | REVOKED | EXPIRED | DISABLED | MALFORMED, 4)
    }

    pub(super) fn level(&self) -> bool {
        self.near(LEVEL, NEED | PLEASE | MISSING | INSUFFICIENT | NOT | BAD, 5)
    }

    pub(super) fn proof_missing(&self) -> bool {
        self.near(DPOP, MISSING | LACKS | NEED, 4) || self.follows(NO, DPOP, 3)
    }

    pub(super) fn proof_invalid(&self) -> bool {
        self.near(DPOP, NEG | EXPIRED | MALFORMED | REPLAY, 6)
    }

    pub(super) fn certificate(&self) -> bool {
        self.has(CERT) && self.has(BOUND) && self.has(NEG | MISSING)
    }

    pub(super) fn reused(&self) -> bool {
        self.near(REFRESH, REPLAY, 6)
    }

    pub(super) fn replayed(&self) -> bool {
        self.near(TOKEN | NAME, REPLAY, 6)
    }

    /// Of a session that is over; that of a token is the token's.
    pub(super) fn session(&self) -> bool {
        const OVER: Set =
            EXPIRED | INACTIVE | REVOKED | UNKNOWN | TIMEDOUT | NOLONGER | DISABLED | BAD;
        !self.has(TOKEN)
            && (self.near(SESSION, OVER, 4)
                || self.follows(SESSION, PAST, 2)
                || (self.near(SESSION, SENT | EXIST | ACTIVE, 3)
                    && self.near(SESSION, NOT | NO, 4)))
    }

    pub(super) fn disabled(&self) -> bool {
        self.near(USER, DISABLED | INACTIVE | FORBIDDEN, 4)
            || (self.near(USER, ACTIVE, 4) && self.near(NOT, ACTIVE, 2))
    }

    /// "exp must be a number", and not "must be present".
    pub(super) fn claim_malformed(&self) -> bool {
        self.near(CLAIM | NAME, DATATYPE, 6) && self.has(NOT | NEED | PLEASE | EXPECT)
    }

    pub(super) fn too_long(&self) -> bool {
        self.near(EXPIRY, TOOLONG, 6)
    }

    pub(super) fn too_old(&self) -> bool {
        !self.has(EXPIRED) && self.near(TOOOLD, TOKEN | PAST | NAME, 6)
    }

    pub(super) fn tenant(&self) -> bool {
        self.has(TOKEN | ISSUER | USER | ISSUED)
            && self.near(TENANT, BAD | OTHER | FORBIDDEN | NOT, 5)
    }

    pub(super) fn decryption(&self) -> bool {
        self.near(DECRYPT, NEG | FAILING, 4)
    }

    /// Nobody of that name, which is no matter of what somebody may do.
    pub(super) fn nobody(&self) -> bool {
        !self.has(PERMIT | ROLE | SCOPE | TENANT)
            && (self.near(USER, UNKNOWN, 3)
                || self.follows(NO, USER, 2)
                || (self.near(USER, SENT | EXIST, 4) && self.near(NOT, SENT | EXIST, 2))
                || (self.near(USER, EXIST, 4) && self.has(NOLONGER)))
    }

    pub(super) fn login(&self) -> bool {
        self.near(PASSWORD, STATE | BAD, 5)
    }

    pub(super) fn keys_unavailable(&self) -> bool {
        self.near(KEYS, GONE | FAIL, 8)
            || (self.near(KEYS, FETCH, 8) && self.near(KEYS, FAILING, 10))
    }

    pub(super) fn claim_missing(&self) -> bool {
        self.near(CLAIM | NAME, MISSING | LACKS, 3)
            || self.near(CLAIM, NEED, 4)
            || self.follows(NO, CLAIM | NAME, 2)
            || (self.near(CLAIM, HAVE, 5) && self.follows(ISNT, HAVE, 2))
    }

    pub(super) fn issued_in_future(&self) -> bool {
        self.near(ISSUEDAT, FUTURE | NEG, 10)
            || self.near(ISSUED, FUTURE, 5)
            || self.follows(BEFORE, ISSUED | ISSUEDAT, 3)
    }

    pub(super) fn inactive(&self) -> bool {
        let is_not = self.near(NOT, ACTIVE, 2) && !self.has(YET | BEFORE);
        self.has(TOKEN) && (is_not || self.has(INACTIVE))
    }

    pub(super) fn not_yet_valid(&self) -> bool {
        self.has(NOTBEFORE | EARLY)
            || self.near(YET, VALID, 3)
            || (self.near(VALID, BEFORE, 3) && self.near(NOT, VALID, 3))
            || self.follows(BECOMES, VALID, 2)
            || self.runs(&[VALID, FROM])
            || self.near(VALID, FUTURE, 2)
    }

    pub(super) fn expired(&self) -> bool {
        self.has(EXPIRED)
            || self.near(EXPIRY, PAST | FAIL, 6)
            || self.near(TOKEN, TIMEDOUT, 6)
            || self.near(NOLONGER, VALID, 2)
    }

    pub(super) fn type_wrong(&self) -> bool {
        const OTHERS: Set = IDTOKEN | REFRESH;
        let is_refused = self.near(OTHERS, NOT | FORBIDDEN, 5) && !self.near(OTHERS, SENT, 4);
        is_refused
            || (self.has(OTHERS) && self.has(ACCESS))
            || self.near(TOKENTYPE, NEG, 4)
            || (self.near(TOKEN, TYPE, 2) && self.near(TYPE, NEG, 4))
            || self.runs(&[ISNT | EXPECT, ARTICLE, ACCESS])
            || self.runs(&[ONLY, ACCESS])
    }

    pub(super) fn audience(&self) -> bool {
        const MADE: Set = INTENDED | ISSUED;
        // "Audience not found" may be about those who listen.
        let is_unclear = self.runs(&[AUDIENCE, NOT, SENT]) && !self.has(TOKEN | NAME);
        (!is_unclear && self.near(AUDIENCE, NEG | NEED | EXPECT | PLEASE, 8))
            || (self.follows(MADE, FOR, 2)
                && (self.follows(ISNT, MADE, 3) || self.follows(MADE, OTHER, 3)))
    }

    pub(super) fn issuer(&self) -> bool {
        self.near(ISSUER, NEG | NEED | EXPECT | PLEASE, 8)
            || (self.has(TOKEN) && self.near(ISSUED | AUTHORITY, UNKNOWN, 4))
    }

    pub(super) fn key_not_found(&self) -> bool {
        let is_named = self.near(KEY, UNKNOWN | MISSING, 4) || self.near(KEY, SENT, 4);
        self.near(KEY, NOT | UNKNOWN | MISSING, 6) && (is_named || !self.has(SIGNATURE))
    }

    pub(super) fn algorithm(&self) -> bool {
        self.near(ALGORITHM, NEG | ONLY | NEED | EXPECT, 8) || self.near(UNSIGNED, TOKEN, 3)
    }

    pub(super) fn signature(&self) -> bool {
        self.near(SIGNATURE | INTEGRITY, NEG, 8) || self.has(TAMPERED)
    }

    pub(super) fn scope(&self) -> bool {
        self.near(SCOPE, MISSING | LACKS | NEED | INSUFFICIENT | NOT, 8)
    }

    pub(super) fn header_malformed(&self) -> bool {
        const WRONG: Set = BAD | UNKNOWN | FORBIDDEN;
        self.near(
            CARRIER,
            WRONG | MALFORMED | FORM | FORMED | BEGIN | EXPECT,
            8,
        ) || self.near(SCHEME, WRONG | NEED | PLEASE, 6)
            || (self.near(AUTH, TYPE, 2) && self.near(TYPE, WRONG, 4))
            || (self.follows(CARRIER, ISNT, 2) && self.runs(&[ISNT, ARTICLE, TOKEN]))
    }

    pub(super) fn missing(&self) -> bool {
        const CARRIED: Set = TOKEN | CARRIER;
        // "Missing token" and "token missing", but not "the token is missing X", nor "the token lacks X".
        self.follows(MISSING | LACKS, CARRIED, 4)
            || (self.follows(CARRIED, MISSING, 4) && self.ends(MISSING))
            || self.near(AUTH, MISSING | LACKS, 2)
            || self.follows(NO, CARRIED | AUTH, 3)
            || self.near(CARRIED, NEED, 3)
            || (self.near(PLEASE | NEED, SENT, 3) && self.near(SENT, CARRIED, 5))
            || (self.follows(ISNT, SENT, 3) && self.near(CARRIED, SENT, 5))
    }

    pub(super) fn malformed(&self) -> bool {
        self.has(MALFORMED)
            || self.near(PARSE, NOT | FAILING, 4)
            || self.has(TOKEN) && self.near(FORM, BAD | NOT | NEED | EXPECT | FAILING, 6)
            || self.runs(&[ISNT, FORMED])
            || self.runs(&[ISNT, ARTICLE, JWT])
            || self.runs(&[ISNT, ARTICLE, VALID, JWT])
    }

    pub(super) fn permission(&self) -> bool {
        self.has(PERMIT)
            || self.near(ACCESSIBLE, DENY, 3)
            || self.near(ROLE, NEED | MISSING | LACKS | NOT, 5)
            || self.follows(ISNT, ALLOWED, 2)
            || self.near(POLICY, DENY | BAD, 6)
            || self.runs(&[UNAUTHORIZED | FORBIDDEN, FOR])
    }

    pub(super) fn invalid(&self) -> bool {
        self.near(TOKEN, BAD | UNKNOWN | FORBIDDEN, 5)
            || (self.near(TOKEN, NOT, 6) && self.near(NOT, VERIFY | VALID, 4))
            || (self.near(TOKEN, VERIFY, 6) && self.near(VERIFY, FAILING, 4))
    }
}
