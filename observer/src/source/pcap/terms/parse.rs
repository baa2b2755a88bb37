//! From the text of a filter to what it says.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;

use super::{Net, Term, Way};

/// Why a filter cannot be understood.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{what}. A filter is made of host ADDRESS, net ADDRESS/LENGTH, port NUMBER, portrange FIRST-LAST \
     (with src or dst before them), ip, ip6, tcp, vlan [NUMBER], and, or, not and parentheses"
)]
pub struct TermsError {
    what: String,
}

/// The longest filter, in words.
const MAX_WORDS: usize = 1024;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// Understands a filter.
pub(super) fn parse(text: &str) -> Result<Term, TermsError> {
    let spaced = text
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('!', " ! ")
        .replace("&&", " and ")
        .replace("||", " or ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if words.is_empty() {
        return Err(wrong("the filter is empty"));
    }
    if words.len() > MAX_WORDS {
        return Err(wrong(format!("the filter has more than {MAX_WORDS} words")));
    }
    let mut parser = Parser {
        words: &words,
        last: None,
    };
    let term = parser.terms(0)?;
    match parser.words.first() {
        None => Ok(term),
        Some(word) => Err(wrong(format!(
            "{word:?} stands where and, or or the end must"
        ))),
    }
}

struct Parser<'a> {
    /// What is left.
    words: &'a [&'a str],
    /// The qualifiers of the last value, for one that has none.
    last: Option<(Way, What)>,
}

/// What a value is.
#[derive(Clone, Copy)]
enum What {
    Host,
    Net,
    Port,
    PortRange,
}

impl Parser<'_> {
    fn terms(&mut self, depth: usize) -> Result<Term, TermsError> {
        if depth > MAX_DEPTH {
            return Err(wrong(format!(
                "the filter is nested more than {MAX_DEPTH} deep"
            )));
        }
        let mut term = self.term(depth)?;
        loop {
            if self.takes("and") {
                term = Term::And(Box::new(term), Box::new(self.term(depth)?));
            } else if self.takes("or") {
                term = Term::Or(Box::new(term), Box::new(self.term(depth)?));
            } else {
                return Ok(term);
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<Term, TermsError> {
        if depth > MAX_DEPTH {
            return Err(wrong(format!(
                "the filter is nested more than {MAX_DEPTH} deep"
            )));
        }
        if self.takes("not") || self.takes("!") {
            return Ok(Term::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.terms(depth + 1)?;
            return match self.takes(")") {
                true => Ok(inner),
                false => Err(wrong("a parenthesis is not closed")),
            };
        }
        for (word, term) in [
            ("tcp", Term::All),
            ("ip", Term::Version4),
            ("ip6", Term::Version6),
        ] {
            if self.takes(word) {
                return match self.words.first() {
                    None | Some(&("and" | "or" | ")")) => Ok(term),
                    Some(_) => Ok(Term::And(Box::new(term), Box::new(self.value()?))),
                };
            }
        }
        if self.takes("vlan") {
            let number = self.words.first().and_then(|word| word.parse().ok());
            if number.is_some() {
                self.skip();
            }
            return Ok(Term::Vlan(number));
        }
        self.value()
    }

    /// Qualifiers and a value.
    fn value(&mut self) -> Result<Term, TermsError> {
        let way = self.way();
        let what = [
            ("host", What::Host),
            ("net", What::Net),
            ("portrange", What::PortRange),
            ("port", What::Port),
        ]
        .into_iter()
        .find_map(|(word, what)| self.takes(word).then_some(what));
        let (way, what) = match (way, what, self.last) {
            (way, Some(what), _) => (way.unwrap_or(Way::Either), what),
            (Some(way), None, _) => (way, What::Host),
            (None, None, Some(last)) => last,
            (None, None, None) => (Way::Either, What::Host),
        };
        self.last = Some((way, what));
        let Some(value) = self.words.first().copied() else {
            return Err(wrong("the filter ends where a value must stand"));
        };
        self.skip();
        Ok(match what {
            What::Host => Term::Net(way, host(value)?),
            What::Net => Term::Net(way, self.net(value)?),
            What::Port => {
                let port = port(value)?;
                Term::Ports(way, port..=port)
            }
            What::PortRange => Term::Ports(way, port_range(value)?),
        })
    }

    fn way(&mut self) -> Option<Way> {
        let first = match *self.words {
            ["src", "or", "dst", ..] | ["dst", "or", "src", ..] => (Way::Either, 3),
            ["src", "and", "dst", ..] | ["dst", "and", "src", ..] => (Way::Both, 3),
            ["src", ..] => (Way::Source, 1),
            ["dst", ..] => (Way::Target, 1),
            _ => return None,
        };
        self.words = self.words.get(first.1..).unwrap_or_default();
        Some(first.0)
    }

    /// ADDRESS/LENGTH, ADDRESS mask MASK, or the first bytes of an IPv4 address.
    fn net(&mut self, value: &str) -> Result<Net, TermsError> {
        if let Some((address, len)) = value.split_once('/') {
            let address = address_of(address)?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            return match len.parse() {
                Ok(len) if len <= most => Ok(Net::new(address, len)),
                _ => Err(wrong(format!("{len:?} is no length of a network's prefix"))),
            };
        }
        if self.takes("mask") {
            let mask = self.words.first().and_then(|word| word.parse().ok());
            let mask = mask.map(Ipv4Addr::to_bits);
            let Some(mask) = mask.filter(|mask| mask.leading_ones() == mask.count_ones()) else {
                return Err(wrong("what stands behind mask is no mask of IPv4"));
            };
            self.skip();
            return Ok(Net::new(address_of(value)?, mask.count_ones()));
        }
        let parts = value.split('.').count();
        if value.contains(':') || parts == 4 {
            return host(value);
        }
        let whole = format!("{value}{}", ".0".repeat(4_usize.saturating_sub(parts)));
        Ok(Net::new(address_of(&whole)?, 8 * parts as u32))
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.words.first() == Some(&word);
        if is {
            self.skip();
        }
        is
    }

    fn skip(&mut self) {
        self.words = self.words.get(1..).unwrap_or_default();
    }
}

fn host(value: &str) -> Result<Net, TermsError> {
    Ok(Net::new(address_of(value)?, 128))
}

fn address_of(value: &str) -> Result<IpAddr, TermsError> {
    value
        .parse::<IpAddr>()
        .map(|address| address.to_canonical())
        .map_err(|_| wrong(format!("{value:?} is no address; names are not looked up")))
}

fn port(value: &str) -> Result<u16, TermsError> {
    value
        .parse()
        .map_err(|_| wrong(format!("{value:?} is no number of a port")))
}

fn port_range(value: &str) -> Result<RangeInclusive<u16>, TermsError> {
    match value.split_once('-') {
        Some((first, last)) => Ok(port(first)?..=port(last)?),
        None => Err(wrong(format!("{value:?} is no range of ports, FIRST-LAST"))),
    }
}

fn wrong(what: impl Into<String>) -> TermsError {
    TermsError { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_same_is_said_in_several_ways() {
        for (one, other) in [
            ("10.0.0.1", "host 10.0.0.1"),
            ("host 10.0.0.1", "src or dst host 10.0.0.1"),
            ("src 10.0.0.1", "src host 10.0.0.1"),
            ("port 80 or 443", "port 80 or port 443"),
            ("dst port 80 or 443", "dst port 80 or dst port 443"),
            ("net 10", "net 10.0.0.0/8"),
            ("net 192.168", "net 192.168.0.0 mask 255.255.0.0"),
            ("net 10.1.2.3", "host 10.1.2.3"),
            ("net 2001:db8::1", "host 2001:db8::1"),
            ("port 80 && !host ::1", "port 80 and not host ::1"),
            (
                "port 1 or port 2 and port 3",
                "(port 1 or port 2) and port 3",
            ),
            ("port 80", "portrange 80-80"),
            ("host ::ffff:10.0.0.1", "host 10.0.0.1"),
        ] {
            assert_eq!(term(one), term(other), "{one}");
        }
        assert_eq!(
            term("tcp port 80"),
            Term::And(Box::new(Term::All), Box::new(term("port 80")))
        );
        assert_eq!(term("vlan"), Term::Vlan(None));
        assert_eq!(term("vlan 7 and ip6"), {
            let (a, b) = (Term::Vlan(Some(7)), Term::Version6);
            Term::And(Box::new(a), Box::new(b))
        });
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, what) in [
            ("", "is empty"),
            ("port", "ends where a value"),
            ("port http", "\"http\" is no number of a port"),
            ("port 65536", "is no number"),
            ("host example.org", "names are not looked up"),
            ("udp", "\"udp\" is no address"),
            ("(port 80", "is not closed"),
            ("port 80)", "\")\" stands where"),
            ("port 80 port 81", "\"port\" stands where"),
            ("portrange 80", "is no range"),
            ("net 10.0.0.0/33", "is no length"),
            ("net 10 mask 255.0.255.0", "is no mask"),
            ("port 80 and", "ends where a value"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
        for text in [
            "(".repeat(2000),
            "not ".repeat(1000),
            "( ".repeat(100),
            "port 1 or ".repeat(1000),
        ] {
            assert!(parse(&text).is_err());
        }
    }
}
