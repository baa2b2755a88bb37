//! Recognises what starts at a place of a stream, by at most sixteen bytes.

/// How many bytes decide. Enough for a status line up to its code, the HTTP/2 preface up to its
/// first line's end, and every registered method with the start of its target.
pub const PREFIX: u32 = 16;

/// What starts there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Mark {
    /// More bytes are needed.
    Undecided,
    /// Nothing that is known.
    Nothing,
    /// A request of HTTP/1: a method and the start of a target (RFC 9112 section 3).
    Request,
    /// The same with CONNECT: what follows may be a tunnel.
    Connect,
    /// An answer 1xx to 3xx of HTTP/1.
    Answer,
    /// 101 Switching Protocols.
    Upgrade,
    /// An answer 4xx or 5xx of HTTP/1.
    Refusal,
    /// A TLS record with a ClientHello (RFC 8446 section 4.1.2).
    ClientHello,
    /// Another TLS record.
    TlsRecord,
    /// The client's connection preface of HTTP/2 (RFC 9113 section 3.4).
    Http2,
}

impl Mark {
    /// The mark of a number, as `as u8` gives it. `Nothing` for a number that is none.
    #[inline(always)]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Undecided,
            2 => Self::Request,
            3 => Self::Connect,
            4 => Self::Answer,
            5 => Self::Upgrade,
            6 => Self::Refusal,
            7 => Self::ClientHello,
            8 => Self::TlsRecord,
            9 => Self::Http2,
            _ => Self::Nothing,
        }
    }

    /// Whether a head of HTTP/1 starts there.
    #[inline(always)]
    pub const fn is_head(self) -> bool {
        matches!(
            self,
            Self::Request | Self::Connect | Self::Answer | Self::Upgrade | Self::Refusal
        )
    }
}

/// Says what the first `known` bytes of a stream are. `low` and `high` hold them little-endian: the
/// first byte is the lowest of `low`.
///
/// Any method is taken that looks like one, not only the registered ones: two to fifteen upper-case
/// letters or hyphens, a space, and a target that starts like one. Empty lines before a start line
/// are passed over (RFC 9112 section 2.2).
#[inline(always)]
pub fn recognise(low: u64, high: u64, known: u32) -> Mark {
    let mark = Text { low, high, known }.recognise();
    match mark {
        Mark::Undecided if known >= PREFIX => Mark::Nothing,
        mark => mark,
    }
}

/// "HTTP/1."
const ANSWER: u64 = u64::from_le_bytes(*b"HTTP/1.\0");
/// The first line of the preface.
const PREFACE_LOW: u64 = u64::from_le_bytes(*b"PRI * HT");
const PREFACE_HIGH: u64 = u64::from_le_bytes(*b"TP/2.0\r\n");
/// "CONNECT "
const CONNECT: u64 = u64::from_le_bytes(*b"CONNECT ");
/// The longest method that is taken: VERSION-CONTROL.
const LONGEST_METHOD: u32 = 15;

/// Bytes in two registers: the kernel's verifier likes shifts better than indices.
#[derive(Clone, Copy)]
struct Text {
    low: u64,
    high: u64,
    known: u32,
}

impl Text {
    #[inline(always)]
    fn recognise(mut self) -> Mark {
        if let Some(mark) = self.tls() {
            return mark;
        }
        if self.may_be_preface() {
            return if self.known < PREFIX {
                Mark::Undecided
            } else {
                Mark::Http2
            };
        }
        self.pass_empty_lines();
        if self.known == 0 {
            return Mark::Undecided;
        }
        if self.may_start(ANSWER, 7) {
            return self.answer();
        }
        self.request()
    }

    #[inline(always)]
    fn starts_with(&self, byte: u8) -> bool {
        self.known > 0 && self.low as u8 == byte
    }

    /// Whether what is known agrees with the first `len` bytes of `word`.
    #[inline(always)]
    fn may_start(&self, word: u64, len: u32) -> bool {
        let len = if self.known < len { self.known } else { len };
        len == 0 || (self.low ^ word) << (64 - 8 * len) == 0
    }

    #[inline(always)]
    fn drop_first(&mut self) {
        self.low = self.low >> 8 | self.high << 56;
        self.high >>= 8;
        self.known = self.known.wrapping_sub(1);
    }

    /// At most two empty lines: a status line still fits into what is left.
    #[inline(always)]
    fn pass_empty_lines(&mut self) {
        for _ in 0..4 {
            if self.starts_with(b'\r') || self.starts_with(b'\n') {
                self.drop_first();
            }
        }
    }

    /// A TLS record: type, version 3.x, and a length that RFC 8446 section 5.2 allows.
    #[inline(always)]
    fn tls(&self) -> Option<Mark> {
        if self.known == 0 {
            return None;
        }
        let kind = self.low as u8;
        if !(0x14..=0x17).contains(&kind) {
            return None;
        }
        if self.known > 1 && (self.low >> 8) as u8 != 3 {
            return None;
        }
        if self.known < 6 {
            return Some(Mark::Undecided);
        }
        let minor = (self.low >> 16) as u8;
        let len = ((self.low >> 24) as u8 as u32) << 8 | (self.low >> 32) as u8 as u32;
        if minor > 4 || len == 0 || len > 16384 + 2048 {
            return None;
        }
        if kind == 0x16 && (self.low >> 40) as u8 == 1 {
            return Some(Mark::ClientHello);
        }
        Some(Mark::TlsRecord)
    }

    /// "HTTP/1.", a digit, a space, three digits.
    #[inline(always)]
    fn answer(&self) -> Mark {
        if self.known < 12 {
            return Mark::Undecided;
        }
        let minor = (self.low >> 56) as u8;
        let space = self.high as u8;
        let (class, tens, ones) = (
            (self.high >> 8) as u8,
            (self.high >> 16) as u8,
            (self.high >> 24) as u8,
        );
        if !minor.is_ascii_digit() || space != b' ' {
            return Mark::Nothing;
        }
        if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
            return Mark::Nothing;
        }
        match class {
            b'1' if tens == b'0' && ones == b'1' => Mark::Upgrade,
            b'1'..=b'3' => Mark::Answer,
            b'4' | b'5' => Mark::Refusal,
            _ => Mark::Nothing,
        }
    }

    /// Whether what is known agrees with the first line of the preface.
    #[inline(always)]
    fn may_be_preface(&self) -> bool {
        let rest = Self {
            low: self.high,
            high: 0,
            known: self.known.saturating_sub(8),
        };
        self.starts_with(b'P') && self.may_start(PREFACE_LOW, 8) && rest.may_start(PREFACE_HIGH, 8)
    }

    /// A method, a space, the start of a target.
    #[inline(always)]
    fn request(mut self) -> Mark {
        let connect = self.known >= 8 && self.low == CONNECT;
        let mut len = 0;
        while len <= LONGEST_METHOD {
            if self.known == 0 {
                return Mark::Undecided;
            }
            let byte = self.low as u8;
            self.drop_first();
            if byte == b' ' {
                return self.target(len, connect);
            }
            if !byte.is_ascii_uppercase() && byte != b'-' {
                return Mark::Nothing;
            }
            len += 1;
        }
        Mark::Nothing
    }

    /// RFC 9112 section 3.2: origin form, asterisk form, absolute form; for CONNECT an authority.
    #[inline(always)]
    fn target(&self, method_len: u32, connect: bool) -> Mark {
        if method_len < 2 {
            return Mark::Nothing;
        }
        if self.known == 0 {
            // All sixteen bytes went into the method and its space.
            return if method_len == LONGEST_METHOD {
                Mark::Request
            } else {
                Mark::Undecided
            };
        }
        let (first, second) = (self.low as u8, (self.low >> 8) as u8);
        if connect && first > b' ' {
            return Mark::Connect;
        }
        match first {
            b'/' | b'*' => Mark::Request,
            b'h' | b'H' if self.known > 1 && second | 0x20 == b't' => Mark::Request,
            b'h' | b'H' if self.known == 1 => Mark::Undecided,
            _ => Mark::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(bytes: &[u8]) -> Mark {
        let (low, high, known) = words(bytes);
        recognise(low, high, known)
    }

    fn words(bytes: &[u8]) -> (u64, u64, u32) {
        let mut all = [0; 16];
        let len = bytes.len().min(16);
        all[..len].copy_from_slice(&bytes[..len]);
        let word = u128::from_le_bytes(all);
        (word as u64, (word >> 64) as u64, len as u32)
    }

    #[test]
    fn heads_of_http_are_recognised() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\nHost: a"[..], Mark::Request),
            (b"GET http://a/ HTTP/1.1", Mark::Request),
            (b"OPTIONS * HTTP/1.1", Mark::Request),
            (b"VERSION-CONTROL /a HTTP/1.1", Mark::Request),
            (b"PRI / HTTP/1.1\r\n", Mark::Request),
            (b"PROPFIND /a HTTP/1.1", Mark::Request),
            (b"\r\nGET / HTTP/1.1\r\n", Mark::Request),
            (b"\r\n\r\nHTTP/1.1 200 OK", Mark::Answer),
            (b"CONNECT a.example:443 HTTP/1.1", Mark::Connect),
            (b"HTTP/1.1 200 OK\r\n", Mark::Answer),
            (b"HTTP/1.0 304 Not", Mark::Answer),
            (b"HTTP/1.1 100 Continue", Mark::Answer),
            (b"HTTP/1.1 101 Switching", Mark::Upgrade),
            (b"HTTP/1.1 401 Unauthorized", Mark::Refusal),
            (b"HTTP/1.1 503", Mark::Refusal),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Mark::Http2),
        ] {
            assert_eq!(mark(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn other_protocols_are_not() {
        for bytes in [
            &b"EHLO mail.example.com\r\n"[..],
            b"EHLO hub.example.com\r\n",
            b"220 mail.example.com",
            b"SSH-2.0-OpenSSH_9.2",
            b"PING\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"get key\r\n",
            b"HTTP/2 200 OK and more",
            b"HTTP/1.1 999 What",
            b"HTTP/1.1 4O1 Unauth",
            b"A / HTTP/1.1\r\n",
            b"{\"a\": \"GET / HTTP\"}",
            b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
            b"\x16\x04\x01\x00\x10\x01",
            b"\x16\x03\x01\xff\xff\x01",
            b"ABCDEFGHIJKLMNOPQRS",
        ] {
            assert_eq!(mark(bytes), Mark::Nothing, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_mark_comes_back_from_its_number() {
        for number in 0..=Mark::Http2 as u8 {
            assert_eq!(Mark::from_number(number) as u8, number);
        }
        assert_eq!(Mark::from_number(200), Mark::Nothing);
    }

    #[test]
    fn tls_is_recognised() {
        assert_eq!(
            mark(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
            Mark::ClientHello
        );
        assert_eq!(
            mark(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"),
            Mark::TlsRecord
        );
        assert_eq!(mark(b"\x17\x03\x03\x00\x20abcdefg"), Mark::TlsRecord);
    }

    /// Fewer bytes never contradict more: a prefix is undecided or says the same.
    #[test]
    fn a_prefix_is_undecided_or_says_the_same() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\r\nPOST /abc HTTP",
            b"HTTP/1.1 401 Unau",
            b"PRI * HTTP/2.0\r\n",
            b"PRI * HTTP/1.1\r\n",
            b"CONNECT a:443 HT",
            b"VERSION-CONTROL ",
            b"DELETE http://a/ ",
            b"PROPPATCH /a/b/c",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00",
            b"HELO relay.examp",
            b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
        ] {
            let bytes = &bytes[..16];
            let whole = mark(bytes);
            assert_ne!(whole, Mark::Undecided, "{}", bytes.escape_ascii());
            for len in 0..16 {
                let part = mark(&bytes[..len]);
                assert!(
                    part == Mark::Undecided || part == whole,
                    "{len} of {}: {part:?}, then {whole:?}",
                    bytes.escape_ascii()
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn sixteen_bytes_always_decide(bytes: [u8; 16]) {
            proptest::prop_assert_ne!(mark(&bytes), Mark::Undecided);
        }

        #[test]
        fn sixteen_letters_and_marks_always_decide(text in "[A-Z \r\nhH/*-]{16}") {
            proptest::prop_assert_ne!(mark(text.as_bytes()), Mark::Undecided);
        }

        #[test]
        fn a_decision_is_not_taken_back(text in "[A-Z \r\nhHt/*-]{16}", len in 0usize..16) {
            let part = mark(&text.as_bytes()[..len]);
            proptest::prop_assert!(part == Mark::Undecided || part == mark(text.as_bytes()));
        }
    }
}
