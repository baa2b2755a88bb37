//! What words stand for. A word may stand for several things.

/// A set of things that words stand for.
pub(super) type Set = u128;

pub(super) const TOKEN: Set = 1 << 0;
pub(super) const STRONG: Set = 1 << 1;
pub(super) const JWT: Set = 1 << 2;
pub(super) const AUTH: Set = 1 << 3;
pub(super) const AUTHORIZATION: Set = 1 << 4;
pub(super) const SCHEME: Set = 1 << 5;
pub(super) const AUDIENCE: Set = 1 << 6;
pub(super) const NAME: Set = 1 << 7;
pub(super) const ISSUER: Set = 1 << 8;
pub(super) const AUTHORITY: Set = 1 << 9;
pub(super) const SIGNATURE: Set = 1 << 10;
pub(super) const KEY: Set = 1 << 11;
pub(super) const KEYS: Set = 1 << 12;
pub(super) const ALGORITHM: Set = 1 << 13;
pub(super) const SCOPE: Set = 1 << 14;
pub(super) const CLAIM: Set = 1 << 15;
pub(super) const EXPIRY: Set = 1 << 16;
pub(super) const EXPIRED: Set = 1 << 17;
pub(super) const PAST: Set = 1 << 18;
pub(super) const FUTURE: Set = 1 << 19;
pub(super) const EARLY: Set = 1 << 20;
pub(super) const YET: Set = 1 << 21;
pub(super) const BEFORE: Set = 1 << 22;
pub(super) const BECOMES: Set = 1 << 23;
pub(super) const FROM: Set = 1 << 24;
pub(super) const NOTBEFORE: Set = 1 << 25;
pub(super) const ISSUEDAT: Set = 1 << 26;
pub(super) const ISSUED: Set = 1 << 27;
pub(super) const INTENDED: Set = 1 << 28;
pub(super) const FOR: Set = 1 << 29;
pub(super) const NOT: Set = 1 << 30;
pub(super) const NO: Set = 1 << 31;
pub(super) const ISNT: Set = 1 << 32;
pub(super) const FAILING: Set = 1 << 33;
pub(super) const BAD: Set = 1 << 34;
pub(super) const STATE: Set = 1 << 35;
pub(super) const FAIL: Set = 1 << 36;
pub(super) const OTHER: Set = 1 << 37;
pub(super) const UNKNOWN: Set = 1 << 38;
pub(super) const FORBIDDEN: Set = 1 << 39;
pub(super) const UNSIGNED: Set = 1 << 40;
pub(super) const MISSING: Set = 1 << 41;
pub(super) const SENT: Set = 1 << 42;
pub(super) const HAVE: Set = 1 << 43;
pub(super) const EXPECT: Set = 1 << 44;
pub(super) const NEED: Set = 1 << 45;
pub(super) const PLEASE: Set = 1 << 46;
pub(super) const ONLY: Set = 1 << 47;
pub(super) const MALFORMED: Set = 1 << 48;
pub(super) const PARSE: Set = 1 << 49;
pub(super) const FORM: Set = 1 << 50;
pub(super) const FORMED: Set = 1 << 51;
pub(super) const BEGIN: Set = 1 << 52;
pub(super) const REVOKED: Set = 1 << 53;
pub(super) const VALID: Set = 1 << 54;
pub(super) const ACTIVE: Set = 1 << 55;
pub(super) const INACTIVE: Set = 1 << 56;
pub(super) const TYPE: Set = 1 << 57;
pub(super) const VERIFY: Set = 1 << 58;
pub(super) const FETCH: Set = 1 << 59;
pub(super) const GONE: Set = 1 << 60;
pub(super) const PERMIT: Set = 1 << 61;
pub(super) const ROLE: Set = 1 << 62;
pub(super) const POLICY: Set = 1 << 63;
pub(super) const ALLOWED: Set = 1 << 64;
pub(super) const UNAUTHORIZED: Set = 1 << 65;
pub(super) const DENY: Set = 1 << 66;
pub(super) const INSUFFICIENT: Set = 1 << 67;
pub(super) const INSTEAD: Set = 1 << 68;
pub(super) const TAMPERED: Set = 1 << 69;
pub(super) const INTEGRITY: Set = 1 << 70;
pub(super) const ARTICLE: Set = 1 << 71;
pub(super) const ACCESSIBLE: Set = 1 << 72;
pub(super) const OR: Set = 1 << 73;
pub(super) const FOREIGN: Set = 1 << 74;
pub(super) const ACCESS: Set = 1 << 75;
pub(super) const IDTOKEN: Set = 1 << 76;
pub(super) const REFRESH: Set = 1 << 77;
pub(super) const CARRIER: Set = 1 << 78;
pub(super) const TIMEDOUT: Set = 1 << 79;
pub(super) const NOLONGER: Set = 1 << 80;
pub(super) const TOKENTYPE: Set = 1 << 81;
pub(super) const LACKS: Set = 1 << 82;
pub(super) const AT: Set = 1 << 83;
pub(super) const SESSION: Set = 1 << 84;
pub(super) const USER: Set = 1 << 85;
pub(super) const EXIST: Set = 1 << 86;
pub(super) const DISABLED: Set = 1 << 87;
pub(super) const PASSWORD: Set = 1 << 88;
pub(super) const CSRF: Set = 1 << 89;
pub(super) const DATATYPE: Set = 1 << 90;
pub(super) const DECRYPT: Set = 1 << 91;
pub(super) const TOOOLD: Set = 1 << 92;
pub(super) const TOOLONG: Set = 1 << 93;
pub(super) const REPLAY: Set = 1 << 94;
pub(super) const LEVEL: Set = 1 << 95;
pub(super) const DPOP: Set = 1 << 96;
pub(super) const CERT: Set = 1 << 97;
pub(super) const BOUND: Set = 1 << 98;
pub(super) const TENANT: Set = 1 << 99;
pub(super) const APIKEY: Set = 1 << 100;
pub(super) const CLIENTSECRET: Set = 1 << 101;

/// What a word stands for.
pub(super) fn of_word(word: &str) -> Set {
    match word {
        "credential" | "credentials" | "token" | "tokens" => TOKEN,
        "accesstoken" | "bearer" | "oauth" | "oauth2" => TOKEN | STRONG,
        "jwe" | "jws" | "jwt" | "jwts" => TOKEN | STRONG | JWT,
        "auth" | "authenticate" | "authentication" => AUTH,
        "authorisation" | "authorization" => AUTH | AUTHORIZATION,
        "scheme" => SCHEME,
        "audience" | "audiences" => AUDIENCE,
        "aud" => AUDIENCE | NAME | STRONG,
        "issuer" | "issuers" => ISSUER,
        "iss" => ISSUER | NAME | STRONG,
        "jti" | "sub" => NAME,
        "authorities" | "authority" => AUTHORITY,
        "sig" | "signature" | "signatures" => SIGNATURE,
        "key" | "keys" => KEY,
        "jwk" | "kid" => KEY | STRONG,
        "jwks" | "keyset" => KEYS | STRONG,
        "algorithm" | "algorithms" => ALGORITHM,
        "alg" => ALGORITHM | STRONG,
        "scope" | "scopes" => SCOPE,
        "claim" | "claims" => CLAIM,
        "expiration" | "expiry" | "lifetime" | "validity" => EXPIRY,
        "exp" => EXPIRY | NAME | STRONG,
        "expired" | "lapsed" => EXPIRED,
        "earlier" | "elapsed" | "ended" | "exceeded" | "over" | "overdue" | "passed" | "past"
        | "reached" => PAST,
        "after" | "ahead" | "future" | "later" => FUTURE,
        "immature" | "premature" | "prematurely" => EARLY,
        "yet" => YET,
        "before" | "until" => BEFORE,
        "become" | "becomes" | "will" => BECOMES,
        "starts" => BECOMES | BEGIN,
        "from" => FROM,
        "nbf" | "notbefore" => NOTBEFORE | STRONG | NAME,
        "iat" | "issuedat" => ISSUEDAT | STRONG | NAME,
        "created" | "issued" | "made" => ISSUED,
        "minted" => ISSUED | INTENDED,
        "for" | "to" => FOR,
        "neither" | "no" | "nobody" | "none" | "nor" | "nothing" | "without" => NOT | NO,
        "arent" | "cannot" | "cant" | "couldnt" | "didnt" | "doesnt" | "dont" | "isnt"
        | "never" | "not" | "wasnt" => NOT | ISNT | FAILING,
        "different" | "differs" | "improper" | "mismatch" | "mismatched" | "mismatches"
        | "refused" | "rejected" | "rejecting" | "rejects" | "unacceptable" | "unexpected"
        | "unsuccessful" | "unverified" => BAD,
        "bad" | "incorrect" | "invalid" | "wrong" => BAD | STATE,
        "fail" | "failed" | "failing" | "fails" | "failure" => BAD | FAIL | FAILING,
        "another" | "other" => OTHER,
        "unknown" | "unrecognised" | "unrecognized" | "unregistered" | "untrusted" => UNKNOWN,
        "blocked" | "disallowed" | "forbidden" | "insecure" | "prohibited" | "unsupported"
        | "weak" => FORBIDDEN,
        "unsecured" | "unsigned" => UNSIGNED,
        "absent" | "empty" | "missing" => MISSING,
        "lack" | "lacking" | "lacks" => LACKS,
        "at" | "in" | "on" => AT,
        "attach" | "attached" | "find" | "found" | "give" | "given" | "located" | "present"
        | "presented" | "provide" | "provided" | "send" | "sent" | "supplied" | "supply" => SENT,
        "carried" | "carries" | "carry" | "contain" | "contains" | "has" | "have" | "include"
        | "included" | "includes" => HAVE,
        "expected" | "expects" => EXPECT,
        "mandatory" | "necessary" | "need" | "needed" | "needs" | "require" | "required"
        | "requires" => NEED,
        "please" => PLEASE,
        "must" => PLEASE | ONLY,
        "only" => ONLY,
        "broken" | "corrupt" | "corrupted" | "garbled" | "illegal" | "malformed"
        | "undecodable" | "unparsable" | "unparseable" | "unreadable" => MALFORMED,
        "decode" | "decoded" | "decoding" | "deserialise" | "deserialize" | "deserialized"
        | "parse" | "parsed" | "parsing" | "read" => PARSE,
        "base64" | "base64url" | "characters" | "encoding" | "format" | "json" | "padding"
        | "parts" | "segment" | "segments" | "structure" => FORM,
        "formed" => FORMED,
        "begin" | "begins" | "multiple" | "prefix" | "prefixed" | "start" => BEGIN,
        "blacklisted" | "blocklisted" | "canceled" | "cancelled" | "denylisted" | "invalidated"
        | "revocation" | "revoked" | "withdrawn" => REVOKED,
        "active" => VALID | ACTIVE,
        "inactive" => INACTIVE,
        "usable" | "use" | "used" | "valid" => VALID,
        "kind" | "type" => TYPE,
        "accept" | "acceptable" | "accepted" | "check" | "checked" | "checks" | "confirm"
        | "confirmed" | "recognised" | "recognized" | "validate" | "validated" | "validation"
        | "verification" | "verified" | "verify" => VERIFY,
        "contact" | "download" | "downloaded" | "fetch" | "fetched" | "fetching" | "get"
        | "load" | "loaded" | "obtain" | "obtained" | "reach" | "retrieve" | "retrieved"
        | "retrieving" => FETCH,
        "500" | "502" | "503" | "504" | "timeout" | "unavailable" | "unreachable" => FETCH | GONE,
        "could" | "error" | "errors" | "unable" => FAILING,
        "permission" | "permissions" | "privilege" | "privileges" => PERMIT,
        "role" | "roles" => ROLE,
        "policies" | "policy" => POLICY,
        "allow" | "allowed" | "authorised" | "authorized" | "permitted" => ALLOWED,
        "unauthorised" | "unauthorized" => UNAUTHORIZED,
        "denied" | "denies" | "deny" | "forbids" => DENY,
        "enough" | "insufficient" => INSUFFICIENT,
        "intended" | "meant" => INTENDED,
        "instead" | "rather" => INSTEAD,
        "forged" | "tampered" => TAMPERED,
        "crypto" | "cryptographic" | "integrity" => INTEGRITY,
        "a" | "an" => ARTICLE,
        "access" => ACCESSIBLE,
        "or" => OR,
        "session" | "sessions" => SESSION,
        "account" | "accounts" | "principal" | "user" | "users" => USER,
        "exist" | "exists" => EXIST,
        "deactivated" | "deleted" | "disabled" | "locked" | "suspended" => DISABLED,
        "email" | "password" | "passwords" | "username" => PASSWORD | FOREIGN,
        "csrf" | "xsrf" => CSRF | FOREIGN,
        "array" | "float" | "integer" | "number" | "numeric" | "string" => DATATYPE,
        "decrypt" | "decrypted" | "decrypting" | "decryption" => DECRYPT,
        "maxage" => TOOOLD,
        "replay" | "replayed" | "reuse" | "reused" => REPLAY,
        "2fa" | "aal" | "aal2" | "acr" | "mfa" | "reauthenticate" | "reauthentication" => LEVEL,
        "dpop" => DPOP | TOKEN | STRONG,
        "certificate" | "certificates" => CERT | FOREIGN,
        "binding" | "bound" | "thumbprint" | "x5t" => BOUND,
        "tenant" | "tenants" => TENANT,
        "captcha" | "card" | "cart" | "coupon" | "cursor" | "device" | "domain" | "file"
        | "files" | "image" | "invitation" | "invite" | "invoice" | "licence" | "license"
        | "newsletter" | "offer" | "order" | "orders" | "otp" | "page" | "pagination"
        | "payment" | "pin" | "promotion" | "quota" | "subscription" | "ticket" | "trial"
        | "upload" | "uploads" | "voucher" | "webhook" => FOREIGN,
        _ if word.ends_with("n't") => NOT | ISNT | FAILING,
        _ => 0,
    }
}

/// What two words stand for together.
pub(super) fn of_phrase(first: &str, second: &str) -> Set {
    match (first, second) {
        ("access", "token") | ("access", "tokens") => TOKEN | STRONG | ACCESS,
        ("id", "token") | ("id", "tokens") => TOKEN | STRONG | IDTOKEN,
        ("refresh", "token") | ("refresh", "tokens") => TOKEN | STRONG | REFRESH,
        ("bearer", "token")
        | ("auth", "token")
        | ("authentication", "token")
        | ("security", "token")
        | ("login", "token")
        | ("authorization", "token") => TOKEN | STRONG,
        ("auth", "header")
        | ("authorization", "header")
        | ("authentication", "header")
        | ("authorization", "headers") => CARRIER,
        ("key", "set")
        | ("jwk", "set")
        | ("discovery", "document")
        | ("openid", "discovery")
        | ("openid", "configuration") => KEYS | STRONG,
        ("signing", "keys") | ("verification", "keys") => KEYS | KEY | STRONG,
        ("public", "keys") => KEYS | KEY,
        ("key", "id") | ("key", "identifier") | ("signing", "key") | ("verification", "key") => {
            KEY | STRONG
        }
        ("public", "key") => KEY,
        ("web", "token") | ("web", "tokens") => TOKEN | STRONG | JWT,
        ("verification", "code") => FOREIGN,
        ("api", "key") | ("api", "keys") => APIKEY | FOREIGN,
        ("client", "secret") | ("client", "credentials") => CLIENTSECRET,
        ("too", "long") | ("too", "far") => TOOLONG,
        ("max", "age") | ("maximum", "age") => TOOOLD,
        ("already", "used") | ("used", "already") | ("been", "used") | ("used", "twice") => REPLAY,
        ("two", "factor")
        | ("second", "factor")
        | ("multi", "factor")
        | ("multifactor", "authentication")
        | ("step", "up")
        | ("recent", "login")
        | ("fresh", "token") => LEVEL,
        ("not", "before") => NOTBEFORE,
        ("issued", "at") | ("issue", "date") | ("issue", "time") => ISSUEDAT,
        ("run", "out") => EXPIRED,
        ("timed", "out") => TIMEDOUT | GONE,
        ("too", "old") => TOOOLD,
        ("of", "date") => TIMEDOUT,
        ("deny", "list") | ("black", "list") | ("block", "list") | ("logged", "out") => REVOKED,
        ("no", "longer") => NOLONGER | NOT,
        ("not", "yet") => NOT | YET,
        ("access", "denied") => PERMIT,
        ("token", "type") | ("token", "use") => TOKENTYPE | TOKEN,
        _ => 0,
    }
}
