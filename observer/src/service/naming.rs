//! What a configuration calls services.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use crate::filter::Pattern;
use crate::identity::{Container, Process};

/// A name, and what has it: whatever meets all that is given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Naming {
    /// What it is called.
    pub name: Arc<str>,
    /// Where it listens.
    pub address: Option<Address>,
    /// What it runs.
    pub executable: Option<Pattern>,
    /// The name of its container or the start of its id, of [`ID_DIGITS`] digits at least.
    pub container: Option<Pattern>,
    /// Its systemd unit, with or without `.service`.
    pub unit: Option<Pattern>,
}

impl Naming {
    /// By the address alone.
    pub fn by_address(address: SocketAddr, name: &str) -> Self {
        Self {
            name: name.into(),
            address: Some(Address::Whole(address)),
            executable: None,
            container: None,
            unit: None,
        }
    }

    /// Whether it says nothing of what it names.
    pub fn fits_all(&self) -> bool {
        self.address.is_none() && !self.needs_process()
    }

    /// Whether the process must be known to say.
    fn needs_process(&self) -> bool {
        self.executable.is_some() || self.container.is_some() || self.unit.is_some()
    }

    /// Whether it is meant: the server at this address, which is this process if it is known.
    pub(super) fn fits(&self, server: SocketAddr, process: Option<&Process>) -> bool {
        if self.address.is_some_and(|address| !address.is(server)) {
            return false;
        }
        let Some(process) = process else {
            return !self.needs_process();
        };
        let meets = |pattern: &Option<Pattern>, meets: &dyn Fn(&Pattern) -> bool| {
            pattern.as_ref().is_none_or(meets)
        };
        meets(&self.executable, &|pattern| {
            process
                .executable
                .as_ref()
                .is_some_and(|path| pattern.is_file(path))
        }) && meets(&self.container, &|pattern| {
            process
                .container
                .as_ref()
                .is_some_and(|container| is_container(pattern, container))
        }) && meets(&self.unit, &|pattern| {
            process.unit.as_ref().is_some_and(|unit| {
                pattern.is_name(unit)
                    || unit
                        .strip_suffix(".service")
                        .is_some_and(|short| pattern.is_name(short))
            })
        })
    }
}

fn is_container(pattern: &Pattern, container: &Container) -> bool {
    let id = |written: &str| written.len() >= ID_DIGITS && container.id.starts_with(written);
    pattern.is_met(&container.id, id)
        || container
            .name
            .as_ref()
            .is_some_and(|name| pattern.is_name(name))
}

/// How much of a container's id says which one is meant.
pub const ID_DIGITS: usize = 12;

/// Where a service listens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum Address {
    /// At an address and port.
    Whole(SocketAddr),
    /// At a port, whatever the address.
    Port(u16),
}

impl Address {
    fn is(self, server: SocketAddr) -> bool {
        match self {
            Self::Whole(address) => address == server,
            Self::Port(port) => port == server.port(),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = text.strip_prefix(':').and_then(|port| port.parse().ok());
        port.map(Self::Port)
            .or_else(|| text.parse().map(Self::Whole).ok())
            .ok_or_else(|| {
                format!(
                    "{text:?} is no address with a port: write 10.0.0.1:8080, [::1]:80 or :8080"
                )
            })
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A name for a service, as a person wrote it.
///
/// # Errors
/// It is empty, longer than 128 bytes, or has control characters.
pub fn checked(name: &str) -> Result<&str, String> {
    if name.is_empty() || name.len() > MAX_GIVEN || name.chars().any(char::is_control) {
        return Err("the name is empty, very long or not printable".to_owned());
    }
    Ok(name)
}

/// The longest name of a service that is given, in bytes.
const MAX_GIVEN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn process() -> Process {
        Process {
            executable: Some("/usr/sbin/nginx".to_owned()),
            container: Some(Container {
                id: "0123456789ab".repeat(6)[..64].to_owned(),
                runtime: Some("docker"),
                name: Some("web".to_owned()),
            }),
            unit: Some("nginx.service".to_owned()),
            ..Process::default()
        }
    }

    /// A naming by one thing: an address, an executable, a container or a unit.
    fn naming(what: &str, written: &str) -> Naming {
        let pattern = |wanted| (what == wanted).then(|| Pattern::new(written).unwrap());
        Naming {
            name: "a".into(),
            address: (what == "address").then(|| written.parse().unwrap()),
            executable: pattern("executable"),
            container: pattern("container"),
            unit: pattern("unit"),
        }
    }

    #[test]
    fn each_way_to_say_which() {
        let server = "10.0.0.1:80".parse().unwrap();
        for (what, fits, other) in [
            ("address", "10.0.0.1:80", "10.0.0.1:81"),
            ("address", ":80", ":81"),
            ("executable", "/usr/sbin/nginx", "/usr/sbin/apache2"),
            ("executable", "nginx", "ngin"),
            ("container", "web", "we"),
            ("container", "w*", "x*"),
            ("container", "0123456789ab", "0123456789a"),
            ("container", "0123456789ab012", "1123456789ab"),
            ("unit", "nginx.service", "nginx.socket"),
            ("unit", "nginx", "ngin"),
        ] {
            assert!(naming(what, fits).fits(server, Some(&process())), "{fits}");
            assert!(
                !naming(what, other).fits(server, Some(&process())),
                "{other}"
            );
            let known = what == "address";
            assert_eq!(naming(what, fits).fits(server, None), known, "{fits}");
        }
    }

    #[test]
    fn all_that_is_given_must_fit() {
        let both = Naming {
            address: Some(":80".parse().unwrap()),
            ..naming("unit", "nginx")
        };
        assert!(both.fits("[::1]:80".parse().unwrap(), Some(&process())));
        assert!(!both.fits("[::1]:81".parse().unwrap(), Some(&process())));
        assert!(!both.fits("[::1]:80".parse().unwrap(), Some(&Process::default())));
    }

    #[test]
    fn addresses_are_read() {
        for text in ["", ":", "80", "10.0.0.1", ":70000", "localhost:80"] {
            assert!(
                text.parse::<Address>().unwrap_err().contains(":8080"),
                "{text}"
            );
        }
    }
}
