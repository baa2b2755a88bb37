//! Which exchanges are reported at all.

mod kernel;
mod pattern;
mod rules;
mod statuses;

use crate::exchange::{Connection, Exchange};
use crate::service;

pub use kernel::{KernelFilter, Network, Places};
pub use pattern::Pattern;
pub use rules::{Lists, Rules};
pub use statuses::Statuses;

use rules::Subject;

/// The most entries of a list of a configuration.
pub const MAX_ENTRIES: usize = 1024;

/// Lets through what was asked for. Empty lists ask for everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Services, with or without their port.
    pub services: Vec<String>,
    /// Ports of servers.
    pub ports: Vec<u16>,
    /// Statuses of answers.
    pub statuses: Vec<Statuses>,
    /// What the configuration includes and excludes.
    pub rules: Rules,
}

impl Filter {
    /// Whether an exchange with this service is to be reported.
    pub fn passes(&self, exchange: &Exchange, service: &str) -> bool {
        let status = exchange.response.as_ref().map(|response| response.status);
        let handled = exchange.handled.as_ref();
        let asked = self.asks_for(&exchange.connection, service)
            && (self.statuses.is_empty()
                || status
                    .is_some_and(|status| self.statuses.iter().any(|asked| asked.contain(status))));
        asked
            && self.rules.pass(Subject {
                connection: &exchange.connection,
                service,
                process: handled
                    .map(|handled| handled.name.as_str())
                    .filter(|name| !name.is_empty()),
                known: handled.and_then(|handled| handled.process.as_deref()),
                path: exchange
                    .request
                    .as_ref()
                    .map(|request| request.path.as_str()),
            })
    }

    /// Whether a connection to this service, of which nothing else can be read, is to be reported.
    pub fn passes_unread(&self, connection: &Connection, service: &str) -> bool {
        self.asks_for(connection, service)
            && self.rules.pass(Subject {
                connection,
                service,
                process: None,
                known: None,
                path: None,
            })
    }

    fn asks_for(&self, connection: &Connection, service: &str) -> bool {
        (self.ports.is_empty() || self.ports.contains(&connection.server.port()))
            && (self.services.is_empty()
                || self
                    .services
                    .iter()
                    .any(|asked| service::is_meant(service, asked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::sample;

    fn passes(filter: &Filter) -> bool {
        filter.passes(&sample::exchange(), "orders:8080")
    }

    #[test]
    fn nothing_asked_is_everything() {
        assert!(passes(&Filter::default()));
    }

    #[test]
    fn each_list_narrows() {
        let filter = Filter {
            services: vec!["orders".to_owned()],
            ports: vec![8080],
            statuses: vec!["4xx".parse().unwrap()],
            ..Filter::default()
        };
        assert!(passes(&filter));
        for narrower in [
            Filter {
                services: vec!["edge".to_owned()],
                ..filter.clone()
            },
            Filter {
                ports: vec![80],
                ..filter.clone()
            },
            Filter {
                statuses: vec!["200".parse().unwrap()],
                ..filter.clone()
            },
        ] {
            assert!(!passes(&narrower));
        }
    }

    #[test]
    fn an_exchange_without_answer_has_no_status() {
        let mut exchange = sample::exchange();
        exchange.response = None;
        let filter = Filter {
            statuses: vec!["100-999".parse().unwrap()],
            ..Filter::default()
        };
        assert!(!filter.passes(&exchange, "orders"));
        assert!(Filter::default().passes(&exchange, "orders"));
    }
}
