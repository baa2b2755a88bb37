//! Tokens in the compact form of JOSE (RFC 7515 section 3.1, RFC 7516 section 3.1), read defensively.

use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use serde_json::Value;

use super::json::{self, Unreadable};
use super::keys::Algorithm;
use super::secret::Secret;
use super::{
    Claims, Defect, JoseHeader, KeySet, Kind, Policy, Proof, Signature, claims, signature,
};
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
    pub(super) proof: Option<Proof>,
}

impl Reading {
    pub(super) fn of(kind: Kind) -> Self {
        Self {
            kind,
            header: None,
            claims: None,
            defects: Vec::new(),
            signature: Signature::default(),
            proof: None,
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

/// Whether a value is a token in the compact form beyond doubt: three or five parts, the first of which is
/// a JOSE header. For values of which nothing else says what they are.
pub(super) fn is_one(value: &[u8]) -> bool {
    if !value.starts_with(b"eyJ") || value.len() > MAX_TOKEN {
        return false;
    }
    let parts = value.split(|byte| *byte == b'.').count();
    let header = value.split(|byte| *byte == b'.').next();
    let header = header.and_then(|part| Header::read(part, false, &mut Vec::new()));
    matches!(parts, 3 | 5) && header.is_some_and(|header| header.alg.is_some())
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
    let mut is_nested = false;
    if let Some(payload) = part(1).filter(|_| !(cut && is_last(1))) {
        let inner = inner(payload, &raw_header);
        is_nested = inner.is_some();
        claims = match inner {
            Some(payload) => claims::read(payload.expose(), policy, &mut defects),
            None => claims::read(payload, policy, &mut defects),
        };
    }
    let mut state = Signature::NotChecked;
    let mut proof = None;
    if let Some(raw) = part(2).filter(|raw| parts.len() == 3 && !cut && *raw != REMOVED) {
        let issuer = claims
            .as_ref()
            .and_then(|claims| claims.raw_issuer.as_deref());
        let signed = raw_header.judge_signature(raw, issuer, policy, &mut defects);
        // The issuer of an inner token did not make the outer signature.
        if let Some(signed) = signed.filter(|_| claims.is_some() && !is_nested) {
            let message = token.get(..token.len() - raw.len() - 1).unwrap_or_default();
            let (kid, alg) = (raw_header.kid.as_deref(), raw_header.alg.as_deref());
            state = signature::check(&policy.keys, issuer, kid, alg, message, &signed);
            if state == Signature::NotChecked {
                proof = Proof::of(issuer, kid, alg, message, signed);
            }
        }
    }
    let claims = claims.map(|read| read.claims);
    Reading {
        kind: Kind::Jwt,
        header,
        claims,
        defects,
        signature: state,
        proof,
    }
}

/// What a key set says of the signature of a token in the compact form of JWS (RFC 7515 section 5.2),
/// whatever it signs. [`Signature::NotChecked`] where it is no such token, or was not made as one must be.
pub fn check(token: &str, set: &KeySet) -> Signature {
    let parts: Vec<&str> = token.splitn(4, '.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        return Signature::NotChecked;
    };
    let mut defects = Vec::new();
    let read = Header::read(header.as_bytes(), false, &mut defects);
    decode(payload.as_bytes(), "payload", &mut defects);
    let Some(read) = read.filter(|_| defects.is_empty()) else {
        return Signature::NotChecked;
    };
    let alg = read.alg.as_deref().filter(|alg| signature::is_known(alg));
    match alg.map(Algorithm::named) {
        None => Signature::NotChecked,
        Some(None) => Signature::NotCheckable,
        Some(Some(algorithm)) => {
            let signed = token.len() - signature.len() - 1;
            let message = token.as_bytes().get(..signed).unwrap_or_default();
            match STRICT.decode(signature) {
                Ok(signature) => {
                    signature::against(set, read.kid.as_deref(), algorithm, message, &signature)
                }
                Err(_) => Signature::NotChecked,
            }
        }
    }
}

/// What Cloud Run puts in place of a signature, so that nobody can use the token again.
const REMOVED: &[u8] = b"SIGNATURE_REMOVED_BY_GOOGLE";

/// The payload of the signed token that is the payload of another (RFC 7519 section 5.2). What is deeper is
/// not looked at.
fn inner(payload: &[u8], header: &Header) -> Option<Secret> {
    let cty = header.cty.as_deref()?;
    let token = LENIENT.decode(payload).ok().map(Secret::new)?;
    let is_nested = cty.eq_ignore_ascii_case("JWT") && is_one(token.expose());
    let mut parts = token.expose().split(|byte| *byte == b'.');
    let payload = parts.nth(1)?.to_vec();
    (is_nested && parts.count() == 1).then(|| Secret::new(payload))
}

/// The header as sent: `kid` must be compared as it is, not as it is shown.
#[derive(Default)]
struct Header {
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    enc: Option<String>,
    cty: Option<String>,
    others: Vec<String>,
}

impl Header {
    fn read(part: &[u8], cut: bool, defects: &mut Vec<Defect>) -> Option<Self> {
        if cut {
            return None;
        }
        let wanted = |name: &str| matches!(name, "alg" | "kid" | "typ" | "enc" | "cty");
        let object = object(part, "header", &wanted, defects)?;
        let mut header = Self::default();
        for (name, value) in object.members {
            let (slot, name) = match name.as_str() {
                "alg" => (&mut header.alg, "alg"),
                "kid" => (&mut header.kid, "kid"),
                "typ" => (&mut header.typ, "typ"),
                "enc" => (&mut header.enc, "enc"),
                "cty" => (&mut header.cty, "cty"),
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
        let fields = [&self.alg, &self.kid, &self.typ, &self.enc, &self.cty];
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
            cty: label(&self.cty),
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

    /// Gives the bytes of a signature that is as one must be.
    fn judge_signature(
        &self,
        raw: &[u8],
        issuer: Option<&str>,
        policy: &Policy,
        defects: &mut Vec<Defect>,
    ) -> Option<Vec<u8>> {
        let alg = self.alg.as_deref().unwrap_or_default();
        // The bytes that so many characters hold: right where the end is missing, too.
        let is_clean = || {
            raw.iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let have = raw.len() * 3 / 4;
        let key = signature::key_length(&policy.keys, issuer, self.kid.as_deref(), alg);
        if let Some(want) = signature::wanted(alg, have, key).filter(|_| is_clean()) {
            defects.push(Defect::ShortSignature { have, want });
            return None;
        }
        let decoded = STRICT.decode(raw).ok();
        if decoded.is_none() {
            defects.push(Defect::BadBase64 { part: "signature" });
        }
        decoded
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
