//! All credentials of a request, and the one of them that counts.

use std::sync::Arc;

use httparse::Header;

use super::carrier::{Found, Purpose, cookies, of_field, query, subprotocols};
use super::{Carrier, Credential, Echo, Inspector};

/// How many credentials of a request are kept besides the one that is judged.
pub const MAX_OTHERS: usize = 4;

/// What a request showed to be let in.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The credential that is judged: that of the `Authorization` field if there is one; else see
    /// docs/carriers.md.
    pub judged: Option<Arc<Credential>>,
    /// Others, the likeliest to count first: at most [`MAX_OTHERS`].
    pub others: Vec<Arc<Credential>>,
    /// How those are known that are not kept.
    pub left_out: Echo,
}

/// Where in a request's head credentials may be.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The target, as sent.
    pub target: &'a str,
    /// The fields.
    pub fields: &'a [Header<'a>],
    /// The value of an `Authorization` field that is not among them, because no parser takes it.
    pub authorization: Option<&'a [u8]>,
    /// The capture ended inside the last field, or inside the target where there is no field.
    pub cut: bool,
}

impl Inspector {
    /// The credentials of a request.
    pub fn all(&mut self, places: Places<'_>) -> Carried {
        let Places {
            target,
            fields,
            authorization,
            cut,
        } = places;
        let first = match authorization {
            Some(value) => {
                let name = "authorization";
                self.inspect(&[Header { name, value }], cut)
            }
            None => self.inspect(fields, cut),
        };
        let mut carried = Ranked::default();
        if let Some(credential) = first {
            carried.add(Purpose::Authorization, credential);
        }
        let is_one = |field: &&Header<'_>| field.name.eq_ignore_ascii_case("authorization");
        for more in fields.iter().filter(is_one).skip(1) {
            if let Some(credential) = self.inspect(std::slice::from_ref(more), cut) {
                carried.left_out.add(&credential.echo);
            }
        }
        let policy = self.policy();
        let carriers = &policy.carriers;
        if carriers.only_authorization() {
            return carried.sorted();
        }
        for (at, field) in fields.iter().enumerate() {
            let cut = cut && at + 1 == fields.len();
            let mut give = |found: Found<'_>| {
                let credential = self.read_found(&found, cut && found.last);
                carried.add(found.purpose, credential);
            };
            match field.name.len() {
                6 if field.name.eq_ignore_ascii_case("cookie") => {
                    cookies(field.value, carriers, give);
                }
                13 if field.name.eq_ignore_ascii_case("authorization") => {}
                22 if field.name.eq_ignore_ascii_case("sec-websocket-protocol") => {
                    subprotocols(field.value, give);
                }
                _ => of_field(field.name, field.value, carriers)
                    .into_iter()
                    .for_each(&mut give),
            }
        }
        query(target, carriers, |found| {
            let cut = cut && fields.is_empty() && found.last;
            carried.add(found.purpose, self.read_found(&found, cut));
        });
        carried.sorted()
    }
}

impl Carried {
    /// These, and one more.
    pub(super) fn and(self, credential: Arc<Credential>) -> Self {
        let mut ranked = Ranked {
            left_out: self.left_out,
            ..Ranked::default()
        };
        let all = self.judged.into_iter().chain(self.others);
        for one in all.chain([credential]) {
            ranked.add(one.carrier.purpose(), one);
        }
        ranked.sorted()
    }
}

/// The first of `others` that is another token than `judged` and was sent by another of the methods of RFC 6750
/// section 2, of which a client must use one.
pub(crate) fn second<'a>(
    judged: &Credential,
    others: &'a [Arc<Credential>],
) -> Option<&'a Credential> {
    let is_method = |credential: &Credential| {
        matches!(
            credential.carrier,
            Carrier::Authorization | Carrier::Form(_) | Carrier::Query(_)
        )
    };
    let differs = |other: &&Credential| {
        let both = judged.fingerprint.zip(other.fingerprint);
        is_method(other) && both.is_some_and(|(one, other)| one != other)
    };
    let mut others = others.iter().map(AsRef::as_ref);
    others.find(differs).filter(|_| is_method(judged))
}

/// Credentials with what they are there for.
#[derive(Default)]
struct Ranked {
    all: Vec<(Purpose, Arc<Credential>)>,
    left_out: Echo,
}

/// So many are looked at before the least of them are left out.
const MAX_FOUND: usize = 32;

impl Ranked {
    fn add(&mut self, purpose: Purpose, credential: Arc<Credential>) {
        if self.all.len() < MAX_FOUND {
            self.all.push((purpose, credential));
        } else {
            self.left_out.add(&credential.echo);
        }
    }

    fn sorted(mut self) -> Carried {
        // Stable: among those that are alike the first in the request comes first.
        self.all.sort_by_key(|(purpose, _)| *purpose);
        let mut all = self.all.into_iter().peekable();
        let judged = all
            .next_if(|(purpose, _)| *purpose < Purpose::Beside)
            .map(|(_, credential)| credential);
        let mut all = all.map(|(_, credential)| credential);
        let others = all.by_ref().take(MAX_OTHERS).collect();
        let mut left_out = self.left_out;
        all.for_each(|credential| left_out.add(&credential.echo));
        Carried {
            judged,
            others,
            left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::testing::{carried_with, good, policy};
    use crate::credential::{Carriers, ClaimAllowList, FingerprintKey, KeySets, Kind, Policy};
    use serde_json::json;

    fn carried(target: &str, fields: &[(&str, &str)]) -> Carried {
        carried_with(&mut Inspector::new(policy(false)), target, fields)
    }

    fn carriers(carried: &Carried) -> Vec<String> {
        let all = carried.judged.iter().chain(&carried.others);
        all.map(|credential| credential.carrier.to_string())
            .collect()
    }

    #[test]
    fn the_order_is_that_of_the_page_whatever_that_of_the_request_is() {
        let jwt = good(&json!({}));
        let all = carried(
            "/a?token=q",
            &[
                ("Proxy-Authorization", "Basic dTpw"),
                ("X-ID-Token", "i"),
                ("Cookie", "a=b; jwt=c"),
                ("Sec-WebSocket-Protocol", &format!("chat, {jwt}")),
                ("X-Custom", &jwt),
                ("x-access-token", "a"),
            ],
        );
        assert_eq!(
            carriers(&all),
            [
                "field:x-access-token",
                "field:x-custom",
                "websocket-protocol",
                "cookie:jwt",
                "query:token"
            ]
        );
        let rest = carried(
            "/",
            &[
                ("DPoP", &jwt),
                ("Proxy-Authorization", "Basic dTpw"),
                ("X-Amz-Security-Token", "i"),
                ("Authorization", "Bearer a"),
            ],
        );
        assert_eq!(
            carriers(&rest),
            [
                "authorization",
                "field:x-amz-security-token",
                "proxy-authorization",
                "field:dpop"
            ]
        );
    }

    #[test]
    fn a_proof_and_a_hint_let_nobody_in() {
        let jwt = good(&json!({}));
        let all = carried(&format!("/?id_token_hint={jwt}"), &[("dpop", &jwt)]);
        assert!(all.judged.is_none());
        assert_eq!(all.others.len(), 2);
    }

    #[test]
    fn the_same_token_is_known_in_every_place() {
        let jwt = good(&json!({"sub": "jo"}));
        let basic = base64::prelude::BASE64_STANDARD;
        let basic = base64::Engine::encode(&basic, format!("oauth2:{jwt}"));
        let mut inspector = Inspector::new(policy(true));
        let mut fingerprints = Vec::new();
        for (target, fields) in [
            ("/", vec![("Authorization", format!("Bearer {jwt}"))]),
            ("/", vec![("Authorization", format!("Basic {basic}"))]),
            ("/", vec![("x-goog-iap-jwt-assertion", jwt.clone())]),
            (
                "/",
                vec![("X-Serverless-Authorization", format!("bearer {jwt}"))],
            ),
            ("/", vec![("X-Whatever", format!("Bearer {jwt}"))]),
            (
                "/",
                vec![("Cookie", format!("a=b; CF_Authorization={jwt}"))],
            ),
            (
                "/",
                vec![("Cookie", {
                    let (one, two) = jwt.split_at(100);
                    format!("jwt_1={two}; jwt_0={one}")
                })],
            ),
            (
                &format!("/?access_token={}", jwt.replace('.', "%2e")),
                vec![],
            ),
        ] {
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let judged = carried_with(&mut inspector, target, &fields)
                .judged
                .unwrap();
            assert_eq!(judged.kind, Kind::Jwt, "{:?}", judged.carrier);
            assert_eq!(judged.defects, [], "{:?}", judged.carrier);
            assert!(judged.claims.as_ref().unwrap().subject.is_some());
            fingerprints.push(judged.fingerprint.unwrap());
        }
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), 1);
    }

    #[test]
    fn what_clouds_do_to_tokens_is_no_defect() {
        let jwt = good(&json!({}));
        let (message, _) = jwt.rsplit_once('.').unwrap();
        let removed = format!("Bearer {message}.SIGNATURE_REMOVED_BY_GOOGLE");
        let judged = carried("/", &[("X-Serverless-Authorization", &removed)]).judged;
        assert_eq!(judged.unwrap().defects, []);
        let padded: Vec<String> = jwt
            .split('.')
            .map(|part| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4)))
            .collect();
        let judged = carried("/", &[("X-Amzn-Oidc-Data", &padded.join("."))])
            .judged
            .unwrap();
        assert!(padded.join(".").contains('='));
        assert_eq!(judged.defects, []);
        assert!(judged.claims.is_some());
    }

    #[test]
    fn of_a_token_in_a_token_the_claims_are_those_of_the_inner_one() {
        let inner = good(&json!({"aud": "orders"}));
        let encode =
            |text: &str| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text);
        let of = |header: &str, rest: &str| {
            let token = format!("Bearer {}.{rest}", encode(header));
            let fields = [("Authorization", token.as_str())];
            carried_with(&mut Inspector::new(policy(true)), "/", &fields)
                .judged
                .unwrap()
        };
        let header = r#"{"alg":"RS256","kid":"rsa-1","cty":"JWT"}"#;
        let nested = of(
            header,
            &format!("{}.{}", encode(&inner), encode(&"s".repeat(256))),
        );
        assert_eq!(
            (nested.kind, nested.defects.as_slice()),
            (Kind::Jwt, &[][..])
        );
        let claims = nested.claims.as_ref().unwrap();
        assert_eq!(claims.audience, ["orders"]);
        assert_eq!(nested.signature, crate::credential::Signature::NotChecked);
        let encrypted = of(
            r#"{"alg":"dir","enc":"A256GCM","cty":"JWT"}"#,
            ".aXY.Y3Q.dGFn",
        );
        assert_eq!(encrypted.kind, Kind::Jwe);
        assert!(encrypted.claims.is_none());
        let header = encrypted.header.as_ref().unwrap();
        assert_eq!(header.cty.as_deref(), Some("JWT"));
    }

    #[test]
    fn others_are_bounded_and_off_is_off() {
        let many: String = (0..99).map(|at| format!("&jwt=opaque-{at}")).collect();
        let all = carried(&format!("/?{many}"), &[("Authorization", "Bearer a")]);
        assert_eq!(all.others.len(), MAX_OTHERS);
        assert!(all.left_out.is_unseen(), "nobody could know them all again");
        let all = carried(&format!("/?{}", many.split_at(200).0), &[]);
        assert!(!all.left_out.is_unseen());
        assert_eq!(
            all.left_out.hide("not opaque-7, and"),
            "not [redacted], and"
        );
        let policy = Policy::new(
            FingerprintKey::random().unwrap(),
            KeySets::default(),
            ClaimAllowList::default(),
        );
        let off = policy.reading(Carriers::of(["off"]).unwrap());
        let fields = [("Cookie", "jwt=a"), ("Authorization", "Bearer a")];
        let all = carried_with(&mut Inspector::new(Arc::new(off)), "/?token=a", &fields);
        assert_eq!(carriers(&all), ["authorization"]);
    }

    #[test]
    fn two_methods_with_two_tokens_are_one_too_many() {
        let second_of = |target: &str, field: (&str, &str)| {
            let all = carried(target, &[("Authorization", "Bearer a"), field]);
            let second = second(all.judged.as_deref().unwrap(), &all.others);
            second.map(|second| second.carrier.to_string())
        };
        assert_eq!(
            second_of("/?access_token=b", ("A", "b")).as_deref(),
            Some("query:access_token")
        );
        assert_eq!(second_of("/?access_token=a", ("A", "b")), None);
        assert_eq!(second_of("/", ("Cookie", "jwt=b")), None);
    }
}
