//! Fields that carry a token.

use super::{Carrier, Carriers, Form, Found, Purpose, Value, is_nothing, shown};
use crate::credential::jwt;

/// A field that is known to carry a credential.
pub(super) struct Known {
    /// In lower case.
    pub(super) name: &'static str,
    pub(super) purpose: Purpose,
    pub(super) form: Form,
}

const fn field(name: &'static str, purpose: Purpose, form: Form) -> Known {
    Known {
        name,
        purpose,
        form,
    }
}

use Form::{Scheme, Token};
use Purpose::{Access, Beside, Proxy, Secondary};

/// In the order of the lengths of their names, so that a name is compared with few.
pub(super) const FIELDS: &[Known] = &[
    field("dpop", Beside, Token),
    field("apikey", Access, Token),
    field("job-token", Access, Token),
    field("x-id-token", Secondary, Token),
    field("x-auth-token", Access, Token),
    field("oidc_id_token", Secondary, Token),
    field("private-token", Access, Token),
    field("x-vault-token", Access, Token),
    field("x-access-token", Access, Token),
    field("x-jwt-assertion", Access, Token),
    field("x-subject-token", Secondary, Token),
    field("x-amzn-oidc-data", Access, Token),
    field("oidc_access_token", Access, Token),
    field("oidc_refresh_token", Secondary, Token),
    field("proxy-authorization", Proxy, Scheme),
    field("x-amz-security-token", Secondary, Token),
    field("x-hasura-admin-secret", Access, Token),
    field("cf-access-jwt-assertion", Access, Token),
    field("x-amzn-oidc-accesstoken", Access, Token),
    field("x-ms-token-aad-id-token", Secondary, Token),
    field("x-forwarded-access-token", Access, Token),
    field("x-goog-iap-jwt-assertion", Access, Token),
    field("x-forwarded-authorization", Access, Scheme),
    field("x-serverless-authorization", Access, Scheme),
    field("grpc-metadata-authorization", Access, Scheme),
    field("x-auth-request-access-token", Access, Token),
    field("x-ms-token-aad-access-token", Access, Token),
    field("x-ms-token-aad-refresh-token", Secondary, Token),
];

/// The credential of a field other than `Authorization`, `Cookie` and `Sec-WebSocket-Protocol`.
pub(in crate::credential) fn of_field<'a>(
    name: &str,
    value: &'a [u8],
    carriers: &Carriers,
) -> Option<Found<'a>> {
    let found = |carrier, purpose, form| Found {
        carrier,
        purpose,
        form,
        value: Value::Sent(value),
        last: true,
    };
    if let Some(known) = known(name) {
        let carrier = match known.purpose {
            Proxy => Carrier::ProxyAuthorization,
            _ => Carrier::Field(known.name.into()),
        };
        return (!is_nothing(value)).then(|| found(carrier, known.purpose, known.form));
    }
    if let Some(name) = carriers.field(name) {
        let carrier = Carrier::Field(name.to_owned().into());
        return (!is_nothing(value)).then(|| found(carrier, Access, Token));
    }
    // `eyJ` is how each JWT begins; few values begin so.
    let token = match value.first()? {
        b'e' => value,
        b'B' | b'b' => {
            value
                .split_at_checked(7)
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))?
                .1
        }
        _ => return None,
    };
    jwt::is_one(token).then(|| {
        let carrier = Carrier::Field(shown(&name.to_ascii_lowercase()));
        found(carrier, Purpose::Shape, Token)
    })
}

/// What a field of this name is there for.
pub(super) fn purpose(name: &str) -> Purpose {
    known(name).map_or(Purpose::Shape, |known| known.purpose)
}

fn known(name: &str) -> Option<&'static Known> {
    let start = usize::from(*STARTS.get(name.len())?);
    let end = usize::from(*STARTS.get(name.len() + 1)?);
    let same = |known: &&Known| known.name.eq_ignore_ascii_case(name);
    FIELDS.get(start..end)?.iter().find(same)
}

/// The longest name in [`FIELDS`].
const LONGEST: usize = 28;

/// Where in [`FIELDS`] the names of each length begin.
const STARTS: [u8; LONGEST + 2] = {
    let mut starts = [0; LONGEST + 2];
    let mut length = 0;
    while length < starts.len() {
        let mut at = 0;
        while at < FIELDS.len() && FIELDS[at].name.len() < length {
            at += 1;
        }
        assert!(at < 256);
        starts[length] = at as u8;
        length += 1;
    }
    assert!(starts[LONGEST + 1] as usize == FIELDS.len());
    starts
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_field_is_found_whatever_its_letters_are() {
        assert!(FIELDS.is_sorted_by_key(|known| known.name.len()));
        for field in FIELDS {
            assert_eq!(known(field.name).unwrap().name, field.name);
            let name = field.name.to_ascii_uppercase();
            assert_eq!(known(&name).unwrap().name, field.name);
            assert!(known(&format!("{name}x")).is_none());
        }
        for name in ["", "host", "x", &"x".repeat(300)] {
            assert!(known(name).is_none());
        }
    }

    #[test]
    fn the_page_has_every_field() {
        let page = include_str!("../../../../docs/carriers.md");
        for field in FIELDS {
            let is_named = page
                .to_ascii_lowercase()
                .contains(&format!("`{}`", field.name));
            assert!(is_named, "{}", field.name);
        }
    }
}
