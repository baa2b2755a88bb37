//! Cookies that carry a token, RFC 6265 section 4.2.

use zeroize::Zeroizing;

use super::{Carrier, Carriers, Form, Found, Name, Purpose, Value, decoded, is_nothing, shown};
use crate::credential::jwt;

/// Cookies that are known to carry a token or a session, and what for.
const COOKIES: &[(&str, Purpose)] = &[
    ("AWSELBAuthSessionCookie", Purpose::Cookie),
    ("CF_Authorization", Purpose::Cookie),
    ("PA.global", Purpose::Cookie),
    ("__Secure-authjs.session-token", Purpose::Cookie),
    ("__Secure-next-auth.session-token", Purpose::Cookie),
    ("_oauth2_proxy", Purpose::Cookie),
    ("access_token", Purpose::Cookie),
    ("access_token_cookie", Purpose::Cookie),
    ("auth-token", Purpose::Cookie),
    ("auth_token", Purpose::Cookie),
    ("authjs.session-token", Purpose::Cookie),
    ("id_token", Purpose::Secondary),
    ("jwt", Purpose::Cookie),
    ("next-auth.session-token", Purpose::Cookie),
    ("refresh_token", Purpose::Secondary),
    ("refresh_token_cookie", Purpose::Secondary),
    ("token", Purpose::Cookie),
];

/// How many parts of a split cookie are put together. Browsers hold 4 KiB in each.
const MAX_PARTS: usize = 16;

/// Gives the credentials in the value of a `Cookie` field.
pub(in crate::credential) fn cookies<'a>(
    value: &'a [u8],
    carriers: &Carriers,
    mut give: impl FnMut(Found<'a>),
) {
    let mut split: Vec<Split<'a>> = Vec::new();
    let mut pairs = pairs(value).peekable();
    while let Some((name, raw)) = pairs.next() {
        let last = pairs.peek().is_none();
        if let Some((name, purpose)) = known(name, carriers) {
            let found = found(name, purpose, decoded(raw), last);
            found.into_iter().for_each(&mut give);
            continue;
        }
        if let Some((base, number)) = part(name)
            && let Some((name, purpose)) = known(base, carriers)
        {
            let at = split.iter().position(|one| one.name == name);
            let at = at.unwrap_or_else(|| {
                split.push(Split {
                    name,
                    purpose,
                    parts: Vec::new(),
                    last: false,
                });
                split.len() - 1
            });
            if let Some(split) = split.get_mut(at)
                && split.parts.len() < MAX_PARTS
            {
                split.parts.push((number, raw));
                split.last |= last;
            }
            continue;
        }
        // By its shape: few values begin so.
        if raw.starts_with(b"eyJ") {
            let token = decoded(raw);
            if let (true, Ok(name)) = (jwt::is_one(token.bytes()), str::from_utf8(name)) {
                give(Found {
                    carrier: Carrier::Cookie(shown(name)),
                    purpose: Purpose::Cookie,
                    form: Form::Token,
                    value: token,
                    last,
                });
            }
        }
    }
    split.into_iter().filter_map(Split::joined).for_each(give);
}

/// A token that a server put into several cookies, because one holds 4 KiB.
struct Split<'a> {
    name: Name,
    purpose: Purpose,
    parts: Vec<(u32, &'a [u8])>,
    last: bool,
}

impl<'a> Split<'a> {
    fn joined(mut self) -> Option<Found<'a>> {
        self.parts.sort_by_key(|(number, _)| *number);
        let length = self.parts.iter().map(|(_, part)| part.len()).sum();
        let mut whole = Zeroizing::new(Vec::with_capacity(length));
        self.parts
            .iter()
            .for_each(|(_, part)| whole.extend_from_slice(part));
        let value = match memchr::memchr(b'%', &whole) {
            Some(_) => super::percent_decoded(&whole, false),
            None => whole,
        };
        found(self.name, self.purpose, Value::Made(value), self.last)
    }
}

fn found(name: Name, purpose: Purpose, value: Value<'_>, last: bool) -> Option<Found<'_>> {
    (!is_nothing(value.bytes())).then_some(Found {
        carrier: Carrier::Cookie(name),
        purpose,
        form: Form::Token,
        value,
        last,
    })
}

/// What a cookie of this name is there for.
pub(super) fn purpose(name: &str) -> Purpose {
    let known = COOKIES.iter().find(|(own, _)| *own == name);
    known.map_or(Purpose::Cookie, |(_, purpose)| *purpose)
}

fn known(name: &[u8], carriers: &Carriers) -> Option<(Name, Purpose)> {
    let own = COOKIES.iter().find(|(own, _)| own.as_bytes() == name);
    own.map(|(name, purpose)| (Name::Borrowed(*name), *purpose))
        .or_else(|| {
            let name = carriers.cookie(name)?;
            Some((Name::Owned(name.to_owned()), Purpose::Cookie))
        })
}

/// The name that parts of a cookie share, and which part it is: `name_0`, `name-1`, `name.2`.
fn part(name: &[u8]) -> Option<(&[u8], u32)> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let (base, number) = name.split_at_checked(name.len().checked_sub(digits)?)?;
    let number = str::from_utf8(number).ok()?.parse().ok()?;
    let (separator, base) = base.split_last()?;
    matches!(separator, b'_' | b'-' | b'.').then_some((base, number))
}

/// Names and values, without the quotes that may stand around these.
fn pairs(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value.split(|byte| *byte == b';').filter_map(|pair| {
        let at = memchr::memchr(b'=', pair)?;
        let name = pair.get(..at)?.trim_ascii();
        let value = pair.get(at + 1..)?.trim_ascii();
        let bare = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""));
        Some((name, bare.unwrap_or(value)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: &str, carriers: &Carriers) -> Vec<(String, String)> {
        let mut all = Vec::new();
        cookies(value.as_bytes(), carriers, |found| {
            let text = String::from_utf8(found.value.bytes().to_vec()).unwrap();
            all.push((found.carrier.to_string(), text));
        });
        all
    }

    fn one(carrier: &str, value: &str) -> (String, String) {
        (carrier.to_owned(), value.to_owned())
    }

    #[test]
    fn known_cookies_are_found_among_others() {
        let none = Carriers::default();
        assert_eq!(
            all(
                "theme=dark; jwt=\"abc\"; a=b; access_token_cookie=d%2Ee",
                &none
            ),
            [
                one("cookie:jwt", "abc"),
                one("cookie:access_token_cookie", "d.e")
            ]
        );
        for nothing in [
            "",
            "=",
            "jwt=",
            "jwt",
            "jwt=null",
            "JWT=abc",
            "theme=eyJhbGci",
        ] {
            assert_eq!(all(nothing, &none), [], "{nothing}");
        }
        let own = Carriers::of(["cookie:sid"]).unwrap();
        assert_eq!(all("sid=abc", &own), [one("cookie:sid", "abc")]);
    }

    #[test]
    fn split_cookies_are_put_together_in_their_order() {
        assert_eq!(
            all(
                "_oauth2_proxy_1=world; a=b; _oauth2_proxy_0=hello; AWSELBAuthSessionCookie-0=x",
                &Carriers::default()
            ),
            [
                one("cookie:_oauth2_proxy", "helloworld"),
                one("cookie:AWSELBAuthSessionCookie", "x")
            ]
        );
        assert_eq!(part(b"next-auth.session-token.10").unwrap().1, 10);
        for name in [&b"7"[..], b"a7", b"a_", b"", b"a_99999999999"] {
            assert!(part(name).is_none());
        }
    }

    #[test]
    fn a_jwt_is_found_under_any_name() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(
            all(&format!("session_jwt={jwt}"), &Carriers::default()),
            [one("cookie:session_jwt", jwt)]
        );
        // A session as Flask signs it has no JOSE header.
        let flask = "eyJ1c2VyIjoxfQ.Zx1c2Q.c2lnbmF0dXJl";
        assert_eq!(all(&format!("session={flask}"), &Carriers::default()), []);
    }

    #[test]
    fn the_page_has_every_cookie() {
        let page = include_str!("../../../../docs/carriers.md");
        for (name, _) in COOKIES {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
