//! Parameters of the query that carry a token, RFC 6750 section 2.3.

use super::{Carrier, Carriers, Form, Found, Name, Purpose, decoded, is_nothing, shown};
use crate::credential::jwt;

/// Parameters that are known to carry a token, and what for.
const PARAMETERS: &[(&str, Purpose)] = &[
    ("access_token", Purpose::Query),
    ("id_token_hint", Purpose::Beside),
    ("jwt", Purpose::Query),
    ("token", Purpose::Query),
];

/// Gives the credentials in the query of a request's target.
pub(in crate::credential) fn query<'a>(
    target: &'a str,
    carriers: &Carriers,
    mut give: impl FnMut(Found<'a>),
) {
    let target = target.split('#').next().unwrap_or_default();
    let Some((_, query)) = target.split_once('?') else {
        return;
    };
    let mut pairs = query.split('&').peekable();
    while let Some(pair) = pairs.next() {
        let last = pairs.peek().is_none();
        let Some((name, raw)) = pair.split_once('=') else {
            continue;
        };
        let own = PARAMETERS.iter().find(|(own, _)| *own == name);
        let known = own
            .map(|(name, purpose)| (Name::Borrowed(*name), *purpose))
            .or_else(|| {
                let name = carriers.query(name)?;
                Some((Name::Owned(name.to_owned()), Purpose::Query))
            });
        let value = decoded(raw.as_bytes());
        let (name, purpose) = match known {
            Some(known) if !is_nothing(value.bytes()) => known,
            None if jwt::is_one(value.bytes()) => (shown(name), Purpose::Query),
            _ => continue,
        };
        give(Found {
            carrier: Carrier::Query(name),
            purpose,
            form: Form::Token,
            value,
            last,
        });
    }
}

/// What a parameter of this name is there for.
pub(super) fn purpose(name: &str) -> Purpose {
    let known = PARAMETERS.iter().find(|(own, _)| *own == name);
    known.map_or(Purpose::Query, |(_, purpose)| *purpose)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(target: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let carriers = Carriers::of(["query:key"]).unwrap();
        query(target, &carriers, |found| {
            let text = String::from_utf8(found.value.bytes().to_vec()).unwrap();
            all.push((found.carrier.to_string(), text));
        });
        all
    }

    #[test]
    fn parameters_are_found_by_name_and_by_shape() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        for (target, carrier, value) in [
            ("/a?x=1&access_token=a%2Eb#c", "query:access_token", "a.b"),
            ("/a?key=abc", "query:key", "abc"),
            (&format!("/a?ticket={jwt}"), "query:ticket", jwt),
            ("?id_token_hint=h", "query:id_token_hint", "h"),
        ] {
            assert_eq!(
                all(target),
                [(carrier.to_owned(), value.to_owned())],
                "{target}"
            );
        }
        for target in [
            "/a",
            "/a?",
            "/a?token",
            "/a?token=",
            "/a?b=c&&=",
            "/a#?token=x",
            "/token=x",
        ] {
            assert_eq!(all(target), [], "{target}");
        }
    }

    #[test]
    fn the_page_has_every_parameter() {
        let page = include_str!("../../../../docs/carriers.md");
        for (name, _) in PARAMETERS {
            assert!(page.contains(&format!("`{name}`")), "{name}");
        }
    }
}
