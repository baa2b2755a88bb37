//! What a configuration includes and excludes.

use crate::exchange::Connection;
use crate::identity::Process;
use crate::service;

use super::{KernelFilter, Pattern, Places};

/// What is reported: all that meets every list of `include` that is not empty, and none of `exclude`.
///
/// What is not known of an exchange (its process, its path) meets no list, so it is not included where
/// one asks for it, and not excluded either. Cgroups alone are different: an exchange whose cgroup is
/// not known is included, because the kernel has looked already.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// What is wanted.
    pub include: Lists,
    /// What is not wanted.
    pub exclude: Lists,
}

/// What to look at. At most [`super::MAX_ENTRIES`] entries each.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lists {
    /// What the kernel looks at too.
    pub places: Places,
    /// Names of processes at this end.
    pub processes: Vec<Pattern>,
    /// Executables of processes at this end.
    pub executables: Vec<Pattern>,
    /// Names of services, with or without their port.
    pub services: Vec<Pattern>,
    /// Paths of requests, as sent, without the query.
    pub paths: Vec<Pattern>,
}

/// What rules look at.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) connection: &'a Connection,
    pub(super) service: &'a str,
    /// The name of the process at this end.
    pub(super) process: Option<&'a str>,
    /// What else is known of it.
    pub(super) known: Option<&'a Process>,
    /// The path of the request.
    pub(super) path: Option<&'a str>,
}

impl Rules {
    /// What the kernel is to let through.
    pub fn of_kernel(&self) -> KernelFilter {
        KernelFilter {
            include: self.include.places.clone(),
            exclude: self.exclude.places.clone(),
        }
    }

    pub(super) fn pass(&self, subject: Subject<'_>) -> bool {
        if self.include.are_empty() && self.exclude.are_empty() {
            return true;
        }
        self.include
            .judge(subject)
            .into_iter()
            .flatten()
            .all(|met| met)
            && !self
                .exclude
                .judge(subject)
                .into_iter()
                .flatten()
                .any(|met| met)
    }
}

impl Lists {
    fn are_empty(&self) -> bool {
        let Self {
            places,
            processes,
            executables,
            services,
            paths,
        } = self;
        places.is_empty()
            && [processes, executables, services, paths]
                .iter()
                .all(|list| list.is_empty())
    }

    /// Whether each list that says something is met.
    fn judge(&self, subject: Subject<'_>) -> [Option<bool>; 7] {
        let Connection { client, server, .. } = *subject.connection;
        let places = &self.places;
        let executable = subject.known.and_then(|known| known.executable.as_deref());
        let cgroup = subject.known.and_then(|known| known.cgroup.as_deref());
        let met = |list: &[Pattern], text: Option<&str>, meets: fn(&Pattern, &str) -> bool| {
            let met = || text.is_some_and(|text| list.iter().any(|entry| meets(entry, text)));
            (!list.is_empty()).then(met)
        };
        [
            (!places.ports.is_empty()).then(|| places.ports.contains(&server.port())),
            (!places.networks.is_empty()).then(|| places.has_either([client, server])),
            cgroup
                .filter(|_| !places.cgroups.is_empty())
                .map(|cgroup| places.has_cgroup(cgroup)),
            met(&self.processes, subject.process, Pattern::is_name),
            met(&self.executables, executable, Pattern::is_file),
            met(&self.services, Some(subject.service), is_meant),
            met(&self.paths, subject.path, Pattern::is_path),
        ]
    }
}

fn is_meant(pattern: &Pattern, service: &str) -> bool {
    pattern.is_met(service, |written| service::is_meant(service, written))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::sample;
    use crate::exchange::Exchange;
    use crate::filter::Filter;

    fn exchange() -> Exchange {
        let mut exchange = sample::exchange();
        exchange.handled.as_mut().unwrap().process = Some(Arc::new(Process {
            executable: Some("/opt/orders/bin/serve".to_owned()),
            cgroup: Some("/system.slice/orders.service".to_owned()),
            ..Process::default()
        }));
        exchange
    }

    fn passes(exchange: &Exchange, rules: Rules) -> bool {
        let filter = Filter {
            rules,
            ..Filter::default()
        };
        filter.passes(exchange, "orders:8080")
    }

    fn patterns(written: &str) -> Vec<Pattern> {
        vec![Pattern::new(written).unwrap()]
    }

    /// A list for each thing that rules look at: one that the exchange meets, one that it does not.
    fn lists() -> Vec<[Lists; 2]> {
        let of = |make: &dyn Fn(&str) -> Lists, texts: [&str; 2]| texts.map(make);
        let places = |places| Lists {
            places,
            ..Lists::default()
        };
        vec![
            of(
                &|text| {
                    places(Places {
                        ports: vec![text.parse().unwrap()],
                        ..Places::default()
                    })
                },
                ["8080", "40000"],
            ),
            of(
                &|text| {
                    places(Places {
                        networks: vec![text.parse().unwrap()],
                        ..Places::default()
                    })
                },
                ["10.0.0.9/32", "10.1.0.0/16"],
            ),
            of(
                &|text| {
                    places(Places {
                        cgroups: vec![text.into()],
                        ..Places::default()
                    })
                },
                ["/system.slice", "/user.slice"],
            ),
            of(
                &|text| Lists {
                    processes: patterns(text),
                    ..Lists::default()
                },
                ["orders", "nginx"],
            ),
            of(
                &|text| Lists {
                    executables: patterns(text),
                    ..Lists::default()
                },
                ["/opt/**", "/usr/**"],
            ),
            of(
                &|text| Lists {
                    services: patterns(text),
                    ..Lists::default()
                },
                ["orders", "edge"],
            ),
            of(
                &|text| Lists {
                    paths: patterns(text),
                    ..Lists::default()
                },
                ["/orders", "/health"],
            ),
        ]
    }

    #[test]
    fn each_list_includes_and_excludes() {
        let exchange = exchange();
        for [met, unmet] in lists() {
            let only = |include: &Lists, exclude: &Lists| Rules {
                include: include.clone(),
                exclude: exclude.clone(),
            };
            let nothing = Lists::default();
            assert!(passes(&exchange, only(&met, &nothing)), "{met:?}");
            assert!(!passes(&exchange, only(&unmet, &nothing)), "{unmet:?}");
            assert!(!passes(&exchange, only(&nothing, &met)), "{met:?}");
            assert!(passes(&exchange, only(&nothing, &unmet)), "{unmet:?}");
            assert!(!passes(&exchange, only(&met, &met)), "{met:?}");
        }
    }

    #[test]
    fn what_is_not_known_meets_no_list() {
        let mut exchange = exchange();
        exchange.handled = None;
        exchange.request = None;
        for (at, [met, _]) in lists().into_iter().enumerate() {
            // The cgroup, the process and its executable, and the path.
            let unknown = [2, 3, 4, 6].contains(&at);
            let include = Rules {
                include: met.clone(),
                exclude: Lists::default(),
            };
            let exclude = Rules {
                include: Lists::default(),
                exclude: met.clone(),
            };
            assert_eq!(passes(&exchange, include), !unknown || at == 2, "{met:?}");
            assert_eq!(passes(&exchange, exclude), unknown, "{met:?}");
        }
    }
}
