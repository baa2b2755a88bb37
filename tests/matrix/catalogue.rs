//! The validators: what each is, how it is started, and what it takes. Each is set up in a folder of its
//! own below tests/lab as its documentation shows.

/// One validator.
pub struct Validator {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// The language of the service.
    pub language: &'static str,
    /// How it is started.
    pub by: By,
    /// The packages whose versions are told, the validator's first.
    pub packages: &'static [&'static str],
    /// What it verifies with.
    pub algorithm: Algorithm,
    /// How far clocks may differ, in seconds: what it is given, or its default where that cannot be told it.
    pub leeway: i64,
    /// Whether it says why. Two of them are two columns of the matrix.
    pub details: &'static [Details],
    /// What it can be asked for beyond a plain look at the token.
    pub can: &'static [Can],
    /// Claims that its own tokens have more than others, as JSON.
    pub claims: &'static str,
    /// The `typ` of its tokens.
    pub typ: &'static str,
    /// Whether it is in the small lab.
    pub small: bool,
}

/// How a validator is started, which tells where its package is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum By {
    Apache,
    Go,
    Haproxy,
    Nginx,
    Node,
    Perl,
    Php,
    Python,
    Ruby,
    Rust,
}

/// What a token is signed with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    Es256,
    Hs256,
    Rs256,
}

/// Whether a validator says why it refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Details {
    /// Where it lets one choose: yes.
    On,
    /// Where it lets one choose: no.
    Off,
    /// It does as it does.
    Fixed,
}

/// What some validators do and others do not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Can {
    /// Tells access tokens from others by a claim.
    Type,
    /// Refuses tokens that were revoked.
    Revoke,
    /// Demands a scope.
    Scope,
    /// Refuses who is known and may not.
    Deny,
}

/// The `jti` of the token that is revoked.
pub const REVOKED: &str = "revoked-7f3a";

/// Where libraries of PHP are, from the root of the project: those that an application of Debian brings.
pub const COMPOSER: &str =
    "target/validators/php/usr/share/ldap-account-manager/lib/3rdParty/composer";

const BOTH: &[Details] = &[Details::On, Details::Off];
const FIXED: &[Details] = &[Details::Fixed];

/// What most have in common.
const USUAL: Validator = Validator {
    name: "",
    language: "",
    by: By::Node,
    packages: &[],
    algorithm: Algorithm::Rs256,
    leeway: 0,
    details: BOTH,
    can: &[Can::Scope],
    claims: "{}",
    typ: "JWT",
    small: false,
};

/// Every validator of the lab.
pub const VALIDATORS: &[Validator] = &[
    Validator {
        name: "haproxy",
        language: "C",
        by: By::Haproxy,
        packages: &["haproxy"],
        small: true,
        ..USUAL
    },
    Validator {
        name: "mod_auth_openidc",
        language: "C",
        by: By::Apache,
        packages: &["libapache2-mod-auth-openidc", "apache2-bin"],
        details: FIXED,
        ..USUAL
    },
    Validator {
        name: "mod_oauth2",
        language: "C",
        by: By::Apache,
        packages: &["libapache2-mod-oauth2", "apache2-bin"],
        algorithm: Algorithm::Es256,
        details: FIXED,
        ..USUAL
    },
    Validator {
        name: "nginx",
        language: "C",
        by: By::Nginx,
        packages: &["nginx-light"],
        algorithm: Algorithm::Es256,
        leeway: 60,
        small: true,
        ..USUAL
    },
    Validator {
        name: "golang-jwt",
        language: "Go",
        by: By::Go,
        packages: &["golang-github-golang-jwt-jwt-dev"],
        can: &[Can::Scope, Can::Deny],
        ..USUAL
    },
    Validator {
        name: "gin-jwt",
        language: "Go",
        by: By::Go,
        packages: &[
            "golang-github-appleboy-gin-jwt-dev",
            "golang-github-gin-gonic-gin-dev",
        ],
        algorithm: Algorithm::Hs256,
        can: &[Can::Deny],
        ..USUAL
    },
    Validator {
        name: "ruby-jwt",
        language: "Ruby",
        by: By::Ruby,
        packages: &["ruby-jwt", "ruby-webrick"],
        can: &[Can::Scope, Can::Deny, Can::Revoke],
        small: true,
        ..USUAL
    },
    Validator {
        name: "crypt-jwt",
        language: "Perl",
        by: By::Perl,
        packages: &["libcrypt-jwt-perl", "libmojolicious-perl"],
        algorithm: Algorithm::Es256,
        leeway: 30,
        ..USUAL
    },
    Validator {
        name: "web-token",
        language: "PHP",
        by: By::Php,
        packages: &["web-token/jwt-easy", "php8.2-cli"],
        leeway: 30,
        ..USUAL
    },
    Validator {
        name: "fastapi",
        language: "Python",
        by: By::Python,
        packages: &["PyJWT[crypto]", "fastapi"],
        algorithm: Algorithm::Es256,
        can: &[Can::Scope, Can::Deny],
        small: true,
        ..USUAL
    },
    Validator {
        name: "flask-jwt-extended",
        language: "Python",
        by: By::Python,
        packages: &["Flask-JWT-Extended", "PyJWT[crypto]", "Flask"],
        algorithm: Algorithm::Hs256,
        leeway: 30,
        can: &[Can::Scope, Can::Deny, Can::Revoke, Can::Type],
        claims: r#"{"jti": "a1", "type": "access", "fresh": false}"#,
        small: true,
        ..USUAL
    },
    Validator {
        name: "simplejwt",
        language: "Python",
        by: By::Python,
        packages: &[
            "djangorestframework-simplejwt",
            "djangorestframework",
            "Django",
        ],
        leeway: 30,
        details: FIXED,
        can: &[Can::Scope, Can::Deny, Can::Type],
        claims: r#"{"jti": "a1", "token_type": "access", "user_id": 7}"#,
        small: true,
        ..USUAL
    },
    Validator {
        name: "authlib",
        language: "Python",
        by: By::Python,
        packages: &["Authlib", "Flask"],
        algorithm: Algorithm::Es256,
        details: FIXED,
        claims: r#"{"jti": "a1", "client_id": "shop"}"#,
        typ: "at+jwt",
        ..USUAL
    },
    Validator {
        name: "authlib-rfc7523",
        language: "Python",
        by: By::Python,
        packages: &["Authlib", "Flask"],
        details: FIXED,
        ..USUAL
    },
    Validator {
        name: "express-jwt",
        language: "JavaScript",
        packages: &["express-jwt", "express"],
        leeway: 30,
        can: &[Can::Scope, Can::Deny, Can::Revoke],
        small: true,
        ..USUAL
    },
    Validator {
        name: "passport-jwt",
        language: "JavaScript",
        packages: &["passport-jwt", "passport", "express"],
        algorithm: Algorithm::Hs256,
        ..USUAL
    },
    Validator {
        name: "fastify-jwt",
        language: "JavaScript",
        packages: &["@fastify/jwt", "fastify"],
        algorithm: Algorithm::Es256,
        can: &[Can::Scope, Can::Revoke],
        small: true,
        ..USUAL
    },
    Validator {
        name: "jose",
        language: "JavaScript",
        packages: &["jose"],
        algorithm: Algorithm::Es256,
        leeway: 60,
        small: true,
        ..USUAL
    },
    Validator {
        name: "express-oauth2-jwt-bearer",
        language: "JavaScript",
        packages: &["express-oauth2-jwt-bearer", "express"],
        algorithm: Algorithm::Hs256,
        details: FIXED,
        leeway: 30,
        ..USUAL
    },
    Validator {
        name: "koa-jwt",
        language: "JavaScript",
        packages: &["koa-jwt", "koa"],
        leeway: 60,
        can: &[Can::Scope, Can::Revoke],
        ..USUAL
    },
    Validator {
        name: "axum-jsonwebtoken",
        language: "Rust",
        by: By::Rust,
        packages: &["jsonwebtoken", "axum"],
        algorithm: Algorithm::Es256,
        leeway: 60,
        ..USUAL
    },
    Validator {
        name: "axum-jwt-simple",
        language: "Rust",
        by: By::Rust,
        packages: &["jwt-simple", "axum"],
        leeway: 900,
        ..USUAL
    },
];

impl Validator {
    /// Whether it can be asked for this.
    pub fn can(&self, what: Can) -> bool {
        self.can.contains(&what)
    }
}

impl Details {
    /// What a column adds to its validator's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::On => ", details on",
            Self::Off => ", details off",
            Self::Fixed => "",
        }
    }

    /// As the services are told.
    pub fn setting(self) -> &'static str {
        match self {
            Self::On | Self::Fixed => "on",
            Self::Off => "off",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_validator_has_a_name_of_its_own_and_claims() {
        let names: HashSet<_> = VALIDATORS.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), VALIDATORS.len());
        for one in VALIDATORS {
            let claims: Result<serde_json::Value, _> = serde_json::from_str(one.claims);
            assert!(
                claims.is_ok_and(|claims| claims.is_object()),
                "{}",
                one.name
            );
            assert!(!one.packages.is_empty() && !one.details.is_empty());
        }
    }

    #[test]
    fn there_are_enough_of_them() {
        let languages: HashSet<_> = VALIDATORS.iter().map(|one| one.language).collect();
        assert!(VALIDATORS.len() >= 14 && languages.len() >= 6);
    }
}
