//! Tokens in the compact form of JOSE (RFC 7515 section 3.1, RFC 7516 section 3.1), read defensively.

use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use serde_json::Value;

use super::json::{self, Unreadable};
use super::secret::Secret;
use super::{Claims, Defect, JoseHeader, Kind, Policy, Signature, claims, signature};
use crate::redact;

/// Longer tokens are not looked into.
pub(super) const MAX_TOKEN: usize = 64 * 1024;
/// The longest header field shown.
const MAX_FIELD: usize = 128;
/// How many other header fields are named.
const MAX_OTHERS: usize = 32;

/// What a token says about itself.
pub(super) struct Reading {
    pub(super) kind: Kind,
    pub(super) header: Option<JoseHeader>,
    pub(super) claims: Option<Claims>,
    pub(super) defects: Vec<Defect>,
    pub(super) signature: Signature,
}

impl Reading {
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind,
            header: None,
            claims: None,
            defects: Vec::new(),
            signature: Signature::default(),
        }
    }
}

/// Whether a token was meant to be in the compact form: `eyJ` is `{"`, with which every header and
/// payload begins.
pub(super) fn looks_like_one(token: &[u8]) -> bool {
    token
        .split(|byte| *byte == b'.')
        .take(2)
        .any(|part| part.starts_with(b"eyJ"))
}

/// Reads a token. `cut`: the capture ended inside it, so that the end of it says nothing.
pub(super) fn read(token: &[u8], cut: bool, policy: &Policy) -> Reading {
    if token.len() > MAX_TOKEN {
        let kind = if looks_like_one(token) {
            Kind::Jwt
        } else {
            Kind::Opaque
        };
        return Reading {
            defects: vec![Defect::TooMuch { what: "bytes" }],
            ..Reading::of(kind)
        };
    }
    let parts: Vec<&[u8]> = token.splitn(8, |byte| *byte == b'.').collect();
    let part = |at: usize| parts.get(at).copied();
    let is_last = |at: usize| at + 1 == parts.len();
    let mut defects = Vec::new();

    let mut found = Vec::new();
    let raw_header = Header::read(part(0).unwrap_or_default(), cut && is_last(0), &mut found);
    if raw_header.is_none() && !looks_like_one(token) {
        return Reading::of(Kind::Opaque);
    }
    defects.append(&mut found);
    let raw_header = raw_header.unwrap_or_default();
    let header = (!raw_header.is_empty()).then(|| raw_header.shown());
    if parts.len() == 5 || (cut && parts.len() > 3) {
        return Reading {
            header,
            defects,
            ..Reading::of(Kind::Jwe)
        };
    }
    raw_header.judge(&mut defects);
    if parts.len() != 3 && !cut {
        defects.push(Defect::WrongParts { have: parts.len() });
    }

    let mut claims = None;
    if let Some(payload) = part(1).filter(|_| !(cut && is_last(1))) {
        claims = claims::read(payload, policy, &mut defects);
    }
    let mut state = Signature::NotChecked;
    if let Some(raw) = part(2).filter(|_| parts.len() == 3 && !cut) {
        let issuer = claims
            .as_ref()
            .and_then(|claims| claims.raw_issuer.as_deref());
        let before = defects.len();
        raw_header.judge_signature(raw, issuer, policy, &mut defects);
        if before == defects.len() && claims.is_some() {
            let message = token.get(..token.len() - raw.len() - 1).unwrap_or_default();
            let (kid, alg) = (raw_header.kid.as_deref(), raw_header.alg.as_deref());
            let raw = std::str::from_utf8(raw).unwrap_or_default();
            state = signature::check(&policy.keys, issuer, kid, alg, message, raw);
        }
    }
    let claims = claims.map(|read| read.claims);
    Reading {
        kind: Kind::Jwt,
        header,
        claims,
        defects,
        signature: state,
    }
}

/// The header as sent: `kid` must be compared as it is, not as it is shown.
#[derive(Default)]
struct Header {
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    enc: Option<String>,
    others: Vec<String>,
}

impl Header {
    fn read(part: &[u8], cut: bool, defects: &mut Vec<Defect>) -> Option<Self> {
        if cut {
            return None;
        }
        let wanted = |name: &str| matches!(name, "alg" | "kid" | "typ" | "enc");
        let object = object(part, "header", &wanted, defects)?;
        let mut header = Self::default();
        for (name, value) in object.members {
            let (slot, name) = match name.as_str() {
                "alg" => (&mut header.alg, "alg"),
                "kid" => (&mut header.kid, "kid"),
                "typ" => (&mut header.typ, "typ"),
                "enc" => (&mut header.enc, "enc"),
                _ => {
                    if header.others.len() < MAX_OTHERS {
                        header.others.push(redact::text(&name, MAX_FIELD));
                    }
                    continue;
                }
            };
            match value {
                Some(Value::String(text)) => *slot = Some(text),
                _ => defects.push(Defect::BadType { name }),
            }
        }
        Some(header)
    }

    fn is_empty(&self) -> bool {
        let fields = [&self.alg, &self.kid, &self.typ, &self.enc];
        fields.iter().all(|field| field.is_none()) && self.others.is_empty()
    }

    fn shown(&self) -> JoseHeader {
        let label =
            |text: &Option<String>| text.as_deref().map(|text| redact::label(text, MAX_FIELD));
        JoseHeader {
            alg: label(&self.alg),
            kid: label(&self.kid),
            typ: label(&self.typ),
            enc: label(&self.enc),
            others: self.others.clone(),
        }
    }

    fn judge(&self, defects: &mut Vec<Defect>) {
        match self.alg.as_deref() {
            Some(alg) if !signature::is_known(alg) => defects.push(Defect::AlgNone),
            None if !self.is_empty() && !defects.contains(&Defect::BadType { name: "alg" }) => {
                defects.push(Defect::BadType { name: "alg" });
            }
            _ => {}
        }
    }

    fn judge_signature(
        &self,
        raw: &[u8],
        issuer: Option<&str>,
        policy: &Policy,
        defects: &mut Vec<Defect>,
    ) {
        let alg = self.alg.as_deref().unwrap_or_default();
        // The bytes that so many characters hold: right where the end is missing, too.
        let is_clean = raw
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let have = raw.len() * 3 / 4;
        let key = signature::key_length(&policy.keys, issuer, self.kid.as_deref(), alg);
        if let Some(want) = signature::wanted(alg, have, key).filter(|_| is_clean) {
            defects.push(Defect::ShortSignature { have, want });
        } else if STRICT.decode(raw).is_err() {
            defects.push(Defect::BadBase64 { part: "signature" });
        }
    }
}

/// Decodes a part and reads the object in it. What is wrong with it is added to `defects`; what can
/// be read in spite of that is given.
pub(super) fn object(
    part: &[u8],
    name: &'static str,
    wanted: &dyn Fn(&str) -> bool,
    defects: &mut Vec<Defect>,
) -> Option<json::Object> {
    let bytes = decode(part, name, defects)?;
    match json::object(bytes.expose(), wanted) {
        Ok(object) => {
            if object.duplicate {
                defects.push(Defect::DuplicateName { part: name });
            }
            if object.too_many {
                defects.push(Defect::TooMuch { what: "names" });
            }
            Some(object)
        }
        Err(Unreadable::TooDeep) => {
            defects.push(Defect::TooMuch { what: "nesting" });
            None
        }
        Err(Unreadable::Unfinished | Unreadable::NotAnObject) => {
            defects.push(Defect::BadJson { part: name });
            None
        }
    }
}

/// Base64url without padding, as RFC 7515 section 2 demands.
const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);
/// What most validators take all the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

fn decode(part: &[u8], name: &'static str, defects: &mut Vec<Defect>) -> Option<Secret> {
    if let Ok(bytes) = STRICT.decode(part) {
        return Some(Secret::new(bytes));
    }
    defects.push(Defect::BadBase64 { part: name });
    let url_safe = part
        .iter()
        .filter(|byte| **byte != b'=')
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        });
    let url_safe = Secret::new(url_safe.collect());
    LENIENT.decode(url_safe.expose()).ok().map(Secret::new)
}
