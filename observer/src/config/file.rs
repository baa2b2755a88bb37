//! The file as it is written.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::filter::{Lists, MAX_ENTRIES, Network, Pattern, Places, Rules};
use crate::service::{Address, Naming};
use crate::verdict::Words;

use super::Config;
use super::limits;
use super::tokens::{self, Expect, Fixed, Keys, Secret, expect};

/// The configuration of observer. docs/configuration.md describes it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "observer")]
pub(super) struct File {
    /// What servers say, besides what observer knows: a table. A path that is not absolute begins where
    /// the configuration lies.
    #[schemars(with = "Option<String>")]
    pub(super) rules: Option<PathBuf>,
    /// Claims that are shown with their values, besides the usual. Of all others the names alone are.
    show_claims: List<String>,
    /// Where else credentials are looked for: `field:NAME`, `cookie:NAME`, `query:NAME`; `off`: nowhere but
    /// in Authorization.
    carriers: List<String>,
    /// The file with the key of the fingerprints, 32 bytes or more. Without it they are of one run alone.
    #[schemars(with = "Option<String>")]
    fingerprint_key: Option<PathBuf>,
    /// What services are called. The first that fits counts.
    #[schemars(with = "List<Written>")]
    service: List<Service>,
    /// What services expect of tokens.
    #[schemars(with = "List<tokens::Written>")]
    expect: List<Expect>,
    /// Key sets that signatures are checked against.
    #[schemars(with = "List<tokens::Set>")]
    jwks: List<Keys>,
    /// Secrets that the MACs of tokens are checked with.
    hmac_secret: List<Secret>,
    /// What is reported.
    filter: Filter,
    /// What observer may use.
    limits: limits::Written,
}

#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Service(Naming);

/// A `[[service]]`: what a service is called. Whatever is given besides the name must all be met.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Service", extend("anyOf" = [
    {"required": ["address"]},
    {"required": ["executable"]},
    {"required": ["container"]},
    {"required": ["unit"]},
]))]
struct Written {
    /// What it is called.
    #[schemars(length(min = 1, max = 128))]
    name: String,
    /// Where it listens: an address with a port, or ":8080" for that port at any address.
    address: Option<Address>,
    /// What it runs: the whole path, its last part, or a glob.
    executable: Option<Pattern>,
    /// The name of its container, a glob over it, or the first twelve digits or more of its id.
    container: Option<Pattern>,
    /// Its systemd unit, with or without .service, or a glob.
    unit: Option<Pattern>,
}

/// What is reported: all that meets every list of include that is not empty, and no list of exclude.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    /// What is wanted.
    include: Side,
    /// What is not wanted.
    exclude: Side,
}

/// What exchanges are told apart by.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Side {
    /// Ports of servers.
    ports: List<u16>,
    /// Addresses of either end: 10.0.0.0/8, fd00::/8, 127.0.0.1.
    addresses: List<Network>,
    /// Paths below the root of cgroup v2, as /proc/PID/cgroup has them; what is below belongs to it.
    cgroups: List<Cgroup>,
    /// Names of the process at this end, or globs.
    processes: List<Pattern>,
    /// Executables of the process at this end: the whole path, its last part, or a glob.
    executables: List<Pattern>,
    /// Names of services with or without their port, or globs.
    services: List<Pattern>,
    /// Paths of requests and all that is below them, or globs over the whole path.
    paths: List<Pattern>,
}

impl File {
    /// What it says, but for the rules, which are a file of their own. `folder`: where it lies.
    pub(super) fn config(self, folder: &Path) -> Config {
        let key_sets = self.jwks.0.into_iter();
        let secrets = self.hmac_secret.0.into_iter();
        let mut expectations = Vec::new();
        for Expect { service, what } in self.expect.0 {
            expect(&mut expectations, service, what);
        }
        Config {
            services: self.service.0.into_iter().map(|it| it.0).collect(),
            rules: Rules {
                include: self.filter.include.into(),
                exclude: self.filter.exclude.into(),
            },
            words: Words::default(),
            expectations,
            fixed: Fixed {
                key_sets: key_sets.map(|keys| keys.argument(folder)).collect(),
                secrets: secrets.map(|secret| secret.argument(folder)).collect(),
                claims: self.show_claims.0,
                carriers: self.carriers.0,
                fingerprint_key: self.fingerprint_key.map(|path| folder.join(path)),
                bounds: self.limits.into(),
            },
        }
    }
}

impl From<Side> for Lists {
    fn from(side: Side) -> Self {
        Self {
            places: Places {
                ports: side.ports.0,
                networks: side.addresses.0,
                cgroups: side.cgroups.0.into_iter().map(|cgroup| cgroup.0).collect(),
            },
            processes: side.processes.0,
            executables: side.executables.0,
            services: side.services.0,
            paths: side.paths.0,
        }
    }
}

impl TryFrom<Written> for Service {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written {
            name,
            address,
            executable,
            container,
            unit,
        } = written;
        let naming = Naming {
            name: crate::service::checked(&name)?.into(),
            address,
            executable,
            container,
            unit,
        };
        if naming.fits_all() {
            return Err(format!(
                "the service {name:?} would be every one: say which with address, executable, \
                 container or unit"
            ));
        }
        Ok(Self(naming))
    }
}

/// A path below the root of cgroup v2.
#[derive(Deserialize)]
#[serde(try_from = "PathBuf")]
pub(super) struct Cgroup(PathBuf);

impl TryFrom<PathBuf> for Cgroup {
    type Error = String;

    fn try_from(path: PathBuf) -> Result<Self, Self::Error> {
        let whole = path.is_absolute()
            && path
                .components()
                .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !whole || path.starts_with("/sys/fs/cgroup") {
            return Err(format!(
                "{path:?} is no path of a cgroup: write it below the root, as /proc/PID/cgroup does, \
                 for example /system.slice/orders.service"
            ));
        }
        // As it is compared: without a slash at its end.
        Ok(Self(path.components().collect()))
    }
}

/// A list of at most [`MAX_ENTRIES`].
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Entries(PhantomData))
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            if list.len() == MAX_ENTRIES {
                return Err(A::Error::custom(format_args!(
                    "a list has at most {MAX_ENTRIES} entries"
                )));
            }
            list.push(entry);
        }
        Ok(List(list))
    }
}
