//! What passes at the endpoints of authorization servers: who asked for tokens with what, and which were
//! issued, by their fingerprints.
//!
//! A fingerprint is the same wherever a token goes by, so a [`Grant`] links the issuing of a token with its
//! uses ([`crate::credential::Credential::fingerprint`]) and with the refresh that replaces it. When it was is
//! said by the exchange: `request.finished` is when it was asked for, `response.started` when it was issued.

use std::fmt;

use crate::credential::{Fingerprint, Kind};

/// A request to the token endpoint (RFC 6749 section 3.2), to revocation (RFC 7009) or to introspection
/// (RFC 7662), and its answer. It holds no token.
///
/// Text in it comes from the wire: it is capped and its control characters are escaped.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// What was asked for.
    pub action: Action,
    /// `grant_type`, RFC 6749 section 4, at most [`MAX_TEXT`] bytes: `refresh_token`,
    /// `authorization_code`, `client_credentials`, `password`, or a URI.
    pub grant_type: Option<String>,
    /// `client_id`, where it is in the form, at most [`MAX_TEXT`] bytes.
    pub client: Option<String>,
    /// What the client presented, in the order of the form, at most [`MAX_TOKENS`].
    pub presented: Vec<Token>,
    /// What the answer gave out, in its order, at most [`MAX_TOKENS`].
    pub issued: Vec<Token>,
    /// `expires_in`: for how many seconds the access token lives (RFC 6749 section 5.1).
    pub expires_in: Option<u64>,
    /// `error` of the answer, RFC 6749 section 5.2, at most [`MAX_TEXT`] bytes: `invalid_grant` and so on.
    pub error: Option<String>,
    /// `active` of an introspection, RFC 7662 section 2.2.
    pub active: Option<bool>,
    /// The end of the form was not seen: what was presented may be more.
    pub form_cut: bool,
    /// The end of the answer's body was not seen, or it could not be read: what was issued may be more.
    pub answer_cut: bool,
}

/// How many bytes of a form are looked at.
pub const MAX_FORM: usize = 16 * 1024;
/// How many bytes of an answer are looked at.
pub const MAX_ANSWER: usize = 16 * 1024;
/// The longest text of a grant, in bytes.
pub const MAX_TEXT: usize = 128;
/// How many tokens of a form and of an answer are kept.
pub const MAX_TOKENS: usize = 8;

/// What a client asks an authorization server for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Whether a token is active.
    Introspect,
    /// Tokens.
    Issue,
    /// That a token be revoked.
    Revoke,
}

/// A token that was presented or issued.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// The member of the form or of the answer that it was.
    pub role: Role,
    /// What it is.
    pub kind: Kind,
    /// What stands for it everywhere else.
    pub fingerprint: Fingerprint,
    /// `exp` of a JWT in seconds since the Unix epoch.
    pub expires: Option<f64>,
}

/// What a token is in a grant, by the name of its member.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// `access_token`.
    AccessToken,
    /// `actor_token`, RFC 8693.
    ActorToken,
    /// `assertion`, RFC 7521 section 4.1.
    Assertion,
    /// `client_assertion`, RFC 7521 section 4.2.
    ClientAssertion,
    /// `code`, RFC 6749 section 4.1.3.
    Code,
    /// `device_code`, RFC 8628.
    DeviceCode,
    /// `id_token`, OpenID Connect Core section 3.1.3.3.
    IdToken,
    /// `refresh_token`.
    RefreshToken,
    /// `subject_token`, RFC 8693.
    SubjectToken,
    /// `token`: what is revoked or introspected.
    Token,
}

impl Grant {
    /// One of which nothing is known yet.
    pub fn new(action: Action) -> Self {
        Self {
            action,
            grant_type: None,
            client: None,
            presented: Vec::new(),
            issued: Vec::new(),
            expires_in: None,
            error: None,
            active: None,
            form_cut: false,
            answer_cut: false,
        }
    }

    /// What stands for the first token of a role that was presented.
    pub fn presented(&self, role: Role) -> Option<Fingerprint> {
        fingerprint(&self.presented, role)
    }

    /// What stands for the first token of a role that was issued.
    pub fn issued(&self, role: Role) -> Option<Fingerprint> {
        fingerprint(&self.issued, role)
    }

    /// Whether it exchanges a refresh token (RFC 6749 section 6).
    pub fn is_refresh(&self) -> bool {
        self.grant_type.as_deref() == Some("refresh_token")
    }
}

fn fingerprint(tokens: &[Token], role: Role) -> Option<Fingerprint> {
    let token = tokens.iter().find(|token| token.role == role)?;
    Some(token.fingerprint)
}

impl Action {
    /// The stable text of events.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Introspect => "introspect",
            Self::Issue => "issue",
            Self::Revoke => "revoke",
        }
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AccessToken,
        Self::ActorToken,
        Self::Assertion,
        Self::ClientAssertion,
        Self::Code,
        Self::DeviceCode,
        Self::IdToken,
        Self::RefreshToken,
        Self::SubjectToken,
        Self::Token,
    ];

    /// The name of the member, which is the stable text of events.
    pub const fn id(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::ActorToken => "actor_token",
            Self::Assertion => "assertion",
            Self::ClientAssertion => "client_assertion",
            Self::Code => "code",
            Self::DeviceCode => "device_code",
            Self::IdToken => "id_token",
            Self::RefreshToken => "refresh_token",
            Self::SubjectToken => "subject_token",
            Self::Token => "token",
        }
    }

    /// The role of a member of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.id() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
