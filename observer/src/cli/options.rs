//! Options that several commands have.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::config::{Config, ConfigError};
use crate::credential::{ClaimAllowList, FingerprintKey, KeySets, Policy};
use crate::engine::Limits;
use crate::event::Paths;
use crate::filter::{Filter, Statuses};
use crate::pipeline::Settings;
use crate::service::{self, Services};
use crate::sink::ndjson::Which;
use crate::verdict::{Expectation, Words};

use super::Error;

/// What is reported, and how it is judged.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Report this service alone: its name with or without the port, as in the output. Repeatable
    #[arg(long = "service", value_name = "NAME", value_delimiter = ',')]
    services: Vec<String>,
    /// Report servers on this port alone. Repeatable
    #[arg(long = "port", value_name = "PORT", value_delimiter = ',')]
    ports: Vec<u16>,
    /// Report answers with this status alone: 401, 4xx or 400-499. Repeatable
    #[arg(long = "status", value_name = "STATUS", value_delimiter = ',')]
    statuses: Vec<Statuses>,
    /// Call the server at this address so. Repeatable
    #[arg(long = "name", value_name = "ADDR:PORT=SERVICE", value_parser = name)]
    names: Vec<(SocketAddr, String)>,
    /// Names of services and filters from a file: see docs/configuration.md
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What servers say that observer does not know, as a table: see docs/configuration.md
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// What a service expects of a token, for services that do not say why they refuse. Repeatable
    #[arg(long = "expect", value_name = "SERVICE:iss=…,aud=…", value_parser = expectation)]
    expectations: Vec<Expected>,
    /// Check the signatures of an issuer's tokens against a key set in a file. Repeatable
    #[arg(long = "jwks", value_name = "ISSUER=FILE")]
    key_sets: Vec<String>,
    /// Show this claim too, not only its name. Repeatable
    #[arg(long = "show-claim", value_name = "NAME", value_delimiter = ',')]
    claims: Vec<String>,
    /// The key of the fingerprints: 32 bytes or more. Without it they are of this run alone
    #[arg(long, value_name = "FILE")]
    fingerprint_key: Option<PathBuf>,
    /// How many threads take streams apart [default: as many as there are processors]
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

impl Options {
    /// What is read again on SIGHUP. `None`: no file was named.
    pub(super) fn files(&self) -> Option<Files> {
        let files = Files {
            config: self.config.clone(),
            rules: self.rules.clone(),
        };
        (files.config.is_some() || files.rules.is_some()).then_some(files)
    }

    /// Reads the files that are named, and gives what the pipeline needs.
    pub(super) fn settings(self, paths: Paths) -> Result<Settings, Error> {
        let config = match self.files() {
            Some(files) => files
                .read()
                .map_err(|error| Error::Usage(error.to_string()))?,
            None => Config::default(),
        };
        let mut expectations = Vec::<(String, Expectation)>::new();
        for Expected {
            service,
            issuer,
            audience,
        } in self.expectations
        {
            let at = expectations.iter().position(|(known, _)| *known == service);
            match at.and_then(|at| expectations.get_mut(at)) {
                Some((_, known)) => {
                    known.issuer.extend(issuer);
                    known.audience.extend(audience);
                }
                None => expectations.push((service, Expectation { issuer, audience })),
            }
        }
        let mut services = Services::new(self.names);
        services.configure(config.services);
        Ok(Settings {
            limits: Limits::default(),
            policy: Arc::new(policy(&self.key_sets, self.fingerprint_key, self.claims)?),
            threads: self
                .threads
                .or_else(|| std::thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            services,
            expectations,
            words: config.words,
            filter: Filter {
                services: self.services,
                ports: self.ports,
                statuses: self.statuses,
                rules: config.rules,
            },
            paths,
        })
    }
}

/// The files of a run that may be changed while it runs.
pub(super) struct Files {
    config: Option<PathBuf>,
    rules: Option<PathBuf>,
}

impl Files {
    /// Reads them. Words of `--rules` come before those that the configuration names.
    pub(super) fn read(&self) -> Result<Config, ConfigError> {
        let config = self.config.as_deref().map(Config::read).transpose()?;
        let mut config = config.unwrap_or_default();
        if let Some(rules) = &self.rules {
            config.words = Words::read(rules)?.or(config.words);
        }
        Ok(config)
    }

    #[cfg(test)]
    pub(super) fn of(config: &Path, rules: &Path) -> Self {
        Self {
            config: Some(config.to_owned()),
            rules: Some(rules.to_owned()),
        }
    }

    /// What they are called, for a message.
    pub(super) fn names(&self) -> String {
        let names = [&self.config, &self.rules].into_iter().flatten();
        let names: Vec<String> = names.map(|path| path.display().to_string()).collect();
        names.join(" and ")
    }
}

/// Where events go as lines of JSON.
#[derive(Debug, Args)]
pub(super) struct EventOptions {
    /// Write every exchange as a line of JSON to a file, or to standard output with -
    #[arg(long = "events", value_name = "FILE|-")]
    pub(super) path: Option<PathBuf>,
    /// Which exchanges are written there [default: all]
    #[arg(long, value_name = "WHICH", requires = "path")]
    only: Option<Only>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Only {
    /// Those that were rejected
    Rejected,
}

impl EventOptions {
    /// Which exchanges are written.
    pub(super) fn which(&self) -> Which {
        match self.only {
            Some(Only::Rejected) => Which::Rejected,
            None => Which::All,
        }
    }

    /// Whether the file is there already.
    pub(super) fn is_there(&self) -> bool {
        self.path.as_deref().is_some_and(Path::exists)
    }

    /// Removes the file, of which nothing came.
    pub(super) fn remove(&self) {
        if let Some(path) = self
            .path
            .as_deref()
            .filter(|path| !is_standard_stream(path))
        {
            // What cannot be removed is an empty file.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Whether events go to standard output, so that nothing else may.
    pub(super) fn to_standard_output(&self) -> bool {
        self.path.as_deref().is_some_and(is_standard_stream)
    }
}

/// `-` stands for standard input or output.
pub(super) fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What `--jwks`, `--fingerprint-key` and `--show-claim` ask for.
pub(super) fn policy(
    key_sets: &[String],
    fingerprint_key: Option<PathBuf>,
    claims: Vec<String>,
) -> Result<Policy, Error> {
    let mut keys = KeySets::default();
    for argument in key_sets {
        keys.add(argument).map_err(|error| match error {
            crate::credential::KeySetError::Argument { .. } => Error::Usage(error.to_string()),
            _ => Error::Failed(error.to_string()),
        })?;
    }
    let key = match fingerprint_key {
        Some(path) => FingerprintKey::from_file(&path),
        None => FingerprintKey::random(),
    }
    .map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Policy::new(key, keys, ClaimAllowList::with(claims)))
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Expected {
    service: String,
    issuer: Vec<String>,
    audience: Vec<String>,
}

fn name(text: &str) -> Result<(SocketAddr, String), String> {
    let wrong = |what: &str| format!("{what}: write it as 10.0.0.1:8080=orders or [::1]:80=orders");
    let (address, name) = text.split_once('=').ok_or_else(|| wrong("there is no ="))?;
    let address = address
        .parse()
        .map_err(|_| wrong("what stands before = is no address with a port"))?;
    let name = service::checked(name).map_err(|what| wrong(&what))?;
    Ok((address, name.to_owned()))
}

fn expectation(text: &str) -> Result<Expected, String> {
    let wrong =
        |what: &str| format!("{what}: write it as orders:iss=https://issuer.example,aud=orders");
    let start = [":iss=", ":aud="]
        .iter()
        .filter_map(|field| text.find(field))
        .min()
        .ok_or_else(|| wrong("there is no :iss= and no :aud="))?;
    let (service, fields) = text.split_at(start);
    if service.is_empty() {
        return Err(wrong("there is no service"));
    }
    let mut expected = Expected {
        service: service.to_owned(),
        issuer: Vec::new(),
        audience: Vec::new(),
    };
    for field in fields.trim_start_matches(':').split(',') {
        match field.split_once('=') {
            Some(("iss", value)) if !value.is_empty() => expected.issuer.push(value.to_owned()),
            Some(("aud", value)) if !value.is_empty() => expected.audience.push(value.to_owned()),
            _ => return Err(wrong(&format!("{field:?} is neither iss=… nor aud=…"))),
        }
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_servers_are_read() {
        assert_eq!(
            name("[::1]:80=orders").unwrap(),
            ("[::1]:80".parse().unwrap(), "orders".to_owned())
        );
        for text in [
            "",
            "orders",
            "10.0.0.1=orders",
            "10.0.0.1:80=",
            "10.0.0.1:80=\u{1b}",
        ] {
            assert!(name(text).unwrap_err().contains("write it as"), "{text}");
        }
    }

    #[test]
    fn expectations_are_read() {
        let expected = expectation("nginx:80:aud=a,iss=https://i:1/x,aud=b").unwrap();
        assert_eq!(
            expected,
            Expected {
                service: "nginx:80".to_owned(),
                issuer: vec!["https://i:1/x".to_owned()],
                audience: vec!["a".to_owned(), "b".to_owned()],
            }
        );
        for text in [
            "",
            "orders",
            ":iss=x",
            "orders:iss=",
            "orders:iss=x,sub=y",
            "orders:sub=x",
        ] {
            assert!(
                expectation(text).unwrap_err().contains("write it as"),
                "{text}"
            );
        }
    }
}
