//! Carriers that the operator names.

use thiserror::Error;

/// Where else to look for credentials: what `--carrier` names. At most [`Carriers::MAX`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Carriers {
    fields: Vec<String>,
    cookies: Vec<String>,
    parameters: Vec<String>,
    only_authorization: bool,
}

/// A carrier that is none.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{written:?} is no carrier: {reason}; write field:NAME, cookie:NAME, query:NAME, or off")]
#[non_exhaustive]
pub struct CarrierError {
    /// As it was written, but for its end where that is long.
    written: String,
    reason: &'static str,
}

impl Carriers {
    /// How many may be named.
    pub const MAX: usize = 64;

    /// Those of a list like `cookie:session`, `field:x-session`, `query:key`. `off` alone: only the
    /// `Authorization` field is read.
    ///
    /// # Errors
    /// When one is written in another way, has no name, or there are too many.
    pub fn of<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, CarrierError> {
        let mut carriers = Self::default();
        for written in list {
            carriers.add(written).map_err(|reason| CarrierError {
                // What was given by mistake may be a token.
                written: crate::redact::text(written, 64),
                reason,
            })?;
        }
        Ok(carriers)
    }

    /// Whether no other place than the `Authorization` field is looked at.
    pub(in crate::credential) fn only_authorization(&self) -> bool {
        self.only_authorization
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let known = fields.find(|known| known.eq_ignore_ascii_case(name));
        known.map(String::as_str)
    }

    pub(super) fn cookie(&self, name: &[u8]) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        let known = cookies.find(|known| known.as_bytes() == name);
        known.map(String::as_str)
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let known = parameters.find(|known| *known == name);
        known.map(String::as_str)
    }

    fn add(&mut self, written: &str) -> Result<(), &'static str> {
        if self.fields.len() + self.cookies.len() + self.parameters.len() >= Self::MAX {
            return Err("there are too many");
        }
        if written == "off" {
            self.only_authorization = true;
            return Ok(());
        }
        let (place, name) = written
            .split_once(':')
            .ok_or("there is no place before it")?;
        let is_name = |byte: u8| byte.is_ascii_graphic() && !b"=;,:\"".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_name) {
            return Err("its name is empty, too long, or has characters that no name has");
        }
        match place {
            "field" => self.fields.push(name.to_ascii_lowercase()),
            "cookie" => self.cookies.push(name.to_owned()),
            "query" => self.parameters.push(name.to_owned()),
            _ => return Err("that place is not known"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_are_read() {
        let carriers = Carriers::of(["field:X-Session", "cookie:Sid", "query:key"]).unwrap();
        assert_eq!(carriers.field("x-session"), Some("x-session"));
        assert_eq!(carriers.cookie(b"Sid"), Some("Sid"));
        assert_eq!(carriers.cookie(b"sid"), None);
        assert_eq!(carriers.query("key"), Some("key"));
        assert!(!carriers.only_authorization());
        assert!(Carriers::of(["off"]).unwrap().only_authorization());
    }

    #[test]
    fn what_is_no_carrier_is_refused() {
        for written in ["", "sid", "cookie:", "cookie:a b", "body:a", "cookie:a=b"] {
            let error = Carriers::of([written]).unwrap_err().to_string();
            assert!(error.contains("write field:NAME"), "{error}");
        }
        let many: Vec<String> = (0..=Carriers::MAX)
            .map(|at| format!("query:n{at}"))
            .collect();
        assert!(Carriers::of(many.iter().map(String::as_str)).is_err());
        let token = Carriers::of(["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"]).unwrap_err();
        assert!(!token.to_string().contains("eyJ"), "{token}");
    }
}
