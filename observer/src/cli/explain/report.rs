//! What `observer explain` prints.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::credential::{Credential, Kind, Signature};
use crate::event::CredentialPart;
use crate::time::Timestamp;
use crate::verdict::{Linted, Problem};

/// A credential, and what is wrong with it.
pub(super) struct Report<'a> {
    pub(super) credential: &'a Credential,
    pub(super) problems: &'a [Problem],
    pub(super) lints: &'a [Linted],
    pub(super) time: Timestamp,
    pub(super) moment: &'a str,
    pub(super) has_keys: bool,
    pub(super) has_fingerprint_key: bool,
}

impl Report<'_> {
    /// One JSON object: the credential as events have it, and what is wrong with it.
    pub(super) fn json(&self) -> String {
        let problem = |problem: &Problem| json!({"cause": problem.cause.id(), "certain": problem.certain, "fact": problem.fact});
        let report = json!({
            "schema": "observer.explanation/1",
            "at": self.time.to_string(),
            "credential": CredentialPart::from(self.credential),
            "lints": self.lints.iter().map(|linted| json!({"lint": linted.lint.id(), "fact": linted.fact})).collect::<Vec<Value>>(),
            "problems": self.problems.iter().map(problem).collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, text: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{name:<12} {text}");
        };
        line("This is", &self.what());
        if let Some(fingerprint) = self.credential.fingerprint {
            let note = if self.has_fingerprint_key {
                ""
            } else {
                " (in this run; with --fingerprint-key as your events have it)"
            };
            line("fingerprint", &format!("{fingerprint}{note}"));
        }
        if let Some(header) = self.header() {
            line("header", &header);
        }
        if let Some(claims) = &self.credential.claims {
            for (name, value) in &claims.shown {
                line(name, &claim(name, value));
            }
            if !claims.withheld.is_empty() {
                line("not shown", &claims.withheld.join(", "));
            }
        }
        if self.credential.kind == Kind::Jwt {
            line("signature", &self.signature());
        }
        out.push('\n');
        self.conclude(&mut out);
        self.advise(&mut out);
        out
    }

    fn what(&self) -> String {
        let Credential { scheme, length, .. } = self.credential;
        let scheme = scheme.as_deref().unwrap_or("(none)");
        match self.credential.kind {
            Kind::Basic => "a name and a password, which are not shown".to_owned(),
            Kind::Jwe => format!("an encrypted JWT (JWE) of {length} bytes: only its reader knows"),
            Kind::Jwt => format!("a JWT of {length} bytes"),
            Kind::Opaque => format!("a token of {length} bytes that says nothing by itself"),
            Kind::Other => format!("a credential of the scheme {scheme}"),
        }
    }

    fn header(&self) -> Option<String> {
        let header = self.credential.header.as_ref()?;
        let fields = [
            ("alg", &header.alg),
            ("enc", &header.enc),
            ("kid", &header.kid),
            ("typ", &header.typ),
            ("cty", &header.cty),
        ];
        let mut shown: Vec<String> = fields
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}")))
            .collect();
        let others = header.others.iter();
        shown.extend(others.map(|name| format!("{name} (not shown)")));
        Some(shown.join(", "))
    }

    fn signature(&self) -> String {
        let named = |kid: &Option<String>| kid.as_deref().unwrap_or("without a kid").to_owned();
        match &self.credential.signature {
            Signature::Valid { kid } => {
                format!("valid: it is that of the issuer's key {}", named(kid))
            }
            Signature::Invalid { kid } => format!(
                "not valid: it is not that of the issuer's key {}",
                named(kid)
            ),
            Signature::KeyNotFound { available } => format!(
                "not checked: the issuer's key set has only {}",
                available.join(", ")
            ),
            Signature::NotCheckable => {
                "cannot be checked: its algorithm is symmetric or not known here".to_owned()
            }
            Signature::NotChecked if self.has_keys => {
                "not checked: there is no key set of this issuer, or nothing to check".to_owned()
            }
            Signature::NotChecked => {
                "not checked: give the issuer's keys with --jwks ISSUER=FILE".to_owned()
            }
        }
    }

    fn advise(&self, out: &mut String) {
        if self.lints.is_empty() {
            return;
        }
        let _ = writeln!(out, "\nWhat it should not be, whoever takes it:");
        for linted in self.lints {
            let _ = writeln!(out, "  {:<24} {}", linted.lint.id(), linted.fact);
        }
    }

    fn conclude(&self, out: &mut String) {
        let Self {
            problems, moment, ..
        } = self;
        let at = if *moment == "now" {
            "now"
        } else {
            "at that time"
        };
        if problems.is_empty() {
            let _ = writeln!(
                out,
                "Nothing is wrong with it {at}, as far as it shows by itself."
            );
            return;
        }
        let _ = writeln!(out, "What is wrong with it {at}:");
        for problem in *problems {
            let doubt = if problem.certain {
                ""
            } else {
                " (not for every validator)"
            };
            let _ = writeln!(out, "  {:<24} {}{doubt}", problem.cause.id(), problem.fact);
        }
    }
}

/// A claim; times with their date.
fn claim(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let seconds = value.as_f64().filter(|seconds| seconds.abs() < 9e9);
    match seconds.filter(|_| matches!(name, "exp" | "nbf" | "iat" | "auth_time")) {
        Some(seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "bounded to what fits just above"
            )]
            let whole = seconds.floor() as i64;
            format!("{text} ({})", Timestamp::from_seconds(whole))
        }
        None => text,
    }
}
