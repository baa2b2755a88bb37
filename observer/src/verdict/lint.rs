//! What a token should not be, whether or not anybody refuses it.
//!
//! A lint is about how an issuer makes tokens, or about which token a client sends. It says nothing about why
//! a request was refused.

use super::cause::ids;
use crate::credential::{Claims, Credential, Defect, Kind};

ids! {
    /// One thing that a token should not be. docs/lints.md has every one.
    Lint {
        /// `alg` is `none`: anybody can make it.
        AlgNone = "alg_none",
        /// `alg` is symmetric: whoever checks it can make it.
        AlgSymmetric = "alg_symmetric",
        /// `alg` is broken.
        AlgWeak = "alg_weak",
        /// `aud` is a wildcard.
        AudienceWildcard = "aud_wildcard",
        /// An ID token in the place of an access token.
        IdToken = "id_token_as_access",
        /// It lives longer than a day.
        LifetimeLong = "lifetime_long",
        /// It expires before it was issued.
        LifetimeNegative = "lifetime_negative",
        /// It lives less than a minute.
        LifetimeShort = "lifetime_short",
        /// A time is in milliseconds.
        Milliseconds = "milliseconds",
        /// There is no `aud`.
        MissingAudience = "missing_aud",
        /// There is no `exp`: it never expires.
        MissingExpiry = "missing_exp",
        /// There is no `iat`.
        MissingIssued = "missing_iat",
        /// There is no `iss`.
        MissingIssuer = "missing_iss",
        /// There is no `kid`, though keys are public ones.
        MissingKeyId = "missing_kid",
        /// There is no `sub`.
        MissingSubject = "missing_sub",
        /// Claims that are about a person.
        PersonalData = "personal_data",
        /// A refresh token in the place of an access token.
        RefreshToken = "refresh_token_as_access",
        /// A scope that allows everything.
        ScopeBroad = "scope_broad",
    }
}

/// A lint of a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Linted {
    /// Which.
    pub lint: Lint,
    /// The fact, as a clause. It has names of claims, and no values but those that events show.
    pub fact: String,
}

/// The lints of a token, by their ids. None of one that was cut or is no JWT.
///
/// It depends on the token alone: not on the time, the service, or the answer.
pub fn lints(credential: &Credential) -> Vec<Linted> {
    let is_readable = matches!(credential.kind, Kind::Jwt | Kind::Jwe) && !credential.cut;
    let mut found = Found(Vec::new());
    if is_readable {
        found.of_header(credential);
        if let Some(claims) = &credential.claims {
            let has = |name: &'static str| is_wrong(credential, name);
            found.of_times(claims, &credential.defects, &has);
            found.of_addressee(claims, &has);
            found.of_contents(claims);
        }
    }
    found.0.sort_by_key(|linted| linted.lint);
    found.0
}

/// Whether a claim is there with a wrong type, which is no lint but a defect.
fn is_wrong(credential: &Credential, name: &'static str) -> bool {
    credential.defects.contains(&Defect::BadType { name })
}

/// A token that lives longer than this is hard to take back, in seconds.
const LONG: f64 = 86_400.0;
/// One that lives less than this has often expired on its way.
const SHORT: f64 = 60.0;

struct Found(Vec<Linted>);

impl Found {
    fn push(&mut self, lint: Lint, fact: impl Into<String>) {
        let fact = fact.into();
        self.0.push(Linted { lint, fact });
    }

    fn of_header(&mut self, credential: &Credential) {
        let Some(header) = &credential.header else {
            return;
        };
        let alg = header.alg.as_deref().unwrap_or_default();
        if alg.eq_ignore_ascii_case("none") {
            self.push(Lint::AlgNone, "alg is none: anybody can make such a token");
        } else if WEAK.contains(&alg) {
            self.push(Lint::AlgWeak, format!("alg is {alg}, which is broken"));
        } else if alg.starts_with("HS") {
            let fact = format!("alg is {alg}: whoever can check it can make it");
            self.push(Lint::AlgSymmetric, fact);
        }
        let is_public = ["RS", "ES", "PS", "Ed"]
            .iter()
            .any(|start| alg.starts_with(start));
        if credential.kind == Kind::Jwt && is_public && header.kid.is_none() {
            let fact = "the header has no kid, so keys cannot be changed without a break";
            self.push(Lint::MissingKeyId, fact);
        }
    }

    fn of_times(
        &mut self,
        claims: &Claims,
        defects: &[Defect],
        wrong: &dyn Fn(&'static str) -> bool,
    ) {
        let mut in_milliseconds = false;
        for defect in defects {
            if let Defect::Milliseconds { name } = defect {
                in_milliseconds = true;
                let fact = format!("{name} is in milliseconds, where validators read seconds");
                self.push(Lint::Milliseconds, fact);
            }
        }
        if claims.expires.is_none() && !wrong("exp") {
            self.push(Lint::MissingExpiry, "it has no exp: it never expires");
        }
        if claims.issued.is_none() && !wrong("iat") {
            self.push(
                Lint::MissingIssued,
                "it has no iat: nobody knows how old it is",
            );
        }
        let from = claims.issued.or(claims.not_before);
        let (Some(from), Some(expires)) = (from, claims.expires) else {
            return;
        };
        let lives = expires - from;
        if in_milliseconds || !lives.is_finite() {
            return;
        }
        if lives <= 0.0 {
            self.push(Lint::LifetimeNegative, "it expires before it was issued");
        } else if lives < SHORT {
            self.push(Lint::LifetimeShort, format!("it lives {lives:.0} s"));
        } else if lives > LONG && !is_refresh(claims) {
            let fact = format!("it lives {:.1} days", lives / 86_400.0);
            self.push(Lint::LifetimeLong, fact);
        }
    }

    fn of_addressee(&mut self, claims: &Claims, wrong: &dyn Fn(&'static str) -> bool) {
        if claims.issuer.is_none() && !wrong("iss") {
            self.push(Lint::MissingIssuer, "it has no iss");
        }
        if claims.audience.is_empty() && !wrong("aud") {
            let fact = "it has no aud: every service takes it that trusts the issuer";
            self.push(Lint::MissingAudience, fact);
        }
        if claims.subject.is_none() && !wrong("sub") {
            self.push(Lint::MissingSubject, "it has no sub");
        }
        let wild = claims.audience.iter().find(|audience| {
            audience.contains('*') || matches!(audience.as_str(), "" | "any" | "all")
        });
        if let Some(wild) = wild {
            self.push(Lint::AudienceWildcard, format!("aud has {wild:?}"));
        }
    }

    fn of_contents(&mut self, claims: &Claims) {
        let broad: Vec<&str> = claims
            .scopes
            .iter()
            .map(String::as_str)
            .filter(|scope| is_broad(scope))
            .collect();
        if !broad.is_empty() {
            let fact = format!("the scope {} allows everything", broad.join(" "));
            self.push(Lint::ScopeBroad, fact);
        }
        let personal: Vec<&str> = names(claims)
            .filter(|name| is_personal(name))
            .take(MAX_NAMED)
            .collect();
        if !personal.is_empty() {
            let fact = format!("claims about a person: {}", personal.join(", "));
            self.push(Lint::PersonalData, fact);
        }
        if is_refresh(claims) {
            self.push(
                Lint::RefreshToken,
                "its claims say that it is a refresh token",
            );
        } else if is_id_token(claims) {
            self.push(Lint::IdToken, "its claims are those of an ID token");
        }
    }
}

/// How many claims a fact names.
const MAX_NAMED: usize = 8;

/// RSASSA and HMAC with SHA-1, and RSAES-PKCS1-v1_5 (RFC 8725 section 3.2).
const WEAK: &[&str] = &["RS1", "HS1", "RSA1_5"];

/// The names of all claims that were kept.
fn names(claims: &Claims) -> impl Iterator<Item = &str> {
    let shown = claims.shown.keys().chain(&claims.withheld);
    shown.map(String::as_str)
}

fn is_broad(scope: &str) -> bool {
    let scope = scope.to_ascii_lowercase();
    let end = scope.rsplit(['/', ':', '.']).next().unwrap_or_default();
    matches!(
        end,
        "*" | "full_access" | "fullaccess" | "full-access" | "superuser" | "root"
    ) || matches!(
        scope.as_str(),
        "admin" | "all" | "full" | "everything" | "sudo"
    ) || scope.ends_with("auth/cloud-platform")
}

/// The claims of OpenID Connect Core section 5.1 that identify a person, and what else is called so. `sub`
/// is not among them: it should be a number that says nothing.
fn is_personal(name: &str) -> bool {
    let plain: String = name
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    PERSONAL.contains(&plain.as_str())
}

/// In small letters, without what separates words.
const PERSONAL: &[&str] = &[
    "address",
    "birthdate",
    "birthday",
    "creditcard",
    "dateofbirth",
    "dob",
    "email",
    "emailaddress",
    "familyname",
    "firstname",
    "fullname",
    "gender",
    "givenname",
    "iban",
    "ipaddr",
    "ipaddress",
    "lastname",
    "mail",
    "middlename",
    "mobile",
    "name",
    "nationalid",
    "nickname",
    "onpremisessamaccountname",
    "passport",
    "password",
    "personnummer",
    "phone",
    "phonenumber",
    "picture",
    "postalcode",
    "preferredusername",
    "profile",
    "socialsecuritynumber",
    "ssn",
    "surname",
    "taxid",
    "telephone",
    "uniquename",
    "upn",
    "username",
    "zoneinfo",
];

fn is_refresh(claims: &Claims) -> bool {
    claims
        .marked(&["refresh", "refresh_token", "offline"])
        .is_some()
}

/// Marked so, or with the claims that only ID tokens have (OpenID Connect Core section 3.1.3.6) and no scope.
fn is_id_token(claims: &Claims) -> bool {
    let has = |name: &str| names(claims).any(|own| own == name);
    let has_no_scope = claims.scopes.is_empty();
    claims.marked(&["id", "id_token"]).is_some()
        || (has_no_scope && (has("at_hash") || has("c_hash") || has("nonce")))
}

#[cfg(test)]
mod tests;
