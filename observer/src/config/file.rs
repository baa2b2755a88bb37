//! The file as it is written.

use std::fmt;
use std::marker::PhantomData;
use std::path::{Component, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::filter::{Lists, MAX_ENTRIES, Network, Pattern, Places, Rules};
use crate::service::{Address, Naming};
use crate::verdict::Words;

use super::Config;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) rules: Option<PathBuf>,
    service: List<Service>,
    filter: Filter,
}

#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Service(Naming);

/// A `[[service]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    address: Option<Address>,
    executable: Option<Pattern>,
    container: Option<Pattern>,
    unit: Option<Pattern>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Filter {
    include: Side,
    exclude: Side,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Side {
    ports: List<u16>,
    addresses: List<Network>,
    cgroups: List<Cgroup>,
    processes: List<Pattern>,
    executables: List<Pattern>,
    services: List<Pattern>,
    paths: List<Pattern>,
}

impl From<File> for Config {
    fn from(file: File) -> Self {
        Self {
            services: file
                .service
                .0
                .into_iter()
                .map(|service| service.0)
                .collect(),
            rules: Rules {
                include: file.filter.include.into(),
                exclude: file.filter.exclude.into(),
            },
            words: Words::default(),
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
struct Cgroup(PathBuf);

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
struct List<T>(Vec<T>);

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
