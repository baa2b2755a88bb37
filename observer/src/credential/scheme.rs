//! Authentication schemes that may be shown.

/// What stands for a scheme that is not in the list: it may be a secret before which the scheme was forgotten.
pub(crate) const OTHER: &str = "other";

/// Those that IANA has registered, and those of services and clouds that many people use; in small letters.
const NAMES: &[&str] = &[
    "api-key",
    "apikey",
    "aws",
    "aws4-ecdsa-p256-sha256",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "concealed",
    "digest",
    "dpop",
    "gnap",
    "goog4-rsa-sha256",
    "googlelogin",
    "hawk",
    "hmac",
    "hoba",
    "jwt",
    "kerberos",
    "key",
    "mac",
    "mutual",
    "negotiate",
    "ntlm",
    "oauth",
    "privatetoken",
    "scram-sha-1",
    "scram-sha-256",
    "sharedkey",
    "sharedkeylite",
    "signature",
    "splunk",
    "ssws",
    "token",
    "vapid",
    "wsse",
];

/// A scheme as it may be shown: in small letters, or [`OTHER`].
pub(super) fn shown(scheme: &[u8]) -> &'static str {
    let mut names = NAMES.iter();
    let found = names.find(|name| scheme.eq_ignore_ascii_case(name.as_bytes()));
    found.copied().unwrap_or(OTHER)
}

/// Whether a scheme that a server asks for, in small letters, may be the one that is shown so.
pub(crate) fn may_be(shown: &str, asked_for: &str) -> bool {
    shown == asked_for || (shown == OTHER && !NAMES.contains(&asked_for))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_known_scheme_is_not_shown() {
        assert_eq!(shown(b"Bearer"), "bearer");
        assert_eq!(shown(b"hunter2-pass"), OTHER);
        assert!(may_be("basic", "basic") && !may_be("basic", "bearer"));
        assert!(may_be(OTHER, "custom") && !may_be(OTHER, "bearer"));
    }
}
