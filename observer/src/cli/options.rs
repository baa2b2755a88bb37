//! Options that several commands have.

mod policy;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::{Args, ValueEnum};

use crate::config::{self, Config, ConfigError, Fixed};
use crate::engine::Limits;
use crate::event::Paths;
use crate::filter::{Filter, Statuses};
use crate::keys::fetch::Fetcher;
use crate::keys::{Keys, Place};
use crate::pipeline::Settings;
use crate::service::{self, Services};
use crate::sink::ndjson::Which;
use crate::verdict::{Expectation, Words};

use super::Error;
pub(super) use policy::{carriers, fetch, fetcher, policy, remotes};

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
    /// A configuration: see docs/configuration.md. `observer config check` says whether it is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What servers say that observer does not know, as a table: see docs/configuration.md
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// What a service expects of a token, for services that do not say why they refuse. Repeatable
    #[arg(long = "expect", value_name = "SERVICE:iss=…,aud=…", value_parser = expectation)]
    expectations: Vec<Expected>,
    /// Check the signatures of an issuer's tokens against a key set: a file, or a URL, which is fetched, and
    /// while it runs fetched again; an issuer alone: as its discovery document says. Repeatable
    #[arg(long = "jwks", value_name = "ISSUER=FILE|URL")]
    key_sets: Vec<String>,
    /// The same as an issuer alone with --jwks: fetch its discovery document, and the keys that it names.
    /// Repeatable
    #[arg(long = "oidc", value_name = "ISSUER")]
    discovered: Vec<String>,
    /// Fetch keys without encryption from other hosts, too
    #[arg(long)]
    keys_in_clear: bool,
    /// Check the HMAC of an issuer's tokens with a secret: the bytes of a file. Repeatable
    #[arg(long = "hmac-secret", value_name = "ISSUER=FILE")]
    secrets: Vec<String>,
    /// The key set of an issuer is served here, if one goes by. Repeatable
    #[arg(long = "keys-at", value_name = "ISSUER=HOST/PATH", value_parser = place)]
    places: Vec<(String, Place)>,
    /// Show this claim too, not only its name. Repeatable
    #[arg(long = "show-claim", value_name = "NAME", value_delimiter = ',')]
    claims: Vec<String>,
    /// Look for credentials there too: field:NAME, cookie:NAME or query:NAME; off: in Authorization alone.
    /// Repeatable
    #[arg(long = "carrier", value_name = "PLACE:NAME", value_delimiter = ',')]
    carriers: Vec<String>,
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
        (self.config.is_some() || self.rules.is_some()).then(|| self.all_files())
    }

    /// What the files that are named say, with what the command line says of the same before it.
    pub(super) fn read(&self) -> Result<Config, Error> {
        let read = self.all_files().read();
        read.map_err(|error| Error::Usage(error.to_string()))
    }

    fn all_files(&self) -> Files {
        Files {
            config: self.config.clone(),
            rules: self.rules.clone(),
            expectations: self.expectations.clone(),
        }
    }

    /// What the pipeline needs. `config`: what was read.
    /// Keys that are to be fetched are the second part.
    pub(super) fn settings(
        self,
        config: Config,
        limits: Limits,
        paths: Paths,
    ) -> Result<(Settings, Option<Fetcher>), Error> {
        let Fixed {
            mut key_sets,
            mut secrets,
            mut claims,
            mut carriers,
            fingerprint_key,
            bounds,
        } = config.fixed;
        key_sets.extend(self.key_sets);
        secrets.extend(self.secrets);
        claims.extend(self.claims);
        carriers.extend(self.carriers);
        let fingerprint_key = self.fingerprint_key.or(fingerprint_key);
        let (remotes, key_sets) = remotes(key_sets, &self.discovered);
        let carriers = self::carriers(&carriers)?;
        let policy = policy(&key_sets, &secrets, fingerprint_key, claims)?;
        let policy = Arc::new(policy.reading(carriers));
        let fetcher = fetcher(remotes, self.keys_in_clear, policy.fetched());
        let mut keys = Keys::default();
        for (issuer, place) in self.places {
            keys.hint(&issuer, place);
        }
        let mut services = Services::new(self.names);
        services.configure(config.services);
        let settings = Settings {
            limits: bounds.over(limits),
            policy,
            threads: self
                .threads
                .or(bounds.threads)
                .or_else(|| std::thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            services,
            expectations: config.expectations,
            words: config.words,
            filter: Filter {
                services: self.services,
                ports: self.ports,
                statuses: self.statuses,
                rules: config.rules,
            },
            paths,
            keys: Arc::new(Mutex::new(keys)),
        };
        Ok((settings, fetcher))
    }
}

/// The files of a run that may be changed while it runs, and what the command line says besides.
pub(super) struct Files {
    config: Option<PathBuf>,
    rules: Option<PathBuf>,
    expectations: Vec<Expected>,
}

impl Files {
    /// Reads them. Words of `--rules` come before those that the configuration names, and what
    /// `--expect` says of a service is all that is expected there.
    pub(super) fn read(&self) -> Result<Config, ConfigError> {
        let config = self.config.as_deref().map(Config::read).transpose()?;
        let mut config = config.unwrap_or_default();
        if let Some(rules) = &self.rules {
            config.words = Words::read(rules)?.or(config.words);
        }
        let mut expectations = Vec::new();
        for Expected {
            service,
            issuer,
            audience,
        } in self.expectations.iter().cloned()
        {
            config::expect(&mut expectations, service, Expectation { issuer, audience });
        }
        let said = expectations.len();
        for (service, what) in config.expectations {
            let known = expectations.iter().take(said);
            if !known.into_iter().any(|(known, _)| *known == service) {
                expectations.push((service, what));
            }
        }
        config.expectations = expectations;
        Ok(config)
    }

    #[cfg(test)]
    pub(super) fn of(config: &Path, rules: &Path) -> Self {
        Self {
            config: Some(config.to_owned()),
            rules: Some(rules.to_owned()),
            expectations: Vec::new(),
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

fn place(text: &str) -> Result<(String, Place), String> {
    let wrong = || {
        "write it as https://issuer.example=keys.internal:8080/jwks, with the issuer exactly as `iss` of the \
         tokens has it"
            .to_owned()
    };
    let (issuer, place) = text.rsplit_once('=').ok_or_else(wrong)?;
    let place = Place::of_url(place).filter(|_| !issuer.is_empty() && place.contains('/'));
    Ok((issuer.to_owned(), place.ok_or_else(wrong)?))
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
