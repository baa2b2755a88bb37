//! Which exchanges are reported at all.

use std::str::FromStr;

use crate::exchange::Exchange;
use crate::service;

/// Lets through what was asked for. Empty lists ask for everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Services, with or without their port.
    pub services: Vec<String>,
    /// Ports of servers.
    pub ports: Vec<u16>,
    /// Statuses of answers.
    pub statuses: Vec<Statuses>,
}

impl Filter {
    /// Whether an exchange with this service is to be reported.
    pub fn passes(&self, exchange: &Exchange, service: &str) -> bool {
        let status = exchange.response.as_ref().map(|response| response.status);
        self.passes_service(exchange.connection.server.port(), service)
            && (self.statuses.is_empty()
                || status
                    .is_some_and(|status| self.statuses.iter().any(|asked| asked.contain(status))))
    }

    /// Whether a service at this port is asked for.
    pub fn passes_service(&self, port: u16, service: &str) -> bool {
        (self.ports.is_empty() || self.ports.contains(&port))
            && (self.services.is_empty()
                || self
                    .services
                    .iter()
                    .any(|asked| service::is_meant(service, asked)))
    }
}

/// A status or a range of statuses: `401`, `4xx`, `400-499`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    fn contain(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("{text:?} is no status: write 401, 4xx or 400-499");
        let number = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|status| (100..1000).contains(status))
                .ok_or_else(wrong)
        };
        if let Some(class) = text.strip_suffix("xx") {
            let first = number(&format!("{class}00"))?;
            return Ok(Self {
                first,
                last: first + 99,
            });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong());
        }
        Ok(Self { first, last })
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
    fn statuses_are_read_as_people_write_them() {
        for (text, inside, outside) in [("401", 401, 402), ("4xx", 499, 500), ("300-302", 302, 303)]
        {
            let statuses: Statuses = text.parse().unwrap();
            assert!(statuses.contain(inside), "{text}");
            assert!(!statuses.contain(outside), "{text}");
        }
        for text in [
            "", "x", "40", "4x", "10000", "500-400", "-", "4-xx", "65xx", "xx",
        ] {
            assert!(text.parse::<Statuses>().is_err(), "{text}");
        }
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
