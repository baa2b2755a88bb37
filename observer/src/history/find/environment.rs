//! Tokens of another environment or tenant.

use crate::history::active::Beginning;
use crate::history::condition::Condition;
use crate::history::memory::Accepts;
use crate::history::sighting::Why;

use super::Find;

/// So many refusals that name the issuer or the audience are wanted.
const WANTED: u32 = 3;
/// Where no cause is named, so many of so many tokens.
const UNSAID_WANTED: u32 = 5;
const TOKENS_WANTED: u32 = 2;
/// What a service accepts it has accepted so often.
const ACCEPTED: u32 = 5;

/// How two issuers or audiences differ that are alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::history) enum Relation {
    /// In a slash at the end.
    Slash,
    /// In `http` and `https`.
    Scheme,
    /// In the path: a tenant or a realm.
    Path,
    /// In the host, of the same organisation or of this machine.
    Host,
}

/// How two are related. `None`: they are the same, or not alike.
pub(in crate::history) fn relation(a: &str, b: &str) -> Option<Relation> {
    if a == b {
        return None;
    }
    if a.trim_end_matches('/') == b.trim_end_matches('/') {
        return Some(Relation::Slash);
    }
    let (a_scheme, a) = a.split_once("://")?;
    let (b_scheme, b) = b.split_once("://")?;
    let (a, b) = (a.trim_end_matches('/'), b.trim_end_matches('/'));
    if a == b {
        return (a_scheme != b_scheme).then_some(Relation::Scheme);
    }
    let (a_host, a_path) = a.split_once('/').unwrap_or((a, ""));
    let (b_host, b_path) = b.split_once('/').unwrap_or((b, ""));
    if a_host == b_host {
        return (a_path != b_path).then_some(Relation::Path);
    }
    let is_here = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ["localhost", "127.0.0.1", "[::1]", "host.docker.internal"].contains(&name)
    };
    let is_alike = is_here(a_host) || is_here(b_host) || domain(a_host) == domain(b_host);
    is_alike.then_some(Relation::Host)
}

/// What is registered, as far as that can be told without a list: the last two labels; three where those are
/// short, as in `co.uk`.
fn domain(host: &str) -> &str {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at + 1);
    let _top = dots.next();
    let second = dots.next().unwrap_or(0);
    let short = name.len() - second <= "com.au".len();
    let start = if short {
        dots.next().unwrap_or(0)
    } else {
        second
    };
    name.get(start..).unwrap_or(name)
}

impl Relation {
    fn says(self) -> &'static str {
        match self {
            Self::Slash => "they differ in a slash at the end",
            Self::Scheme => "they differ in http and https",
            Self::Path => "they are of the same host",
            Self::Host => "they are of hosts that belong together",
        }
    }
}

impl Find<'_> {
    /// Whether the token is of another environment than those that the service accepts.
    pub(super) fn environment(&mut self) -> bool {
        let scene = self.scene;
        let is_unsaid = matches!(self.why, Why::Unsaid | Why::Key);
        if !matches!(self.why, Why::Issuer | Why::Audience) && !is_unsaid {
            return false;
        }
        let Some(known) = self.known().filter(|known| known.kind_accepted == 0) else {
            return false;
        };
        for condition in [Condition::WrongEnvironment, Condition::WrongTenant] {
            if self.again(scene.key(condition, known.jwt.kind)) {
                return true;
            }
        }
        let Some(kind) = self.memory.kinds.peek(known.jwt.kind) else {
            return false;
        };
        let row = &kind.streak;
        let is_enough = match is_unsaid {
            true => row.count >= UNSAID_WANTED && row.tokens.count() >= TOKENS_WANTED,
            false => row.count >= WANTED,
        };
        let Some(service) = self
            .memory
            .services
            .peek(scene.at.service)
            .filter(|_| is_enough)
        else {
            return false;
        };
        let issuer = scene.issuer().issuer.unwrap_or_default();
        let (own, list): (Vec<&str>, &[Accepts]) = match self.why {
            Why::Audience => {
                let credential = scene.sighting.credential();
                let claims = credential.and_then(|credential| credential.claims.as_ref());
                let audience = claims.map(|claims| claims.audience.iter().map(String::as_str));
                (audience.into_iter().flatten().collect(), &service.audiences)
            }
            _ => (vec![&issuer], &service.issuers),
        };
        let what = if self.why == Why::Audience {
            "aud"
        } else {
            "iss"
        };
        let accepted = || list.iter().filter(|one| one.count >= ACCEPTED);
        if accepted().next().is_none()
            || own
                .iter()
                .any(|own| accepted().any(|one| *one.text == **own))
        {
            return false;
        }
        let found = own.iter().find_map(|own| {
            accepted().find_map(|one| Some((*own, one, relation(own, &one.text)?)))
        });
        let (condition, evidence) = match found {
            Some((own, one, relation)) => {
                let own = crate::redact::label(own, 128);
                let says = relation.says();
                let evidence = format!(
                    "{what} is {own}, and the service accepted {} tokens with {}: {says}",
                    one.count, one.text
                );
                let condition = match relation {
                    Relation::Path if what == "iss" => Condition::WrongTenant,
                    _ => Condition::WrongEnvironment,
                };
                (condition, evidence)
            }
            // Somebody accepts it, and the service names the issuer.
            None if self.why == Why::Issuer
                && self.memory.issuers.known.peek(known.jwt.issuer).is_some() =>
            {
                let evidence = "another service seen here accepts tokens of this issuer".to_owned();
                (Condition::WrongEnvironment, evidence)
            }
            None => return false,
        };
        let beginning = Beginning::of(scene.issuer(), row, vec![evidence]);
        self.begin(scene.key(condition, known.jwt.kind), beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_of_one_organisation_are_related() {
        for (a, b, wanted) in [
            (
                "https://id.example.com/",
                "https://id.example.com",
                Some(Relation::Slash),
            ),
            (
                "http://id.example.com",
                "https://id.example.com",
                Some(Relation::Scheme),
            ),
            (
                "https://id.example.com/a",
                "https://id.example.com/b",
                Some(Relation::Path),
            ),
            (
                "https://id.dev.example.com",
                "https://id.example.com",
                Some(Relation::Host),
            ),
            (
                "https://id-dev.example.com:8443/x",
                "https://id.example.com/x",
                Some(Relation::Host),
            ),
            (
                "http://localhost:8080/realms/a",
                "https://id.example.com/realms/a",
                Some(Relation::Host),
            ),
            ("https://id.a.co.uk", "https://id.b.co.uk", None),
            (
                "https://id.a.co.uk",
                "https://x.a.co.uk",
                Some(Relation::Host),
            ),
            ("https://id.example.com", "https://id.example.org", None),
            ("https://id.example.com", "https://id.example.com", None),
            ("orders", "billing", None),
            ("", "", None),
            ("https://", "https://.", None),
        ] {
            assert_eq!(relation(a, b), wanted, "{a} {b}");
        }
    }
}
