//! Recognises by their request line what only issuers are asked for: their keys and their tokens.

/// How many words of a request line are looked at.
pub const LINE_WORDS: usize = 16;
/// The same in bytes. A target that ends beyond is not recognised.
pub const LINE: u32 = LINE_WORDS as u32 * 8;

/// Whether a request asks for a key set (RFC 7517), a discovery document (RFC 8414, OpenID Connect
/// Discovery 1.0) or what is behind a token endpoint and its like (RFC 6749, 7009, 7662, 8628, 9126), by
/// the names that nearly all issuers give them.
///
/// `line`: the first bytes of the request as little-endian words, zero where there is none.
#[inline(always)]
pub fn is_of_issuer(line: &[u64; LINE_WORDS]) -> bool {
    let [first, second, ..] = line;
    let gets = *first as u32 == GET;
    if gets && *first == WELL_KNOWN[0] && *second == WELL_KNOWN[1] {
        return true;
    }
    let posts = *first as u32 == POST && (*first >> 32) as u8 == b' ';
    if !gets && !posts {
        return false;
    }
    // The space behind the method ends no target.
    let method = if gets { 0x80 << 24 } else { 0x80 << 32 };
    match path_end(line, method) {
        Some(end) if gets => end.is_of_keys(),
        Some(end) => end.is_of_tokens(),
        None => false,
    }
}

/// The first bytes of a request as [`is_of_issuer`] takes them.
pub fn line_words(request: &[u8]) -> [u64; LINE_WORDS] {
    let mut words = [0; LINE_WORDS];
    for (word, bytes) in words.iter_mut().zip(request.chunks(8)) {
        for (at, byte) in bytes.iter().enumerate() {
            *word |= u64::from(*byte) << (8 * at);
        }
    }
    words
}

const GET: u32 = u32::from_le_bytes(*b"GET ");
const POST: u32 = u32::from_le_bytes(*b"POST");
const WELL_KNOWN: [u64; 2] = [
    u64::from_le_bytes(*b"GET /.we"),
    u64::from_le_bytes(*b"ll-known"),
];

/// The last bytes of a path, the last one highest; without a slash at the end.
#[derive(Clone, Copy)]
struct End {
    low: u64,
    high: u64,
}

/// The last sixteen bytes before the query, or before the space behind the target. `hidden` makes other
/// bytes of those of the first word.
#[inline(always)]
fn path_end(line: &[u64; LINE_WORDS], mut hidden: u64) -> Option<End> {
    let (mut low, mut high) = (0, 0);
    for word in line {
        let word = *word | hidden;
        hidden = 0;
        let mut stops = zeros(word ^ SPACES) | zeros(word ^ QUESTIONS);
        if stops != 0 {
            let mut before = 0;
            while before < 56 && stops & 0x80 == 0 {
                stops >>= 8;
                before += 8;
            }
            let end = End {
                low: joined(low, high, before),
                high: joined(high, word, before),
            };
            return Some(end.without_slash());
        }
        low = high;
        high = word;
    }
    None
}

const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
const QUESTIONS: u64 = u64::from_le_bytes([b'?'; 8]);

/// The highest bit of each byte that is zero; those above the lowest of them may be wrong.
#[inline(always)]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
}

/// Eight bytes: the last of `first` and, below `bits`, those of `second`.
#[inline(always)]
const fn joined(first: u64, second: u64, bits: u32) -> u64 {
    // In two steps, because there may be none.
    first >> bits | second << (56 - bits) << 8
}

impl End {
    #[inline(always)]
    const fn without_slash(self) -> Self {
        if (self.high >> 56) as u8 != b'/' {
            return self;
        }
        Self {
            low: self.low << 8,
            high: self.high << 8 | self.low >> 56,
        }
    }

    #[inline(always)]
    fn is_of_keys(self) -> bool {
        self.is(b"/jwks")
            || self.is(b"/certs")
            || self.is(b"/keys")
            || self.is(b"/jwks.json")
            || self.is(b"d-configuration")
            || self.is(b"rization-server")
            || self.is(b"/jwk")
            || self.is(b"/keys.json")
            || self.is(b"/jwks_uri")
            || self.is(b"/jwks-uri")
    }

    #[inline(always)]
    fn is_of_tokens(self) -> bool {
        self.is(b"/token")
            || self.is(b"/introspect")
            || self.is(b"/introspection")
            || self.is(b"/revoke")
            || self.is(b"/revocation")
            || self.is(b"/par")
            || self.is(b"e_authorization")
    }

    /// Whether these are its last bytes, in whatever case.
    #[inline(always)]
    const fn is<const N: usize>(self, name: &[u8; N]) -> bool {
        let (low, high) = words(name);
        let (of_low, of_high) = if N > 8 {
            (N as u32 - 8, 8)
        } else {
            (0, N as u32)
        };
        let ends_so = (self.high | SPACES) >> (64 - 8 * of_high) == high;
        ends_so && (of_low == 0 || (self.low | SPACES) >> (64 - 8 * of_low) == low)
    }
}

/// A name as [`End`] has it: the last eight bytes, and those before them, each moved down.
#[inline(always)]
const fn words<const N: usize>(name: &[u8; N]) -> (u64, u64) {
    // Behind a slash that was left out there are fifteen bytes.
    assert!(N > 0 && N <= 15);
    let (mut low, mut high, mut at) = (0, 0, N);
    while at > 0 {
        at -= 1;
        // As `SPACES` does it to the bytes of a path.
        let byte = (name[at] | b' ') as u64;
        if N - at <= 8 {
            high = high << 8 | byte;
        } else {
            low = low << 8 | byte;
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(line: &str) -> bool {
        is_of_issuer(&line_words(line.as_bytes()))
    }

    #[test]
    fn what_issuers_are_asked_for_is_recognised() {
        for target in [
            "/jwks",
            "/jwk",
            "/keys",
            "/certs",
            "/Certs/",
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/tenant1",
            "/realms/x/.well-known/openid-configuration",
            "/a/oauth-authorization-server",
            "/realms/x/protocol/openid-connect/certs",
            "/common/discovery/v2.0/keys?appid=6731de76-14a6-49ae-97bc-6eba6914391e",
            "/oauth2/jwks.json",
            "/oauth2/jwks_uri",
            "/oauth2/jwks-uri",
            "/v1/keys.json",
            "http://issuer.example/jwks",
        ] {
            assert_known("GET", target);
        }
        for target in [
            "/token",
            "/oauth2/v2.0/token",
            "/o/token/",
            "/realms/x/protocol/openid-connect/token",
            "/realms/x/protocol/openid-connect/token/introspect",
            "/oauth/introspection",
            "/oauth/revoke",
            "/oauth/Revocation",
            "/par",
            "/oauth/device_authorization",
        ] {
            assert_known("POST", target);
        }
    }

    /// With a slash at the end of its path, and without.
    fn assert_known(method: &str, target: &str) {
        let path = target.split('?').next().unwrap().trim_end_matches('/');
        for path in [path.to_owned(), format!("{path}/")] {
            for query in ["", "?x=/y"] {
                let line = format!("{method} {path}{query} HTTP/1.1\r\nHost: a\r\n\r\n");
                assert!(is(&line), "{line}");
            }
        }
    }

    /// Wherever in its word a path ends.
    #[test]
    fn a_path_of_every_length_up_to_the_line_is_recognised() {
        for len in 0..200 {
            let target = format!("/{}/jwks.json", "a".repeat(len));
            let known = "GET ".len() + target.len() < LINE as usize;
            assert_eq!(is(&format!("GET {target} HTTP/1.1")), known, "{len}");
            assert_eq!(is(&format!("GET {target}?a=/b HTTP/1.1")), known, "{len}");
            let other = format!("GET /{}/jwksojson HTTP/1.1", "a".repeat(len));
            assert!(!is(&other), "{len}");
        }
    }

    #[test]
    fn what_others_are_asked_for_is_not() {
        for line in [
            "",
            "GET ",
            "GET /",
            "GET / HTTP/1.1",
            "GET /orders HTTP/1.1",
            "GET /mykeys HTTP/1.1",
            "GET /keys/7 HTTP/1.1",
            "GET /jwks/x HTTP/1.1",
            "GET /orders?of=/jwks HTTP/1.1",
            "GET /orders HTTP/1.1\r\nReferer: /jwks ",
            "POST /jwks HTTP/1.1",
            "GET /token HTTP/1.1",
            "POST /tokens HTTP/1.1",
            "POST /compar HTTP/1.1",
            "POSTS/token HTTP/1.1",
            "PUT /token HTTP/1.1",
            "HTTP/1.1 200 /jwks ",
            "GET /jwks",
        ] {
            assert!(!is(line), "{line}");
        }
    }
}
